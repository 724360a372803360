//! The one method that reads and subscribes, and what its options mean.

use tonic::{Request, Status, Streaming};

use super::{
    call::{Answers, question},
    frame::{Frame, Look},
    pages::{self, Reading},
    routes::Visit,
    status, subscribe,
};
use crate::{
    memory::{Filter, Place, Whence},
    wire::{
        shared::StreamIdentifier,
        streams::read::{
            AllOptions, Count, FilterBy, FilterOptions, Filtering, Options, Place as WirePlace,
            ReadReq, Revision, Source, StreamOptions, UuidForm,
        },
    },
};

/// Reads, or subscribes.
pub(crate) async fn read(visit: Visit, call: Request<Streaming<ReadReq>>) -> Answers<Frame> {
    let requires_leader = visit.requires_leader(call.metadata());
    let options = question(call).await?.options.ok_or_else(status::thrown)?;
    let Options { source, direction, resolve_links, count, filtering, uuid, control } = options;
    let Some(uuid) = uuid else { return Err(invalid(" `uuidOption` is a required argument")) };
    let look = Look { resolve_links, halves: !matches!(uuid.form, Some(UuidForm::Text(()))) };
    let filter = match filtering {
        Some(Filtering::Filter(filter)) => Some(filter),
        Some(Filtering::NoFilter(())) => None,
        None => return Err(invalid("The combination of options is invalid.")),
    };
    visit.may_read(requires_leader)?;
    visit.slowly().await;
    if matches!(source, Some(Source::All(_))) && visit.faults().denies_all() {
        return Err(Status::permission_denied("Access Denied"));
    }
    let forwards = direction == 0;
    match (source, count) {
        (Some(Source::All(all)), Some(Count::Count(left))) => {
            let filter = filter.as_ref().map(matching).transpose()?;
            pages::read_all(visit, whence(&all)?, Reading { forwards, left, look, filter })
        }
        (Some(Source::Stream(stream)), Some(Count::Count(left))) if filter.is_none() => {
            let detailed = control.is_some_and(|control| control.compatibility >= 1);
            let (stream, revision) = revision(stream)?;
            let reading = Reading { forwards, left, look, filter: None };
            Ok(pages::read_stream(visit, stream, revision, reading, detailed)?)
        }
        (Some(Source::All(all)), Some(Count::Subscription(()))) if forwards => {
            subscribe::all(visit, whence(&all)?, filter.as_ref(), look)
        }
        (Some(Source::Stream(stream)), Some(Count::Subscription(()))) if forwards => {
            if filter.is_some() {
                return Err(invalid("The combination of options is invalid."));
            }
            let (stream, revision) = revision(stream)?;
            subscribe::stream(visit, stream, revision, look)
        }
        _ => Err(invalid("The combination of options is invalid.")),
    }
}

fn invalid(message: &str) -> Status {
    Status::invalid_argument(message)
}

/// Where to begin in `$all`.
pub(super) fn whence(all: &AllOptions) -> Result<Whence, Status> {
    match all.place {
        Some(WirePlace::Start(())) => Ok(Whence::Start),
        Some(WirePlace::End(())) => Ok(Whence::End),
        Some(WirePlace::Position(position)) => {
            let place = Place { commit: position.commit, prepare: position.prepare };
            Ok(if place == Place::at(u64::MAX) { Whence::End } else { Whence::At(place) })
        }
        None => Err(status::thrown()),
    }
}

/// Which stream, and where to begin in it.
fn revision(stream: StreamOptions) -> Result<(String, Revision), Status> {
    let StreamOptions { stream, revision } = stream;
    let StreamIdentifier { name } = stream.ok_or_else(status::thrown)?;
    let name = String::from_utf8(name.into()).map_err(|_| status::thrown())?;
    Ok((name, revision.ok_or_else(status::thrown)?))
}

/// What a filter lets through.
pub(super) fn matching(options: &FilterOptions) -> Result<Filter, Status> {
    let filter = match &options.by {
        Some(FilterBy::Stream(pattern)) => Filter::streams(&pattern.regex, &pattern.prefix),
        Some(FilterBy::EventType(pattern)) => Filter::kinds(&pattern.regex, &pattern.prefix),
        None => return Err(invalid("a filter of neither streams nor event types")),
    };
    // The server does not foresee this.
    filter.map_err(|_| status::thrown())
}
