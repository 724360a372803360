//! The lines of one lane, in their order.

use std::mem;

use shiplog_domain::{
    lane::{Command, LaneId, State as LaneState},
    metadata::Metadata,
};
use shiplog_store::{execute::Outcome, position::StreamVersion};

use super::{LineAnswer, LineStatus, Named, refused};
use crate::{
    admission::{Admission, Proposal, named},
    problem::Problem,
};

/// Records the lines of a lane, each on what the one before it left.
///
/// What is decided from the lane alone is written in as few appends as it fits into. A rollback or
/// a retry that is asked for is decided by itself: which release it means, and so whether that one
/// is blocked, depends on the lines before it.
pub(super) async fn record(
    admission: &Admission,
    lane: LaneId,
    lines: Vec<Named>,
) -> Vec<LineAnswer> {
    let (mut answers, mut run) = (Vec::with_capacity(lines.len()), Vec::new());
    for Named { line, command, metadata, warnings } in lines {
        match command {
            Command::Request { request, rails: _, crosses } => {
                let proposal = Proposal { request, crosses, claimed: None };
                if named(&proposal.request.asked).is_none() {
                    answers.extend(take(admission, &lane, mem::take(&mut run)).await);
                    answers.push(match decide(admission, &lane, proposal, &metadata).await {
                        Ok((outcome, number)) => known(line, &outcome, number),
                        Err(problem) => refused(line, problem),
                    });
                    continue;
                }
                match guarded(admission, &lane, proposal).await {
                    Ok(command) => run.push(Named { line, command, metadata, warnings }),
                    Err(problem) => answers.push(refused(line, problem)),
                }
            }
            command
            @ (Command::Report(_) | Command::Deployment { .. } | Command::Remove { .. }) => {
                run.push(Named { line, command, metadata, warnings });
            }
        }
    }
    answers.extend(take(admission, &lane, run).await);
    answers
}

/// A request with the guard rails of its lane.
async fn guarded(
    admission: &Admission,
    lane: &LaneId,
    Proposal { request, crosses, claimed: _ }: Proposal,
) -> Result<Command, Problem> {
    let (rails, _) = admission.rails_of_request(lane, &request.asked).await?;
    Ok(Command::Request { request, rails, crosses })
}

/// Records a request by itself.
async fn decide(
    admission: &Admission,
    lane: &LaneId,
    proposal: Proposal,
    metadata: &Metadata,
) -> Result<(Outcome, Option<u32>), Problem> {
    let told = |state: &LaneState, outcome: &Outcome| number(outcome.version(), state);
    Ok(admission.execute(lane, proposal, metadata, told).await?)
}

/// Records what is decided from the lane alone.
async fn take(admission: &Admission, lane: &LaneId, run: Vec<Named>) -> Vec<LineAnswer> {
    let (mut places, mut requests) = (Vec::with_capacity(run.len()), Vec::with_capacity(run.len()));
    for Named { line, command, metadata, warnings } in run {
        places.push((line, matches!(command, Command::Remove { .. }), warnings));
        requests.push((command, metadata));
    }
    let told = |_, last: Option<StreamVersion>, state: &LaneState| number(last, state);
    let answers = admission.lanes.execute_many(&lane.stream(), requests, told).await;
    let told = |((line, removal, warnings), answer)| match answer {
        Ok((outcome, number)) => {
            let number = if removal { None } else { number };
            LineAnswer { warnings, ..known(line, &outcome, number) }
        }
        Err(error) => refused(line, Problem::from(error)),
    };
    places.into_iter().zip(answers).map(told).collect()
}

fn number(last: Option<StreamVersion>, state: &LaneState) -> Option<u32> {
    state.newest_after(last?.0).map(|deployment| deployment.number().0)
}

fn known(line: usize, outcome: &Outcome, number: Option<u32>) -> LineAnswer {
    let status = match outcome {
        Outcome::Recorded(_) => LineStatus::Recorded,
        Outcome::Replayed(_) | Outcome::AlreadySo { .. } => LineStatus::Known,
    };
    LineAnswer {
        line,
        number,
        position: outcome.position(),
        result: Ok(status),
        warnings: Vec::new(),
    }
}
