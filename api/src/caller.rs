//! Who calls, under which promise, and what they believe.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, header, request::Parts},
};
use serde::Serialize;
use shiplog_domain::metadata::{
    self, ActorKind, CorrelationId, IdempotencyKey, Metadata, RequestDigest, Via,
};
use shiplog_store::position::{ExpectedVersion, StreamVersion};

use crate::{problem::Problem, shapes::ActorGiven};

/// The caller's promise that two requests are the same one.
pub(crate) const KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Who is answerable.
pub(crate) const ACTOR: HeaderName = HeaderName::from_static("shiplog-actor");

/// What ties together all that the request leads to.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Who sends a write, and what beside its body says what it is.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) actor: metadata::Actor,
    /// Whether the headers named the actor, so that it is part of the request.
    named: bool,
    pub(crate) key: IdempotencyKey,
    pub(crate) correlation: CorrelationId,
    /// Where the caller believes the stream to be.
    pub(crate) claimed: Option<ExpectedVersion>,
}

impl Caller {
    /// Somebody who is named beside the content of what they send.
    pub(crate) fn new(
        actor: metadata::Actor,
        key: IdempotencyKey,
        correlation: CorrelationId,
    ) -> Self {
        Self { actor, named: true, key, correlation, claimed: None }
    }

    /// The same, who believes the stream to be there.
    pub(crate) fn claiming(self, claimed: Option<ExpectedVersion>) -> Self {
        Self { claimed, ..self }
    }

    /// The same, spoken for by the actor that the request's content names.
    pub(crate) fn speaking_for(self, actor: metadata::Actor) -> Self {
        Self { actor, named: false, ..self }
    }

    /// What the log keeps beside the events of a request to `path` with this content.
    pub(crate) fn metadata(&self, path: &str, content: &impl Serialize) -> Metadata {
        Metadata {
            actor: self.actor.clone(),
            idempotency_key: self.key.clone(),
            request_digest: digest(path, content, self.named.then_some(&self.actor)),
            correlation_id: self.correlation.clone(),
            causation_id: None,
            source: None,
        }
    }
}

/// What tells two requests under one key apart: what is asked, of what, and, if the content does
/// not say it, by whom.
pub(crate) fn digest(
    path: &str,
    content: &impl Serialize,
    actor: Option<&metadata::Actor>,
) -> RequestDigest {
    // Our own structs have string keys and finite numbers, so nothing can fail.
    let content = serde_json::to_vec(content).unwrap_or_default();
    let actor = actor.map(|actor| (actor.kind, &actor.id));
    let actor = serde_json::to_vec(&actor).unwrap_or_default();
    RequestDigest::of(&[path.as_bytes(), &content, &actor])
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let headers = &parts.headers;
        let key = text(headers, (&KEY, "Idempotency-Key"))?.unwrap_or_default();
        let key =
            key.parse().map_err(|error| Problem::at("Idempotency-Key", format!("{error}")))?;
        let (actor, correlation) = (actor(headers)?, correlation(headers)?);
        let named = headers.contains_key(ACTOR);
        Ok(Self { actor, named, key, correlation, claimed: claimed(headers)? })
    }
}

/// Who the headers say is calling.
pub(crate) fn actor(headers: &HeaderMap) -> Result<metadata::Actor, Problem> {
    match text(headers, (&ACTOR, "Shiplog-Actor"))? {
        Some(text) => text
            .parse()
            .map(|ActorGiven(actor)| actor)
            .map_err(|error| Problem::at("Shiplog-Actor", format!("{error}"))),
        None => Ok(anonymous()),
    }
}

/// What the headers say that the request belongs to.
pub(crate) fn correlation(headers: &HeaderMap) -> Result<CorrelationId, Problem> {
    Ok(CorrelationId(text(headers, (&REQUEST_ID, "X-Request-Id"))?.unwrap_or_default().into()))
}

fn anonymous() -> metadata::Actor {
    let (kind, id) = (ActorKind::System, "anonymous".into());
    metadata::Actor { kind, id, name: None, via: Via::Claimed }
}

/// A header's value as UTF-8.
fn text<'h>(
    headers: &'h HeaderMap,
    (name, shown): (&HeaderName, &str),
) -> Result<Option<&'h str>, Problem> {
    let value = headers.get(name).map(|value| std::str::from_utf8(value.as_bytes()));
    value.transpose().map_err(|_| Problem::at(shown, "it is not UTF-8"))
}

fn claimed(headers: &HeaderMap) -> Result<Option<ExpectedVersion>, Problem> {
    let Some(text) = text(headers, (&header::IF_MATCH, "If-Match"))? else { return Ok(None) };
    let version = text
        .trim()
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .filter(|digits| !digits.is_empty() && digits.bytes().all(|one| one.is_ascii_digit()))
        .and_then(|digits| digits.parse().ok());
    let version = version.ok_or_else(|| {
        Problem::at("If-Match", "it takes one version, as `ETag` gave it: `\"17\"`")
    })?;
    Ok(Some(ExpectedVersion::Exact(StreamVersion(version))))
}

/// Whether it can be a key.
pub(crate) fn is_key(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| text.parse::<IdempotencyKey>().is_ok())
}

/// Whether a request id that somebody sent can be shown and kept: 1 to 200 visible ASCII characters.
pub(crate) fn is_sane(id: &[u8]) -> bool {
    (1..=200).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn a_claim_is_one_strong_version() {
        let claimed = |text| claimed(&headers(header::IF_MATCH, text));
        let exact = ExpectedVersion::Exact(StreamVersion(17));
        assert_eq!(claimed("\"17\""), Ok(Some(exact)));
        for text in ["*", "17", "W/\"17\"", "\"1\", \"2\"", "\"\"", "\"+1\""] {
            assert!(claimed(text).is_err(), "{text}");
        }
    }

    #[test]
    fn nobody_in_particular_is_anonymous() {
        assert_eq!(actor(&HeaderMap::new()).unwrap().id, "anonymous");
        let ana = actor(&headers(ACTOR, "person:ana")).unwrap();
        assert_eq!((ana.kind, ana.id.as_str()), (ActorKind::Person, "ana"));
    }

    #[test]
    fn another_actor_makes_another_request() {
        let (one, mut other) = (anonymous(), anonymous());
        other.id = "ana".into();
        assert_ne!(digest("/p", &1, Some(&one)), digest("/p", &1, Some(&other)));
        assert_ne!(digest("/p", &1, Some(&one)), digest("/p", &1, None));
        assert_eq!(digest("/p", &1, Some(&one)), digest("/p", &1, Some(&anonymous())));
    }
}
