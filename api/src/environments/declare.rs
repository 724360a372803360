//! What is declared of an environment.

use axum::{
    Json,
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shiplog_domain::{
    environment::{Command, Rules, State as EnvironmentState, Tier, stream},
    names::EnvironmentName,
};
use shiplog_projections::{current, view::View};
use shiplog_store::execute::Outcome;
use utoipa::ToSchema;

use super::unheard;
use crate::{
    admission::names::Use,
    ahead::not_ahead,
    app::App,
    body::{Body, OptionalBody},
    caller::Caller,
    path::EnvironmentPath,
    problem::Problem,
    query::{Query, encode},
    shapes::{Frozen, Moment, Name, Prose, Text, TierWord, Whole},
    views::AtLeast,
};

/// The rules under which an environment is deployed to.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Declaration {
    /// How much depends on it.
    #[schema(value_type = TierWord)]
    pub(crate) tier: Tier,
    /// How many people must agree to a deployment.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u8>, minimum = 0, maximum = 255)]
    pub(crate) approvals: Option<Whole<0, 255>>,
    /// Whether who asked may be one of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) self_approval: Option<bool>,
    /// Whether a lane takes one deployment at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) one_at_a_time: Option<bool>,
    /// Whether a new environment is meant that looks like a known one; else it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) new_name: Option<bool>,
    /// When; now unless something else is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<Moment>,
}

/// Nothing should be deployed there for a while.
///
/// The window begins at `at` and ends at `until`: a freeze can be planned, and several can stand.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Freeze {
    /// Why.
    pub(crate) reason: Prose,
    /// Until when; until somebody unfreezes it unless something else is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<Moment>,
    /// Whether a new environment is meant that looks like a known one; else it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) new_name: Option<bool>,
    /// When it begins; now unless something else is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<Moment>,
}

/// When, and why.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Because {
    /// In the words of who does it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 10000)]
    pub(crate) reason: Option<Text<0, 10_000>>,
    /// When; now unless something else is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<Moment>,
}

/// An environment, as it is declared.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "each one is said apart on the wire")]
pub(crate) struct DeclaredEnvironment {
    #[schema(value_type = Name)]
    environment: EnvironmentName,
    #[schema(value_type = TierWord)]
    tier: Tier,
    /// Whether anybody declared it.
    declared: bool,
    /// How many people must agree to a deployment.
    approvals: u8,
    /// Whether who asked may be one of them.
    self_approval: bool,
    /// Whether a lane takes one deployment at a time.
    one_at_a_time: bool,
    /// The freeze in force.
    frozen: Option<Frozen>,
    /// The freezes that are to come, the next one first.
    planned_freezes: Vec<Frozen>,
    /// Whether it is no more.
    retired: bool,
}

impl DeclaredEnvironment {
    fn of(environment: &EnvironmentName, state: &EnvironmentState, now: Timestamp) -> Self {
        let rules = state.rules.unwrap_or_else(|| Rules::undeclared(environment));
        let Rules { tier, approvals, self_approval, one_at_a_time } = rules;
        Self {
            environment: environment.clone(),
            tier,
            declared: state.rules.is_some(),
            approvals,
            self_approval,
            one_at_a_time,
            frozen: Frozen::at(&state.freezes, now),
            planned_freezes: Frozen::planned(&state.freezes, now),
            retired: state.retired,
        }
    }
}

/// Declares an environment, or declares it anew.
pub(crate) async fn declare(
    app: &App,
    name: &EnvironmentName,
    caller: &Caller,
    given: &Declaration,
) -> Result<Recorded, Problem> {
    let rules = Rules {
        tier: given.tier,
        approvals: given.approvals.and_then(|one| u8::try_from(one.0).ok()).unwrap_or_default(),
        self_approval: given.self_approval.unwrap_or_default(),
        one_at_a_time: given.one_at_a_time.unwrap_or_default(),
    };
    let command = |at| Command::Declare { at, rules };
    let name = &app.admission.name_environment(name.clone(), Use::of(given.new_name)).await?;
    record(app, name, caller, ("", given.at, given), command).await
}

/// Freezes an environment.
pub(crate) async fn freeze(
    app: &App,
    name: &EnvironmentName,
    caller: &Caller,
    given: &Freeze,
) -> Result<Recorded, Problem> {
    let (reason, until) = (given.reason.clone().into(), given.until.map(|until| until.0));
    let command = |at| Command::Freeze { at, reason, until };
    let name = &app.admission.name_environment(name.clone(), Use::of(given.new_name)).await?;
    // One that begins later is planned.
    let at = given.at.map_or_else(|| app.clock.now(), |at| at.0);
    record_at(app, name, caller, ("/freeze", at, given), command).await
}

/// Unfreezes an environment.
pub(crate) async fn unfreeze(
    app: &App,
    name: &EnvironmentName,
    caller: &Caller,
    given: &Because,
) -> Result<Recorded, Problem> {
    let reason = given.reason.clone().map(Into::into);
    let command = |at| Command::Unfreeze { at, reason };
    let name = &app.admission.name_environment(name.clone(), Use::Asked).await?;
    // One that is planned is called off by when it begins.
    let at = given.at.map_or_else(|| app.clock.now(), |at| at.0);
    record_at(app, name, caller, ("/unfreeze", at, given), command).await
}

/// Declare an environment, or declare it anew.
#[utoipa::path(put, path = "/v1/environments/{name}", tag = "environments",
    request_body = Declaration, params(crate::openapi::EnvironmentParam),
    responses((status = 200, description = "It is declared", body = DeclaredEnvironment)))]
pub(super) async fn declare_environment(
    State(app): State<App>,
    EnvironmentPath(name): EnvironmentPath,
    caller: Caller,
    Body(given): Body<Declaration>,
) -> Result<Response, Problem> {
    Ok(told(&app, declare(&app, &name, &caller, &given).await?))
}

/// Freeze an environment: nothing should be deployed there for now.
#[utoipa::path(post, path = "/v1/environments/{name}/freeze", tag = "environments",
    request_body = Freeze, params(crate::openapi::EnvironmentParam),
    responses((status = 200, description = "It is frozen", body = DeclaredEnvironment)))]
pub(super) async fn freeze_environment(
    State(app): State<App>,
    EnvironmentPath(name): EnvironmentPath,
    caller: Caller,
    Body(given): Body<Freeze>,
) -> Result<Response, Problem> {
    Ok(told(&app, freeze(&app, &name, &caller, &given).await?))
}

/// Unfreeze an environment: lift every freeze that is in force.
///
/// With `at`, those that are in force then: a planned window is called off by the time it begins.
#[utoipa::path(post, path = "/v1/environments/{name}/unfreeze", tag = "environments",
    request_body = Because, params(crate::openapi::EnvironmentParam),
    responses((status = 200, description = "It is not frozen any more", body = DeclaredEnvironment)))]
pub(super) async fn unfreeze_environment(
    State(app): State<App>,
    EnvironmentPath(name): EnvironmentPath,
    caller: Caller,
    OptionalBody(given): OptionalBody<Because>,
) -> Result<Response, Problem> {
    Ok(told(&app, unfreeze(&app, &name, &caller, &given).await?))
}

/// Retire an environment. What was deployed there stays recorded.
#[utoipa::path(delete, path = "/v1/environments/{name}", tag = "environments",
    request_body = Because, params(crate::openapi::EnvironmentParam),
    responses((status = 200, description = "It is retired", body = DeclaredEnvironment)))]
pub(super) async fn retire_environment(
    State(app): State<App>,
    EnvironmentPath(name): EnvironmentPath,
    caller: Caller,
    RawQuery(raw): RawQuery,
    OptionalBody(given): OptionalBody<Because>,
) -> Result<Response, Problem> {
    Query::parse(raw.as_deref(), &[])?;
    let declared = app.environments.read(&stream(&name), |_, version| version.is_some()).await?;
    if !declared && !is_deployed_to(&app, &name).await? {
        return Err(unheard(&name));
    }
    let reason = given.reason.clone().map(Into::into);
    let command = |at| Command::Retire { at, reason };
    Ok(told(&app, record(&app, &name, &caller, ("", given.at, &given), command).await?))
}

/// Whether anything was ever deployed to an environment, by all that is recorded.
async fn is_deployed_to(app: &App, name: &EnvironmentName) -> Result<bool, Problem> {
    AtLeast::wanted(app, app.log.head().await?).seen_by(&app.models.current).await?;
    let name = name.clone();
    let look = move |view: &View<'_>| current::is_heard_of(view, &name);
    Ok(app.models.current.query(look).await?.value)
}

/// What became of a command, and the environment right after it.
pub(crate) type Recorded = (Outcome, DeclaredEnvironment);

fn told(app: &App, (outcome, declared): Recorded) -> Response {
    (app.receipt_of(&outcome), Json(declared)).into_response()
}

/// Records what is done now, or was done before.
async fn record(
    app: &App,
    name: &EnvironmentName,
    caller: &Caller,
    (step, at, given): (&str, Option<Moment>, &impl Serialize),
    command: impl FnOnce(Timestamp) -> Command,
) -> Result<Recorded, Problem> {
    let at = not_ahead(at, app.clock.now())?;
    record_at(app, name, caller, (step, at, given), command).await
}

async fn record_at(
    app: &App,
    name: &EnvironmentName,
    caller: &Caller,
    (step, at, given): (&str, Timestamp, &impl Serialize),
    command: impl FnOnce(Timestamp) -> Command,
) -> Result<Recorded, Problem> {
    let path = format!("/v1/environments/{}{step}", encode(name.as_str()));
    let (metadata, now) = (caller.metadata(&path, given), app.clock.now());
    let command = command(at);
    app.telemetry.asked(&command);
    let told = |state: &EnvironmentState, _: &Outcome| DeclaredEnvironment::of(name, state, now);
    Ok(app.environments.execute(&stream(name), caller.claimed, command, metadata, told).await?)
}
