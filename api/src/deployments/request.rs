//! A deployment as it is asked for, or reported.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shiplog_domain::{
    lane::{
        Asked, Command, Configuration, DeploymentNumber, Irreversible, LaneId, Outcome, Rails,
        Report, Request, RollbackTo, When,
    },
    metadata,
    names::{EnvironmentName, ServiceName},
    release::Manifest,
    text::is_blank,
};
use utoipa::ToSchema;

use super::{
    Asked as Wanted,
    intent::{IntentGiven, Kind},
};
use crate::{
    admission::names::Use,
    problem::Problem,
    shapes::{
        ActorGiven, ConfigurationGiven, Labels, Moment, Name, Object, OverrideGiven, ReleaseGiven,
        ShownGiven, Text,
    },
};

/// How far a deployment has come, as it is first heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StatusGiven {
    /// It is asked for.
    Requested,
    /// It began.
    Started,
    /// It worked.
    Succeeded,
    /// It did not.
    Failed,
}

/// Asks for a deployment, or reports one.
///
/// A deployment brings a `release`; a retry brings none. A rollback that is asked for brings no
/// release and needs a `reason`; one that is reported may bring the release that it put there. What
/// brings no release is configured as what it replays, unless it is reported otherwise.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeploymentRequest {
    /// What is deployed.
    #[schema(value_type = Name)]
    pub(super) service: ServiceName,
    /// Where to.
    #[schema(value_type = Name)]
    pub(super) environment: EnvironmentName,
    /// Why; `deploy` unless something else is said, and for reports `unknown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) intent: Option<IntentGiven>,
    /// What is put there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ReleaseGiven>)]
    pub(super) release: Option<Object<ReleaseGiven>>,
    /// What the release is configured with there: the digest of each thing, by name; up to 200.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    pub(super) configuration: Option<ConfigurationGiven>,
    /// In the words of who asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 10000)]
    pub(super) reason: Option<Text<0, 10_000>>,
    /// `requested` asks for it; the others report it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<StatusGiven>,
    /// When it happened, for a report; now unless something else is said. What is asked for is asked for
    /// now: a time that it states is not taken, and warned of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) at: Option<Moment>,
    /// What the asking system calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 200)]
    pub(super) external_id: Option<Text<0, 200>>,
    /// Where to read on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 2000)]
    pub(super) url: Option<Text<0, 2_000>>,
    /// Whatever else there is to say, by name: up to 64.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    pub(super) labels: Option<Labels>,
    /// What went wrong; only where `status` is `failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 10000)]
    pub(super) error: Option<Text<0, 10_000>>,
    /// Guard rails to cross; only where it is asked for.
    #[serde(rename = "override", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<OverrideGiven>)]
    pub(super) crosses: Option<Object<OverrideGiven>>,
    /// The irreversible changes that whoever asks has been shown: up to 200.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<ShownGiven>>, max_items = 200)]
    pub(super) acknowledged: Option<Vec<Object<ShownGiven>>>,
    /// Whether a new service or environment is meant that looks like a known one: without it, what is
    /// asked for is refused (`similar-name`) if only case, blanks or Unicode form tell the two apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) new_name: Option<bool>,
    /// Who is answerable; `Shiplog-Actor` does it too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) actor: Option<ActorGiven>,
}

impl DeploymentRequest {
    /// Who is said to be answerable.
    pub(crate) fn actor(&self) -> Option<&metadata::Actor> {
        self.actor.as_ref().map(|ActorGiven(actor)| actor)
    }

    /// How it uses the names of its lane.
    pub(super) fn used(&self) -> Use {
        match self.status {
            Some(StatusGiven::Started | StatusGiven::Succeeded | StatusGiven::Failed) => {
                Use::Reported
            }
            Some(StatusGiven::Requested) | None => Use::of(self.new_name),
        }
    }

    /// Whether it states a time that is not taken: what is asked for is asked for now.
    pub(super) fn is_dated(&self) -> bool {
        self.at.is_some() && self.used() != Use::Reported
    }

    /// What it comes to, in which lane.
    pub(super) fn into_command(
        self,
        now: Timestamp,
        actor: &metadata::Actor,
    ) -> Result<Wanted, Problem> {
        let lane = LaneId { service: self.service.clone(), environment: self.environment.clone() };
        let (status, error) = (self.status.unwrap_or(StatusGiven::Requested), self.error.clone());
        if error.is_some() && status != StatusGiven::Failed {
            return Err(Problem::at("/error", "only a deployment that `failed` has one"));
        }
        let crosses = self.crosses.clone().map(|Object(crosses)| crosses.into());
        if crosses.is_some() && status != StatusGiven::Requested {
            return Err(Problem::at("/override", "a report meets no guard rails"));
        }
        let request = self.into_request(status, now, actor)?;
        let outcome = match status {
            StatusGiven::Requested => {
                return Ok((lane, Command::Request { request, rails: Rails::default(), crosses }));
            }
            StatusGiven::Started => Outcome::Started,
            StatusGiven::Succeeded => Outcome::Succeeded,
            StatusGiven::Failed => Outcome::Failed { error: error.map(Into::into) },
        };
        Ok((lane, Command::Report(Report { request, outcome })))
    }

    fn into_request(
        self,
        status: StatusGiven,
        now: Timestamp,
        actor: &metadata::Actor,
    ) -> Result<Request, Problem> {
        let asked = status == StatusGiven::Requested;
        let usual = if asked { Kind::Deploy } else { Kind::Unknown };
        let intent = self.intent.unwrap_or_else(|| usual.into());
        let reason = self.reason.map(String::from);
        if asked && intent.kind == Kind::Rollback && reason.as_deref().is_none_or(is_blank) {
            return Err(Problem::at("/reason", "a rollback has to say why"));
        }
        // What is asked for is asked for now, whatever is stated: see `is_dated`.
        let at = self.at.filter(|_| !asked);
        Ok(Request {
            when: when(at, now),
            configuration: configured(self.configuration, intent.kind, asked)?,
            asked: wanted(intent, self.release, asked)?,
            by: Some(actor.id.clone()),
            reason,
            url: self.url.map(Into::into),
            external_id: self.external_id.map(Into::into),
            labels: self.labels.unwrap_or_default().0,
            acknowledged: shown(self.acknowledged)?,
        })
    }
}

/// The most irreversible changes that one request acknowledges.
pub(crate) const MAX_SHOWN: usize = 200;

fn shown(given: Option<Vec<Object<ShownGiven>>>) -> Result<Vec<Irreversible>, Problem> {
    let given = given.unwrap_or_default();
    if given.len() > MAX_SHOWN {
        return Err(Problem::at("/acknowledged", format!("it takes up to {MAX_SHOWN}")));
    }
    Ok(given.into_iter().map(Into::into).collect())
}

/// When it happened, and who said so.
pub(crate) fn when(at: Option<Moment>, now: Timestamp) -> When {
    When { at: at.map_or(now, |at| at.0), stated: at.is_some() }
}

/// What is replayed brings the configuration that is recorded; only a report knows of another one.
fn configured(
    given: Option<ConfigurationGiven>,
    kind: Kind,
    asked: bool,
) -> Result<Option<Arc<Configuration>>, Problem> {
    let problem = match kind {
        Kind::Rollback if asked => "a rollback replays the configuration that is recorded",
        Kind::Retry => "a retry repeats the configuration that is recorded",
        Kind::Rollback | Kind::Deploy | Kind::RollForward | Kind::Unknown => {
            return Ok(given.map(Into::into));
        }
    };
    if given.is_some() { Err(Problem::at("/configuration", problem)) } else { Ok(None) }
}

fn wanted(
    intent: IntentGiven,
    release: Option<Object<ReleaseGiven>>,
    asked: bool,
) -> Result<Asked, Problem> {
    let IntentGiven { kind, to, of, mends } = intent;
    Ok(match kind {
        Kind::Deploy => Asked::Deploy(manifest(release)?),
        Kind::Unknown => Asked::Unknown(manifest(release)?),
        Kind::RollForward => {
            Asked::RollForward { release: manifest(release)?, mends: mends.map(DeploymentNumber) }
        }
        Kind::Rollback if asked && release.is_some() => {
            return Err(Problem::at(
                "/release",
                "a rollback replays a recorded release; say in `intent` which one",
            ));
        }
        Kind::Rollback => Asked::Rollback {
            to: to.map_or(RollbackTo::Previous, Into::into),
            release: release.map(|release| manifest(Some(release))).transpose()?,
        },
        Kind::Retry if release.is_some() => {
            return Err(Problem::at("/release", "a retry repeats the release that is recorded"));
        }
        Kind::Retry => Asked::Retry { of: of.map(DeploymentNumber) },
    })
}

fn manifest(release: Option<Object<ReleaseGiven>>) -> Result<Manifest, Problem> {
    let Object(release) =
        release.ok_or_else(|| Problem::at("/release", "missing field `release`"))?;
    let version = release.version.clone();
    let version =
        version.ok_or_else(|| Problem::at("/release/version", "missing field `version`"))?;
    Ok(release.into_manifest(version))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use shiplog_domain::{
        lane,
        metadata::{Actor, ActorKind, Via},
    };

    use super::*;
    use crate::body;

    fn command(fields: &Value) -> Result<Command, Problem> {
        let mut request = json!({"service": "checkout", "environment": "production"});
        let whole = request.as_object_mut().unwrap();
        whole.extend(fields.as_object().unwrap().clone());
        let request = body::parse::<DeploymentRequest>(request.to_string().as_bytes())?;
        let (kind, id) = (ActorKind::Person, "ana".into());
        let actor = Actor { kind, id, name: None, via: Via::Claimed };
        request.into_command(Timestamp::UNIX_EPOCH, &actor).map(|(_, command)| command)
    }

    #[track_caller]
    fn refused(fields: &Value, pointer: &str) {
        assert_eq!(command(fields).unwrap_err().errors[0].pointer, pointer, "{fields}");
    }

    #[test]
    fn a_rollback_that_is_asked_for_says_why_and_brings_nothing() {
        let rollback = |more: Value| {
            let mut fields = json!({"intent": {"kind": "rollback"}});
            fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            fields
        };
        refused(&rollback(json!({})), "/reason");
        refused(&rollback(json!({"reason": ""})), "/reason");
        refused(&rollback(json!({"reason": " \u{200b}\n"})), "/reason");
        refused(&rollback(json!({"reason": "x", "release": {"version": "1"}})), "/release");
        let Ok(Command::Request { request, .. }) = command(&rollback(json!({"reason": "x"})))
        else {
            panic!("it was refused");
        };
        assert_eq!(request.asked, Asked::Rollback { to: RollbackTo::Previous, release: None });
        assert!(
            command(&rollback(json!({"status": "succeeded", "release": {"version": "1"}}))).is_ok()
        );
    }

    #[test]
    fn the_rest_brings_a_release_and_a_retry_none() {
        refused(&json!({}), "/release");
        refused(&json!({"release": {}}), "/release/version");
        refused(&json!({"release": {"version": ""}}), "/release/version");
        refused(&json!({"intent": "retry", "release": {"version": "1"}}), "/release");
        refused(&json!({"intent": {"kind": "roll_forward", "mends": 1}}), "/release");
        assert!(command(&json!({"release": {"version": "1"}})).is_ok());
    }

    #[test]
    fn what_is_replayed_is_configured_as_it_was_unless_a_report_says_otherwise() {
        let things = json!({"app.yaml": "sha256:4d"});
        let with = |fields: Value| {
            let mut fields = fields;
            fields["configuration"] = things.clone();
            fields
        };
        refused(&with(json!({"intent": "rollback", "reason": "x"})), "/configuration");
        refused(&with(json!({"intent": "retry"})), "/configuration");
        refused(&with(json!({"intent": "retry", "status": "succeeded"})), "/configuration");
        assert!(command(&with(json!({"intent": "rollback", "status": "succeeded"}))).is_ok());
        let deploy = with(json!({"release": {"version": "1"}}));
        let Ok(Command::Request { request, .. }) = command(&deploy) else {
            panic!("it was refused");
        };
        assert_eq!(json!(request.configuration), things);
        refused(
            &json!({"release": {"version": "1"}, "configuration": {"a": 1}}),
            "/configuration/a",
        );
    }

    #[test]
    fn only_what_is_asked_for_meets_guard_rails_and_crosses_them_with_a_reason() {
        let release = json!({"version": "1"});
        let crossing = |crosses: Value| json!({"release": release, "override": crosses});
        let freeze = json!({"rails": ["freeze"], "reason": "it burns"});
        let Ok(Command::Request { crosses, .. }) = command(&crossing(freeze.clone())) else {
            panic!("it was refused");
        };
        assert_eq!(crosses.unwrap().rails, [lane::Rail::Freeze]);
        refused(&crossing(json!({"rails": ["freeze"]})), "/override/reason");
        refused(&crossing(json!({"rails": ["freeze"], "reason": ""})), "/override/reason");
        refused(&crossing(json!({"rails": [], "reason": "x"})), "/override/rails");
        refused(&crossing(json!({"rails": ["fog"], "reason": "x"})), "/override/rails/0");
        let report = json!({"release": release, "status": "failed", "override": freeze});
        refused(&report, "/override");
    }

    #[test]
    fn an_error_belongs_to_a_failure() {
        let release = json!({"version": "1"});
        refused(&json!({"release": release, "error": "x"}), "/error");
        let fields = json!({"release": release, "error": "x", "status": "failed"});
        assert!(matches!(command(&fields), Ok(Command::Report(_))));
    }

    #[test]
    fn a_report_that_does_not_say_why_is_unknown() {
        let fields = json!({"release": {"version": "1"}, "status": "started"});
        let Ok(Command::Report(report)) = command(&fields) else { panic!("it was refused") };
        assert!(matches!(report.request.asked, Asked::Unknown(_)));
    }
}
