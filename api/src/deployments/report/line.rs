//! One line of a batch.

use serde::{Deserialize, Serialize};
use shiplog_domain::{
    lane::{Command, LaneId},
    metadata::{Actor, IdempotencyKey, Metadata},
    names::{EnvironmentName, ServiceName},
};

use super::Claims;
use crate::{
    admission::names::Use,
    body, caller,
    deployments::{
        DeploymentRequest, PATH,
        intent::IntentGiven,
        request::{StatusGiven, when},
    },
    problem::Problem,
    shapes::{
        ActorGiven, ConfigurationGiven, Labels, Moment, Object, OverrideGiven, ReleaseGiven,
        ShownGiven, Text,
    },
};

/// Everything that a line may hold.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    idempotency_key: Option<Text<1, 200>>,
    removed: Option<bool>,
    service: ServiceName,
    environment: EnvironmentName,
    intent: Option<IntentGiven>,
    release: Option<Object<ReleaseGiven>>,
    configuration: Option<ConfigurationGiven>,
    reason: Option<Text<0, 10_000>>,
    status: Option<StatusGiven>,
    at: Option<Moment>,
    external_id: Option<Text<0, 200>>,
    url: Option<Text<0, 2_000>>,
    labels: Option<Labels>,
    error: Option<Text<0, 10_000>>,
    #[serde(rename = "override")]
    crosses: Option<Object<OverrideGiven>>,
    acknowledged: Option<Vec<Object<ShownGiven>>>,
    new_name: Option<bool>,
    actor: Option<ActorGiven>,
}

/// Says that a service was taken out of an environment.
#[derive(Serialize)]
struct Removal {
    removed: bool,
    service: ServiceName,
    environment: EnvironmentName,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Text<0, 10_000>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<ActorGiven>,
}

impl Removal {
    fn into_command(self, claims: &Claims) -> (LaneId, Command) {
        let Self { removed: _, service, environment, reason, at, actor: _ } = self;
        let reason = reason.map(Into::into);
        let command = Command::Remove { when: when(at, claims.now), reason };
        (LaneId { service, environment }, command)
    }
}

/// What a line asks or reports of which lane.
pub(super) struct Parsed {
    pub(super) lane: LaneId,
    pub(super) used: Use,
    pub(super) command: Command,
    pub(super) metadata: Metadata,
    /// Whether it states a time that is not taken.
    pub(super) is_dated: bool,
}

/// Reads a line.
pub(super) fn parse(text: &[u8], claims: &Claims) -> Result<Parsed, Problem> {
    let Object(said): Object<Line> = body::parse(text)?;
    let actor = match &said.actor {
        Some(ActorGiven(actor)) => actor.clone(),
        None => claims.actor.clone(),
    };
    let key = said.idempotency_key.clone().map(String::from);
    let asks = matches!(said.status, None | Some(StatusGiven::Requested));
    if key.is_none() && said.at.is_none() && asks && said.removed != Some(true) {
        let problem = "a line that asks for a deployment needs one, because it states no time";
        return Err(Problem::at("/idempotency_key", problem));
    }
    if key.is_none() && said.at.is_none() {
        return Err(Problem::at("/at", "a line without `idempotency_key` has to say when"));
    }
    if said.removed == Some(true) {
        let removal = said.into_removal()?;
        let metadata = metadata(&removal, key, actor, claims)?;
        let (lane, command) = removal.into_command(claims);
        return Ok(Parsed { lane, used: Use::Reported, command, metadata, is_dated: false });
    }
    let request = said.into_request();
    let (used, metadata) = (request.used(), metadata(&request, key, actor, claims)?);
    let is_dated = request.is_dated();
    let (lane, command) = request.into_command(claims.now, &metadata.actor)?;
    Ok(Parsed { lane, used, command, metadata, is_dated })
}

/// A line that brings no key has its content for one.
fn metadata(
    content: &impl Serialize,
    key: Option<String>,
    actor: Actor,
    claims: &Claims,
) -> Result<Metadata, Problem> {
    // Who sends the lines is left out: the same line is known whoever sends it again.
    let digest = caller::digest(PATH, content, None);
    let key: IdempotencyKey = key
        .unwrap_or_else(|| format!("line-{digest}"))
        .parse()
        .map_err(|error| Problem::at("/idempotency_key", format!("{error}")))?;
    Ok(Metadata {
        actor,
        idempotency_key: key,
        request_digest: digest,
        correlation_id: claims.correlation.clone(),
        causation_id: None,
        source: claims.source.clone(),
    })
}

impl Line {
    fn into_request(self) -> DeploymentRequest {
        let Self { service, environment, intent, release, reason, status, .. } = self;
        let Self { at, external_id, url, labels, error, crosses, acknowledged, new_name, .. } =
            self;
        let actor = self.actor;
        let configuration = self.configuration;
        DeploymentRequest {
            service,
            environment,
            intent,
            release,
            configuration,
            reason,
            status,
            at,
            external_id,
            url,
            labels,
            error,
            crosses,
            acknowledged,
            new_name,
            actor,
        }
    }

    fn into_removal(self) -> Result<Removal, Problem> {
        let stray = [
            ("/intent", self.intent.is_some()),
            ("/release", self.release.is_some()),
            ("/configuration", self.configuration.is_some()),
            ("/status", self.status.is_some()),
            ("/external_id", self.external_id.is_some()),
            ("/url", self.url.is_some()),
            ("/labels", self.labels.is_some()),
            ("/error", self.error.is_some()),
            ("/override", self.crosses.is_some()),
            ("/acknowledged", self.acknowledged.is_some()),
            ("/new_name", self.new_name.is_some()),
        ];
        if let Some((pointer, _)) = stray.iter().find(|(_, stray)| *stray) {
            return Err(Problem::at(*pointer, "a removal has none"));
        }
        let Self { service, environment, reason, at, actor, .. } = self;
        Ok(Removal { removed: true, service, environment, reason, at, actor })
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use shiplog_domain::metadata::{ActorKind, CorrelationId, Via};

    use super::*;

    fn claims() -> Claims {
        let (kind, id) = (ActorKind::Service, "import".into());
        Claims {
            actor: Actor { kind, id, name: None, via: Via::Claimed },
            correlation: CorrelationId("run-1".into()),
            source: None,
            now: Timestamp::UNIX_EPOCH,
        }
    }

    fn read(json: &str) -> Result<Parsed, Problem> {
        parse(json.as_bytes(), &claims())
    }

    const REPORT: &str = r#"{"service": "a", "environment": "b", "status": "succeeded",
        "release": {"version": "1"}, "at": "2026-01-31T12:00:00Z"}"#;

    #[test]
    fn a_line_is_its_own_key() {
        let metadata = |json: &str| read(json).unwrap().metadata;
        let (one, again) = (metadata(REPORT), metadata(&REPORT.replace(": ", ":")));
        assert_eq!(one.idempotency_key, again.idempotency_key);
        assert!(one.idempotency_key.as_str().starts_with("line-"));
        let other = metadata(&REPORT.replace("\"1\"", "\"2\""));
        assert_ne!(one.idempotency_key, other.idempotency_key);
    }

    #[test]
    fn a_removal_says_no_more_than_that() {
        let json = r#"{"removed": true, "service": "a", "environment": "b",
            "at": "2026-01-31T12:00:00Z", "actor": "ana"}"#;
        let Parsed { command, metadata, .. } = read(json).unwrap();
        assert!(matches!(command, Command::Remove { .. }));
        assert_eq!(metadata.actor.id, "ana");
        let json = json.replace("\"at\"", "\"status\": \"failed\", \"at\"");
        assert_eq!(read(&json).err().unwrap().errors[0].pointer, "/status");
    }

    #[test]
    fn a_line_without_key_says_when() {
        let asks = r#"{"service": "a", "environment": "b", "release": {"version": "1"}}"#;
        assert_eq!(read(asks).err().unwrap().errors[0].pointer, "/idempotency_key");
        let reports = asks.replace("\"service\"", "\"status\": \"started\", \"service\"");
        assert_eq!(read(&reports).err().unwrap().errors[0].pointer, "/at");
    }
}
