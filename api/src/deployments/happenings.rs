//! What happened to a deployment next.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use futures::TryStreamExt as _;
use shiplog_domain::{
    decider::Coded as _,
    lane::{Classification, Command, DeploymentNumber, Happened, LaneId, State as LaneState},
    metadata::Actor,
};
use shiplog_projections::history::{self, TakenBack};
use shiplog_store::{
    execute::{ExecuteError, Outcome},
    position::{GlobalPosition, StreamVersion},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    happened::{
        Approve, Cancel, CorrectionGiven, Fail, Happening, HealthGiven, NoteGiven, Reject, Start,
        Succeed, TargetGiven,
    },
    request::when,
};
use crate::{
    app::App,
    body::{Body, OptionalBody},
    caller::Caller,
    path::{self, DeploymentPath},
    problem::{Problem, ProblemKind},
    receipt::Receipt,
    shapes::{Deployment, Told},
    views::PATIENCE,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(start_deployment))
        .routes(routes!(succeed_deployment))
        .routes(routes!(fail_deployment))
        .routes(routes!(cancel_deployment))
        .routes(routes!(approve_deployment))
        .routes(routes!(reject_deployment))
        .routes(routes!(report_target))
        .routes(routes!(report_health))
        .routes(routes!(add_note))
        .routes(routes!(correct_deployment))
}

macro_rules! handlers {
    ($($(#[$doc:meta])* $handler:ident = $step:literal, $body:ident($given:ty);)+) => {$(
        $(#[$doc])*
        #[utoipa::path(post,
            path = concat!("/v1/deployments/{service}/{environment}/{number}/", $step),
            tag = "deployments", request_body = $given,
            params(crate::openapi::LaneParams, crate::openapi::NumberParam),
            responses((status = 200, description = "It is recorded", body = Deployment)))]
        async fn $handler(
            State(app): State<App>,
            path: DeploymentPath,
            caller: Caller,
            $body(given): $body<$given>,
        ) -> Result<Response, Problem> {
            take(app, path, caller, $step, given).await
        }
    )+};
}

handlers! {
    /// Say that it began, or claim it.
    ///
    /// A claim is refused where somebody has begun it (`already-started`), where people still have to
    /// agree (`not-approved`), and where a guard rail has been put up since it was asked for.
    start_deployment = "start", OptionalBody(Start);
    /// Say that it worked.
    succeed_deployment = "succeed", OptionalBody(Succeed);
    /// Say that it did not work.
    fail_deployment = "fail", OptionalBody(Fail);
    /// Call it off.
    cancel_deployment = "cancel", OptionalBody(Cancel);
    /// Agree to it, as a person.
    ///
    /// Programs are refused (`not-a-person`), and so is whoever asked for it where the environment says
    /// so (`self-approval`).
    approve_deployment = "approve", OptionalBody(Approve);
    /// Turn it down.
    reject_deployment = "reject", OptionalBody(Reject);
    /// Say how it went on one target.
    report_target = "targets", Body(TargetGiven);
    /// Say how the release is doing.
    report_health = "health", Body(HealthGiven);
    /// Write something down about it.
    add_note = "notes", Body(NoteGiven);
    /// Correct what is recorded about it.
    correct_deployment = "corrections", Body(CorrectionGiven);
}

/// What an answer is made of, taken from the lane right after the command.
struct Seen {
    deployment: shiplog_domain::lane::Deployment,
    requested_by: u64,
    classification: Classification,
    replaced: Option<shiplog_domain::lane::Deployment>,
    /// The rollback that took it back, and which event asked for that.
    taken_back: Option<(shiplog_domain::lane::Deployment, u64)>,
}

fn see(state: &LaneState, number: DeploymentNumber) -> Option<Seen> {
    Some(Seen {
        deployment: state.deployment(number)?.clone(),
        requested_by: state.requested_by(number)?,
        classification: state.classification(number)?,
        replaced: state.replaced(number).cloned(),
        taken_back: state.taken_back().get(&number).and_then(|rollback| {
            Some((state.deployment(*rollback)?.clone(), state.requested_by(*rollback)?))
        }),
    })
}

/// Agrees to a deployment, or turns it down: what a person decides about one.
pub(crate) async fn decide(
    app: &App,
    deployment: &DeploymentPath,
    caller: &Caller,
    verdict: Verdict,
) -> Result<(), Problem> {
    let recorded = match verdict {
        Verdict::Approve(given) => record(app, deployment, caller, ("approve", given)).await,
        Verdict::Reject(given) => record(app, deployment, caller, ("reject", given)).await,
    };
    recorded.map(drop)
}

/// What a person decides about a deployment.
pub(crate) enum Verdict {
    Approve(Approve),
    Reject(Reject),
}

/// Records what happened and answers with the deployment as it is then.
async fn take<H: Happening>(
    app: App,
    path: DeploymentPath,
    caller: Caller,
    step: &str,
    given: H,
) -> Result<Response, Problem> {
    let (receipt, deployment) = record(&app, &path, &caller, (step, given)).await?;
    Ok((receipt, Json(deployment)).into_response())
}

/// Records what happened; tells the deployment as it is then.
async fn record<H: Happening>(
    app: &App,
    DeploymentPath { lane, number }: &DeploymentPath,
    caller: &Caller,
    (step, given): (&str, H),
) -> Result<(Receipt, Deployment), Problem> {
    let number = *number;
    let path = format!("{}/{step}", path::of_deployment(lane, number));
    let metadata = caller.metadata(&path, &given);
    let stated = given.at();
    let mut happened = given.happened(&caller.actor)?;
    // What is decided is decided now, whatever is stated.
    let when = when(stated.filter(|_| !happened.is_decision()), app.clock.now());
    app.admission.name_target(lane, number, &mut happened).await?;
    if let Happened::Claim { rails, .. } = &mut happened {
        *rails = app.admission.rails_of_deployment(lane, number).await?;
    }
    let command = Command::Deployment { number, when, happened };
    app.telemetry.asked(&command);
    let seen = |state: &LaneState, _: &Outcome| see(state, number);
    let executed = app.lanes.execute(&lane.stream(), caller.claimed, command, metadata, seen).await;
    let (outcome, seen) = match executed {
        Err(ExecuteError::Refused(no)) if no.code() == "unknown-deployment" => {
            return Err(ProblemKind::NotFound.because(no.to_string()).coded(no.code()));
        }
        executed => executed?,
    };
    let Seen { deployment, requested_by, classification, replaced, taken_back } =
        seen.ok_or_else(missing)?;
    let taken_back = match taken_back {
        Some((rollback, asked)) => {
            Some(TakenBack::of(&rollback, requester(app, lane, asked).await?))
        }
        None => None,
    };
    let actor = requester(app, lane, requested_by).await?;
    let position = match outcome {
        Outcome::Recorded(last) | Outcome::Replayed(last) => Some(last.position),
        Outcome::AlreadySo { position, .. } => last_position(app, lane, number, position).await?,
    };
    let told = Told {
        lane,
        deployment: &deployment,
        actor: &actor,
        classification,
        replaced: replaced.as_ref(),
        taken_back: taken_back.as_ref(),
        position: position.ok_or_else(missing)?,
    };
    Ok((app.receipt_of(&outcome), Deployment::from(told)))
}

/// Who requested a deployment, from the event of its stream that did.
async fn requester(app: &App, lane: &LaneId, requested_by: u64) -> Result<Actor, Problem> {
    let stream = lane.stream();
    let mut records = app.log.read_stream(&stream, Some(StreamVersion(requested_by)));
    let requested = records.try_next().await?;
    requested.map(|record| record.metadata.actor).ok_or_else(missing)
}

/// Where the deployment's last event is; if the history does not know in time, where the lane's is.
async fn last_position(
    app: &App,
    lane: &LaneId,
    number: DeploymentNumber,
    head: Option<GlobalPosition>,
) -> Result<Option<GlobalPosition>, Problem> {
    let history = &app.models.history;
    if let Some(head) = head {
        // Whoever repeats themselves is not refused because a read model is behind.
        let _ = history.at_least(head, PATIENCE).await;
    }
    let id = lane.clone();
    let known = history.query(move |view| history::one(view, &id, number)).await?;
    Ok(known.value.map(|entry| entry.position).or(head))
}

fn missing() -> Problem {
    ProblemKind::Internal.because("the deployment is not there any more")
}
