//! The keys of a search.

/// What a key asks about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Service,
    Environment,
    Version,
    Status,
    Actor,
    Commit,
    Label,
    Artifact,
    Intent,
    Is,
    Since,
    Until,
    Duration,
}

/// A key, for who types it.
#[derive(Debug, PartialEq, Eq)]
pub struct Known {
    /// What it is called.
    pub word: &'static str,
    /// A term with it.
    pub example: &'static str,
    /// What it asks about.
    pub says: &'static str,
    pub(super) key: Key,
}

impl Known {
    const fn new(key: Key, word: &'static str, example: &'static str, says: &'static str) -> Self {
        Self { word, example, says, key }
    }

    /// Every word for it.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        let long = (self.key == Key::Environment).then_some("environment");
        [self.word].into_iter().chain(long)
    }

    /// Phones begin what is typed with a capital.
    pub(super) fn is_called(&self, typed: &str) -> bool {
        self.names().any(|name| name.eq_ignore_ascii_case(typed))
    }
}

/// Every key.
pub static KEYS: [Known; 13] = [
    Known::new(Key::Service, "service", "service:checkout", "of this service"),
    Known::new(
        Key::Environment,
        "env",
        "env:production,staging",
        "in this environment; `environment` is the same",
    ),
    Known::new(Key::Version, "version", "version:1.4.2", "of this version"),
    Known::new(
        Key::Status,
        "status",
        "status:failed,cancelled",
        "requested, rejected, started, succeeded, failed or cancelled",
    ),
    Known::new(Key::Actor, "actor", "actor:ann", "requested by the actor with this id"),
    Known::new(Key::Commit, "commit", "commit:3f2c9ab", "of the commit that begins so"),
    Known::new(
        Key::Label,
        "label",
        "label:team=payments",
        "with this label; `label:team` is with any value",
    ),
    Known::new(
        Key::Artifact,
        "artifact",
        "artifact:image",
        "with an artifact of this name or digest",
    ),
    Known::new(
        Key::Intent,
        "intent",
        "intent:retry",
        "asked for as deploy, rollback, roll_forward, retry or unknown",
    ),
    Known::new(
        Key::Is,
        "is",
        "is:rollback",
        "rollback (declared or inferred), new, reapply, restore, roll-forward, retry, open, running, \
         over, failed and the other statuses, void, contradicted",
    ),
    Known::new(
        Key::Since,
        "since",
        "since:2d",
        "requested then or later: a time, a date, or how long ago (90m, 2h, 3d, 2w)",
    ),
    Known::new(Key::Until, "until", "until:2026-11-01", "requested before then"),
    Known::new(Key::Duration, "duration", "duration:>5m", "took more than that; also <, >= and <="),
];
