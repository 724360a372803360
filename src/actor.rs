//! Who does it, as the command line says it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Person, service or system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// A human being.
    Person,
    /// A program that acts for itself: a pipeline, a bot.
    Service,
    /// An outside system that reports on its own account.
    System,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Service => "service",
            Self::System => "system",
        }
    }
}

/// Who is answerable for what the command does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Actor {
    // In alphabetical order: an import line's idempotency key digests them as they stand.
    /// Opaque and stable.
    pub(crate) id: String,
    /// Person, service or system.
    pub(crate) kind: Kind,
    /// What people call them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
}

impl Actor {
    /// An actor without a name.
    pub(crate) fn new(kind: Kind, id: impl Into<String>) -> Self {
        Self { id: id.into(), kind, name: None }
    }

    /// Guesses the kind from the id: `bot-…` and `…[bot]` are services, all others are people.
    pub(crate) fn guess(id: &str) -> Self {
        let is_bot = id.starts_with("bot-") || id.ends_with("[bot]");
        Self::new(if is_bot { Kind::Service } else { Kind::Person }, id)
    }
}

/// Reads `person:ann`, `service:ci`, `system:argo-cd`, or an id whose kind is guessed.
impl FromStr for Actor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let actor = match text.split_once(':') {
            Some(("person", id)) => Self::new(Kind::Person, id),
            Some(("service", id)) => Self::new(Kind::Service, id),
            Some(("system", id)) => Self::new(Kind::System, id),
            Some(_) | None => Self::guess(text),
        };
        if actor.id.is_empty() {
            return Err("an actor needs an id: give one like `person:ann` or `service:ci`".into());
        }
        Ok(actor)
    }
}

/// The form of the `Shiplog-Actor` header: `person:ann`.
impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.as_str(), self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_reads_with_and_without_its_kind() {
        for (text, expected) in [
            ("person:ann", "person:ann"),
            ("service:ci", "service:ci"),
            ("system:argo-cd", "system:argo-cd"),
            ("ann", "person:ann"),
            ("bot-3f", "service:bot-3f"),
            ("dependabot[bot]", "service:dependabot[bot]"),
            ("urn:ann", "person:urn:ann"),
        ] {
            assert_eq!(text.parse::<Actor>().unwrap().to_string(), expected);
        }
        assert!("service:".parse::<Actor>().is_err());
    }
}
