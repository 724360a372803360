//! Who asked, under which promise, and because of what.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid};

use crate::{names::MAX_CHARACTERS, stream::StreamName};

/// What kind of actor it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A human being.
    Person,
    /// A program that acts for itself: a pipeline, a bot.
    Service,
    /// Shiplog, or an outside system that reported on its own account.
    System,
}

impl ActorKind {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Service => "service",
            Self::System => "system",
        }
    }
}

/// How it is known who the actor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// The caller said so and nothing confirmed it.
    Claimed,
    /// A Shiplog token.
    Token,
    /// An identity provider.
    Oidc,
    /// A signed webhook of an outside system.
    Webhook,
}

/// Who is answerable for a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// Person, service or system.
    pub kind: ActorKind,
    /// Opaque and stable, 1 to 200 characters: what the identity provider calls them.
    pub id: String,
    /// What people call them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How that is known.
    pub via: Via,
}

/// A key was given that cannot be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an idempotency key takes 1 to {MAX_CHARACTERS} printable characters")]
pub struct KeyError;

/// The caller's promise that two requests are the same one.
///
/// 1 to 200 characters, no control characters; kept for ever. Its scope is a stream.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let fits = (1..=MAX_CHARACTERS).contains(&text.chars().count());
        if fits && !text.chars().any(char::is_control) {
            Ok(Self(text.into()))
        } else {
            Err(KeyError)
        }
    }
}

/// What ties together all that one request led to; a UUID unless the caller chose another.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CorrelationId(pub String);

/// The first 128 bits of a SHA-256, written as 32 hexadecimal digits.
///
/// Tells two requests under one key apart; it is no proof against forgery.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequestDigest(u128);

impl RequestDigest {
    /// Digests the parts of a request, each with its length, so that none runs into the next.
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        let bits = hasher.finalize();
        Self(bits.iter().take(16).fold(0, |digest, byte| digest << 8 | u128::from(*byte)))
    }
}

impl fmt::Display for RequestDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for RequestDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl From<RequestDigest> for String {
    fn from(digest: RequestDigest) -> Self {
        digest.to_string()
    }
}

impl TryFrom<String> for RequestDigest {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.len() != 32 {
            return Err("a request digest has 32 hexadecimal digits");
        }
        u128::from_str_radix(&text, 16)
            .map(Self)
            .map_err(|_| "a request digest has 32 hexadecimal digits")
    }
}

/// The name of one event, the same for every retry of the request that made it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub Uuid);

impl EventId {
    /// Derives the id of the `index`th event that one request adds to `stream`.
    ///
    /// The same request therefore always makes the same ids, and a log that
    /// refuses a known id refuses the retry, whichever backend it is.
    ///
    /// A UUID of version 8: its first 48 bits are a hash of the stream alone, so that the ids of
    /// a stream lie side by side in an index; the others are a hash of stream, key and index.
    pub fn derive(stream: &StreamName, key: &IdempotencyKey, index: usize) -> Self {
        const SHARED: usize = 6;
        let of_stream = Sha256::digest(stream.as_str());
        let of_event = Sha256::digest(format!("{stream}\n{}\n{index}", key.0));
        let bytes = of_stream.iter().take(SHARED).chain(&of_event);
        let mut id = [0; 16];
        id.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
        Self(Builder::from_custom_bytes(id).into_uuid())
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Which outside system said so, and how it names the occasion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// `github`, `import`, `argo-cd`.
    pub system: String,
    /// What that system calls the occasion: a delivery id, a file and line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// What the log keeps beside an event.
///
/// When it *happened* is in the event; when it was *recorded* is the log's to
/// say. Metadata never decides anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// Who is answerable.
    pub actor: Actor,
    /// The retry promise that the event ids derive from.
    pub idempotency_key: IdempotencyKey,
    /// What was asked, so that one key cannot stand for two requests.
    pub request_digest: RequestDigest,
    /// The request that this belongs to.
    pub correlation_id: CorrelationId,
    /// The event that led here, if an event did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<EventId>,
    /// Which outside system said so, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retry_makes_the_same_ids_and_another_key_others() {
        let stream = StreamName::recorded("lane-checkout@production");
        let key = |text: &str| text.parse::<IdempotencyKey>().unwrap();
        let id = EventId::derive(&stream, &key("run-1"), 0);
        // Frozen: these ids are in logs.
        assert_eq!(id.to_string(), "46d2850a-d735-84e7-8109-1f24d61a1790");
        assert_ne!(id, EventId::derive(&stream, &key("run-1"), 1));
        assert_ne!(id, EventId::derive(&stream, &key("run-2"), 0));
    }

    #[test]
    fn parts_of_a_digest_do_not_run_into_each_other() {
        assert_ne!(RequestDigest::of(&[b"ab", b"c"]), RequestDigest::of(&[b"a", b"bc"]));
    }

    #[test]
    fn a_digest_reads_as_it_was_written() {
        let digest = RequestDigest::of(&[b"x"]);
        let json = serde_json::to_string(&digest).unwrap();
        assert_eq!(serde_json::from_str::<RequestDigest>(&json).unwrap(), digest);
    }
}
