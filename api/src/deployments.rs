//! Deployments: asked for, reported, followed, listed.

pub(crate) mod changes;
mod csv;
mod happened;
mod happenings;
mod intent;
mod list;
mod misnamed;
pub(crate) mod recovery;
pub(crate) mod report;
mod request;
mod show;
mod true_intent;

use axum::{
    Json,
    extract::{DefaultBodyLimit, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use shiplog_domain::{
    lane::{
        Classification, Command, DeploymentNumber, LaneId, Override, Refusal, Request,
        State as LaneState,
    },
    metadata::{self, Metadata},
};
use shiplog_store::{
    execute::{ExecuteError, Outcome},
    log::AppendError,
    position::GlobalPosition,
};
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouterExt as _},
    routes,
};

pub(crate) use self::{
    csv::{shown, word},
    happened::{Approve, Long, Reject},
    happenings::{Verdict, decide},
    intent::KINDS,
    list::{KNOWN, labels, next_link, plain, search, statuses},
    request::{DeploymentRequest, MAX_SHOWN, when},
    show::{one, records},
};
use crate::{
    app::App,
    body::Body,
    caller::Caller,
    path,
    problem::{Problem, ProblemKind},
    rails,
    shapes::{self, Deployment},
};

/// The most bytes that a batch has.
const MAX_BATCH: usize = 16 * 1024 * 1024;

/// Where deployments are asked for and reported, whichever way.
pub(crate) const PATH: &str = "/v1/deployments";

pub(crate) fn routes() -> OpenApiRouter<App> {
    let larger = DefaultBodyLimit::max(MAX_BATCH);
    OpenApiRouter::new()
        .routes(routes!(create_deployment, list::list_deployments))
        .routes(routes!(report::report_batch).layer(larger))
        .routes(routes!(show::get_deployment))
        .routes(routes!(show::get_deployment_events))
        .merge(happenings::routes())
        .merge(changes::routes())
        .merge(recovery::routes())
}

/// Request a deployment, or report one.
///
/// `status` says which: `requested` (unless something else is said) asks for a deployment and can
/// be refused by the rules; `started`, `succeeded` and `failed` report one that took place, and
/// are recorded whatever they say. A rollback that is asked for brings no release, only a
/// `reason`, and the release that it replays is found here.
#[utoipa::path(post, path = "/v1/deployments", tag = "deployments",
    request_body = DeploymentRequest,
    responses((status = 201, description = "It is recorded", body = Deployment)))]
async fn create_deployment(
    State(app): State<App>,
    caller: Caller,
    Body(request): Body<DeploymentRequest>,
) -> Result<Response, Problem> {
    let Created { outcome, lane, number, deployment } = create(&app, caller, request).await?;
    let receipt = app.receipt_of(&outcome).located(path::of_deployment(&lane, number));
    Ok((StatusCode::CREATED, receipt, Json(deployment)).into_response())
}

/// What became of a request, and the deployment right after it.
pub(crate) struct Created {
    outcome: Outcome,
    pub(crate) lane: LaneId,
    pub(crate) number: DeploymentNumber,
    deployment: Deployment,
}

/// Requests a deployment, or reports one.
pub(crate) async fn create(
    app: &App,
    caller: Caller,
    request: DeploymentRequest,
) -> Result<Created, Problem> {
    let caller = match request.actor() {
        Some(actor) => caller.speaking_for(actor.clone()),
        None => caller,
    };
    let (metadata, goal) = (caller.metadata(PATH, &request), misnamed::goal(&request));
    let (lane, command) = request.into_command(app.clock.now(), &caller.actor)?;
    app.telemetry.asked(&command);
    let executed = execute(app, &lane, &caller, command, metadata).await;
    let (outcome, told) = match executed {
        Ok(executed) => executed,
        Err(problem) => return Err(misnamed::hinted(app, &lane, goal.as_ref(), problem).await),
    };
    let (number, deployment) = told.ok_or_else(|| {
        ProblemKind::Internal.because("a deployment was recorded and is not there")
    })?;
    Ok(Created { outcome, lane, number, deployment })
}

async fn execute(
    app: &App,
    lane: &LaneId,
    caller: &Caller,
    command: Command,
    metadata: Metadata,
) -> Result<(Outcome, Told), Problem> {
    if let Command::Request { request, crosses, .. } = command {
        return guarded(app, lane, caller, (request, crosses), &metadata).await;
    }
    let told = |state: &LaneState, outcome: &Outcome| last(lane, state, &caller.actor, outcome);
    Ok(app.lanes.execute(&lane.stream(), caller.claimed, command, metadata, told).await?)
}

/// How often a request is looked at again because the lane moved meanwhile.
const ATTEMPTS: usize = 5;

/// Executes a request, with the guard rails as they stand.
///
/// Which release it means can depend on the lane, and whether that is blocked on the release: where
/// the lane has moved between the look and the decision, both are looked at again.
async fn guarded(
    app: &App,
    lane: &LaneId,
    caller: &Caller,
    (request, crosses): (Request, Option<Override>),
    metadata: &Metadata,
) -> Result<(Outcome, Told), Problem> {
    let stream = lane.stream();
    for _ in 0..ATTEMPTS {
        let (rails, seen) = rails::of_request(app, lane, &request.asked).await?;
        let (request, crosses) = (request.clone(), crosses.clone());
        let command = Command::Request { request, rails, crosses };
        let claimed = caller.claimed.or(seen);
        let told = |state: &LaneState, outcome: &Outcome| last(lane, state, &caller.actor, outcome);
        match app.lanes.execute(&stream, claimed, command, metadata.clone(), told).await {
            Err(ExecuteError::Append(AppendError::Conflict { .. })) if caller.claimed.is_none() => {
            }
            executed => return Ok(executed?),
        }
    }
    Err(ExecuteError::<Refusal>::Contended { stream }.into())
}

/// A recorded deployment and its number, for an answer.
type Told = Option<(DeploymentNumber, Deployment)>;

/// The deployment that was requested last, for an answer.
fn last(lane: &LaneId, state: &LaneState, actor: &metadata::Actor, outcome: &Outcome) -> Told {
    let deployment = state.deployments().last()?;
    let number = deployment.number();
    let told = shapes::Told {
        lane,
        deployment,
        actor,
        classification: state.classification(number).unwrap_or(Classification::New),
        replaced: state.replaced(number),
        // Nothing has come after it.
        taken_back: None,
        position: outcome.position().unwrap_or(GlobalPosition(0)),
    };
    Some((number, told.into()))
}

/// What a batch's line and a single request come to.
pub(crate) type Asked = (LaneId, Command);
