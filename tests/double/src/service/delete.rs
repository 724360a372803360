//! Deleting a stream, softly or for ever.

use tonic::{Request, Streaming};

use super::{
    append::place,
    call::{Answers, once, question},
    routes::Visit,
    status,
};
use crate::{
    memory::{Expected, Refused},
    wire::{
        shared::WirePosition,
        streams::write::{DeletePosition, DeleteReq, DeleteResp},
    },
};

/// Deletes a stream.
pub(crate) async fn delete(
    visit: Visit,
    call: Request<Streaming<DeleteReq>>,
    for_ever: bool,
) -> Answers<DeleteResp> {
    let requires_leader = visit.requires_leader(call.metadata());
    let options = question(call).await?.options.ok_or_else(status::thrown)?;
    let (stream, expected) = place(options.stream, options.expected)?;
    visit.may_write(requires_leader)?;
    let outcome = visit.memory().delete(&stream, expected, for_ever);
    visit.before_answer().await?;
    let position = match outcome {
        Ok(Some(position)) => {
            DeletePosition::Position(WirePosition { commit: position, prepare: position })
        }
        Ok(None) => DeletePosition::NoPosition(()),
        Err(Refused::Deleted) => return Err(status::stream_deleted(&stream)),
        Err(Refused::WrongVersion(actual)) => {
            let actual = actual.map_or(-1, number);
            return Err(status::wrong_version(&stream, said(expected), actual));
        }
    };
    once(DeleteResp { position: Some(position) })
}

/// An expectation as the number that the server writes for it.
fn said(expected: Expected) -> i64 {
    match expected {
        Expected::Any => -2,
        Expected::NoStream => -1,
        Expected::StreamExists => -4,
        Expected::Revision(revision) => number(revision),
    }
}

fn number(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX)
}
