//! What is said of a release: what it is, and whether it may go further.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shiplog_domain::{
    names::{ServiceName, Version},
    release::{Command, ReleaseId, State as ReleaseState},
};
use shiplog_store::execute::Outcome;
use utoipa::ToSchema;

use crate::{
    admission::names::Use,
    ahead::not_ahead,
    app::App,
    body::Body,
    caller::Caller,
    path::ReleasePath,
    problem::{Problem, ProblemKind},
    query::encode,
    shapes::{Block, Moment, Name, Prose, Release, ReleaseGiven},
};

/// A release, as it is registered.
#[derive(Serialize, ToSchema)]
pub(crate) struct RegisteredRelease {
    #[schema(value_type = Name)]
    service: ServiceName,
    #[schema(value_type = Name)]
    version: Version,
    commit: Option<String>,
    /// Whether it was registered.
    registered: bool,
    /// The block in force.
    blocked: Option<Block>,
    /// What it was registered as.
    release: Option<Release>,
}

impl RegisteredRelease {
    fn of(id: &ReleaseId, state: &ReleaseState) -> Self {
        let ReleaseState { registered, blocked } = state;
        Self {
            service: id.service.clone(),
            version: id.version.clone(),
            commit: registered.as_ref().and_then(|manifest| manifest.commit.clone()),
            registered: registered.is_some(),
            blocked: blocked.clone().map(Into::into),
            release: registered.as_ref().map(Into::into),
        }
    }
}

/// Why.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "it is called so on the wire")]
pub(crate) struct Reason {
    /// In the words of who says so.
    pub(crate) reason: Prose,
    /// Whether a new service is meant that looks like a known one; else it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) new_name: Option<bool>,
    /// When; now unless something else is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<Moment>,
}

/// Blocks a release.
pub(crate) async fn block(
    app: &App,
    id: &ReleaseId,
    caller: &Caller,
    given: &Reason,
) -> Result<Recorded, Problem> {
    let reason = given.reason.clone().into();
    let id = &app.admission.name_release(id.clone(), Use::of(given.new_name)).await?;
    let command = |at| Command::Block { at, reason };
    record(app, id, caller, ("/block", given.at, given), command).await
}

/// Unblocks a release.
pub(crate) async fn unblock(
    app: &App,
    id: &ReleaseId,
    caller: &Caller,
    given: &Reason,
) -> Result<Recorded, Problem> {
    let reason = given.reason.clone().into();
    let id = &app.admission.name_release(id.clone(), Use::of(given.new_name)).await?;
    let command = |at| Command::Unblock { at, reason };
    record(app, id, caller, ("/unblock", given.at, given), command).await
}

/// Register a release: say what it is made of before, or apart from, its first deployment.
///
/// Releases do not change: registering another content under the same version is refused.
#[utoipa::path(put, path = "/v1/releases/{service}/{version}", tag = "releases",
    request_body = ReleaseGiven, params(crate::openapi::ReleaseParams),
    responses((status = 200, description = "It is registered", body = RegisteredRelease)))]
pub(super) async fn register_release(
    State(app): State<App>,
    ReleasePath(id): ReleasePath,
    caller: Caller,
    Body(given): Body<ReleaseGiven>,
) -> Result<Response, Problem> {
    if let Some(other) = given.version.as_ref().filter(|version| **version != id.version) {
        return Err(ProblemKind::Refused
            .because(format!("the path is of version `{}`, the body of `{other}`", id.version))
            .coded("release-differs"));
    }
    let id = app.admission.name_release(id, Use::Reported).await?;
    let release = given.clone().into_manifest(id.version.clone());
    let command = |at| Command::Register { at, release };
    Ok(told(&app, record(&app, &id, &caller, ("", None, &given), command).await?))
}

/// Block a release: it must not go further.
#[utoipa::path(post, path = "/v1/releases/{service}/{version}/block", tag = "releases",
    request_body = Reason, params(crate::openapi::ReleaseParams),
    responses((status = 200, description = "It is blocked", body = RegisteredRelease)))]
pub(super) async fn block_release(
    State(app): State<App>,
    ReleasePath(id): ReleasePath,
    caller: Caller,
    Body(given): Body<Reason>,
) -> Result<Response, Problem> {
    Ok(told(&app, block(&app, &id, &caller, &given).await?))
}

/// Unblock a release: it may go on.
#[utoipa::path(post, path = "/v1/releases/{service}/{version}/unblock", tag = "releases",
    request_body = Reason, params(crate::openapi::ReleaseParams),
    responses((status = 200, description = "It is not blocked any more",
        body = RegisteredRelease)))]
pub(super) async fn unblock_release(
    State(app): State<App>,
    ReleasePath(id): ReleasePath,
    caller: Caller,
    Body(given): Body<Reason>,
) -> Result<Response, Problem> {
    Ok(told(&app, unblock(&app, &id, &caller, &given).await?))
}

/// What became of a command, and the release right after it.
pub(crate) type Recorded = (Outcome, RegisteredRelease);

fn told(app: &App, (outcome, registered): Recorded) -> Response {
    (app.receipt_of(&outcome), Json(registered)).into_response()
}

async fn record(
    app: &App,
    id: &ReleaseId,
    caller: &Caller,
    (step, at, given): (&str, Option<Moment>, &impl Serialize),
    command: impl FnOnce(Timestamp) -> Command,
) -> Result<Recorded, Problem> {
    let (service, version) = (encode(id.service.as_str()), encode(id.version.as_str()));
    let metadata = caller.metadata(&format!("/v1/releases/{service}/{version}{step}"), given);
    let command = command(not_ahead(at, app.clock.now())?);
    app.telemetry.asked(&command);
    let told = |state: &ReleaseState, _: &Outcome| RegisteredRelease::of(id, state);
    Ok(app.releases.execute(&id.stream(), caller.claimed, command, metadata, told).await?)
}
