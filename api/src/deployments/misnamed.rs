//! A rollback to a number where a version was meant, or to a version where a number was.

use shiplog_domain::lane::{DeploymentNumber, LaneId, State, Status};

use super::{DeploymentRequest, intent::To};
use crate::{app::App, problem::Problem};

/// The codes of refusals that say that there is nothing under that name.
const CODES: [&str; 2] = ["unknown-deployment", "never-ran"];

/// Says how to name the other thing, if there is one.
pub(super) async fn hinted(app: &App, lane: &LaneId, to: Option<&To>, problem: Problem) -> Problem {
    let Some(to) = to.filter(|_| CODES.contains(&problem.code)) else { return problem };
    let other = app.lanes.read(&lane.stream(), |state, _| other(state, to)).await;
    match other {
        Ok(Some(hint)) => Problem { detail: format!("{}; {hint}", problem.detail), ..problem },
        Ok(None) | Err(_) => problem,
    }
}

/// What a request says that it goes back to.
pub(super) fn goal(request: &DeploymentRequest) -> Option<To> {
    request.intent.as_ref()?.to.clone()
}

fn other(state: &State, to: &To) -> Option<String> {
    match to {
        To::Number(number) => {
            let version = number.to_string();
            let has_run = state.deployments().iter().any(|one| {
                one.status() == Status::Succeeded && one.release().version.as_str() == version
            });
            has_run.then(|| format!("a version `{version}` ran here: as a text, it means that one"))
        }
        To::Word(version) => {
            let number = version.as_str().parse().ok().map(DeploymentNumber)?;
            let version = &state.deployment(number)?.release().version;
            Some(format!(
                "deployment `{number}`, of `{version}`, is here: as a number, it means that one"
            ))
        }
    }
}
