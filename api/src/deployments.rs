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
use serde::Serialize;
use shiplog_domain::{
    lane::{Classification, Command, DeploymentNumber, LaneId, State as LaneState},
    metadata::{self, Metadata},
};
use shiplog_store::{execute::Outcome, position::GlobalPosition};
use utoipa::ToSchema;
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouterExt as _},
    routes,
};

pub(crate) use self::{
    csv::{shown, word},
    happened::{Approve, Long, Reject},
    happenings::{Verdict, decide},
    intent::KINDS,
    list::{KNOWN, labels, plain, search, statuses},
    request::{DeploymentRequest, MAX_SHOWN, when},
    show::{one, records},
};
use crate::{
    admission::{Proposal, warning::Warning},
    app::App,
    body::Body,
    caller::Caller,
    path,
    problem::{Problem, ProblemKind},
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
    responses((status = 201, description = "It is recorded", body = CreatedDeployment)))]
async fn create_deployment(
    State(app): State<App>,
    caller: Caller,
    Body(request): Body<DeploymentRequest>,
) -> Result<Response, Problem> {
    let Created { outcome, lane, number, deployment, warnings } =
        create(&app, caller, request).await?;
    let deployment = CreatedDeployment { deployment, warnings };
    let receipt = app.receipt_of(&outcome).located(path::of_deployment(&lane, number));
    Ok((StatusCode::CREATED, receipt, Json(deployment)).into_response())
}

/// What became of a request, and the deployment right after it.
pub(crate) struct Created {
    outcome: Outcome,
    pub(crate) lane: LaneId,
    pub(crate) number: DeploymentNumber,
    deployment: Deployment,
    warnings: Vec<Warning>,
}

/// A deployment that is recorded now.
#[derive(Serialize, ToSchema)]
struct CreatedDeployment {
    #[serde(flatten)]
    deployment: Deployment,
    /// What somebody should look at, although it is recorded; absent if there is nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    warnings: Vec<Warning>,
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
    let (used, metadata) = (request.used(), caller.metadata(PATH, &request));
    let (goal, is_dated) = (misnamed::goal(&request), request.is_dated());
    let (lane, mut command) = request.into_command(app.clock.now(), &caller.actor)?;
    let (lane, mut warnings) = app.admission.name_lane(lane, used).await?;
    app.admission.name_version(&lane.service, &mut command).await?;
    warnings.extend(app.admission.warn_of_content(&lane, &command).await);
    warnings.extend(is_dated.then(Warning::dated));
    app.telemetry.asked(&command);
    let (outcome, told) = match execute(app, &lane, &caller, command, metadata).await {
        Ok(executed) => executed,
        Err(problem) => return Err(misnamed::hinted(app, &lane, goal.as_ref(), problem).await),
    };
    let (number, deployment) = told.ok_or_else(|| {
        ProblemKind::Internal.because("a deployment was recorded and is not there")
    })?;
    Ok(Created { outcome, lane, number, deployment, warnings })
}

async fn execute(
    app: &App,
    lane: &LaneId,
    caller: &Caller,
    command: Command,
    metadata: Metadata,
) -> Result<(Outcome, Told), Problem> {
    let claimed = caller.claimed;
    let told = |state: &LaneState, outcome: &Outcome| last(lane, state, &caller.actor, outcome);
    Ok(if let Command::Request { request, crosses, .. } = command {
        let proposal = Proposal { request, crosses, claimed };
        app.admission.execute(lane, proposal, &metadata, told).await?
    } else {
        app.lanes.execute(&lane.stream(), claimed, command, metadata, told).await?
    })
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
