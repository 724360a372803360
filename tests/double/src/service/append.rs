//! Appending to one stream, one call at a time.

use tonic::{Request, Status, Streaming};
use uuid::Uuid;

use super::{
    call::{Answers, once},
    routes::Visit,
    status,
};
use crate::{
    memory::{Appended, Expected, Incoming, Refused},
    wire::{
        shared::{Entry, StreamIdentifier, WirePosition, WireUuid},
        streams::write::{
            AppendContent, AppendReq, AppendResp, AppendResult, CurrentRevision, Expectation,
            NewCurrent, NewExpected, OldCurrent, OldExpected, Proposed, Success, SuccessPosition,
            WrongVersion,
        },
    },
};

/// The largest append, and so the largest event.
pub(crate) const APPEND_BYTES: usize = 1 << 20;

/// Appends what the caller streams.
pub(crate) async fn append(
    visit: Visit,
    call: Request<Streaming<AppendReq>>,
) -> Answers<AppendResp> {
    let requires_leader = visit.requires_leader(call.metadata());
    let mut messages = call.into_inner();
    let first = messages.message().await?.and_then(|first| first.content);
    let Some(AppendContent::Options(options)) = first else { return Err(status::thrown()) };
    let (stream, expected) = place(options.stream, options.expected)?;
    let mut size = 0;
    let mut events = Vec::new();
    while let Some(message) = messages.message().await? {
        let Some(AppendContent::Message(proposed)) = message.content else {
            return Err(status::thrown());
        };
        let event = parse(proposed).map_err(|missing| match missing {
            Malformed::Missing(property) => status::metadata_missing(property),
            Malformed::Id => status::thrown(),
        })?;
        size += size_of(&event);
        if size > APPEND_BYTES {
            return Err(status::too_large(APPEND_BYTES));
        }
        events.push(event);
    }
    visit.may_write(requires_leader)?;
    let outcome = visit.append(&stream, expected, events);
    visit.before_answer().await?;
    let result = match outcome {
        Ok(appended) => AppendResult::Success(success(appended)),
        Err(Refused::WrongVersion(actual)) => {
            AppendResult::WrongExpectedVersion(wrong_version(expected, actual))
        }
        Err(Refused::Deleted) => return Err(status::stream_deleted(&stream)),
    };
    once(AppendResp { result: Some(result) })
}

/// Where to write, and after what.
pub(crate) fn place(
    stream: Option<StreamIdentifier>,
    expected: Option<Expectation>,
) -> Result<(String, Expected), Status> {
    let name = stream.map(|stream| stream.name).unwrap_or_default();
    let name = String::from_utf8(name.into()).ok().filter(|name| !name.is_empty());
    let name = name.ok_or_else(status::thrown)?;
    let expected = match expected {
        Some(Expectation::Revision(revision)) => Expected::Revision(revision),
        Some(Expectation::NoStream(())) => Expected::NoStream,
        Some(Expectation::Any(())) => Expected::Any,
        Some(Expectation::StreamExists(())) => Expected::StreamExists,
        None => return Err(Status::invalid_argument("'None' is not a valid expected revision")),
    };
    Ok((name, expected))
}

/// What is wrong with an event.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Malformed {
    /// It lacks a property.
    Missing(&'static str),
    /// Its id is none.
    Id,
}

/// An event, if it has an id, a type and a content type.
pub(crate) fn parse(proposed: Proposed) -> Result<Incoming, Malformed> {
    let Proposed { id, metadata, custom_metadata, data } = proposed;
    let id = WireUuid::parse(id.as_ref()).filter(|id| *id != Uuid::nil());
    let id = id.ok_or(Malformed::Id)?;
    let (mut kind, mut json) = (None, None);
    for Entry { key, value } in metadata {
        match key.as_str() {
            "type" => kind = Some(value),
            "content-type" => json = Some(value == "application/json"),
            _ => {}
        }
    }
    let kind = kind.ok_or(Malformed::Missing("type"))?;
    let json = json.ok_or(Malformed::Missing("content-type"))?;
    if kind.is_empty() {
        return Err(Malformed::Missing("type"));
    }
    Ok(Incoming { id, kind, json, data, metadata: custom_metadata })
}

/// What counts against the limit of an append.
pub(crate) fn size_of(event: &Incoming) -> usize {
    event.data.len() + event.metadata.len() + 2 * event.kind.encode_utf16().count()
}

/// Where the last event is, on the wire.
pub(crate) fn success(appended: Appended) -> Success {
    let Appended { revision, position, repeated: _ } = appended;
    let revision = revision.map_or(CurrentRevision::NoStream(()), CurrentRevision::Revision);
    let position = position.map_or(SuccessPosition::NoPosition(()), |position| {
        SuccessPosition::Position(WirePosition { commit: position, prepare: position })
    });
    Success { revision: Some(revision), position: Some(position) }
}

fn wrong_version(expected: Expected, actual: Option<u64>) -> WrongVersion {
    let (old_expected, expected) = match expected {
        Expected::Any => (OldExpected::Any(()), NewExpected::Any(())),
        Expected::StreamExists => (OldExpected::StreamExists(()), NewExpected::StreamExists(())),
        Expected::NoStream => (OldExpected::Revision(u64::MAX), NewExpected::NoStream(())),
        Expected::Revision(revision) => {
            (OldExpected::Revision(revision), NewExpected::Revision(revision))
        }
    };
    let (old_current, current) = match actual {
        Some(revision) => (OldCurrent::Revision(revision), NewCurrent::Revision(revision)),
        None => (OldCurrent::NoStream(()), NewCurrent::NoStream(())),
    };
    WrongVersion {
        old_current: Some(old_current),
        old_expected: Some(old_expected),
        current: Some(current),
        expected: Some(expected),
    }
}
