//! Reads that end: page after page, from a place on or back from it.

use std::future;

use futures::{Stream, StreamExt, stream};
use tonic::Status;

use super::{
    call::{Answers, many},
    frame::{Frame, Look},
    routes::Visit,
    status,
};
use crate::{
    memory::{AllCursor, Backwards, Filter, StreamCursor, Whence},
    wire::streams::read::Revision,
};

/// How many records are taken from memory at once.
const PAGE: usize = 256;

/// How many records are looked at before others have their turn.
const WINDOW: usize = 64 * PAGE;

/// What is left to do of a read.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) forwards: bool,
    pub(super) left: u64,
    pub(super) look: Look,
    pub(super) filter: Option<Filter>,
}

impl Reading {
    /// How many records the next page may hold.
    fn page(&self) -> usize {
        usize::try_from(self.left).unwrap_or(PAGE).min(PAGE)
    }
}

/// Either way through `$all`.
#[derive(Debug)]
enum Way {
    Forwards(AllCursor),
    Backwards(Backwards),
}

/// Reads `$all`.
pub(super) fn read_all(visit: Visit, whence: Whence, reading: Reading) -> Answers<Frame> {
    let log = visit.memory().read();
    let way = if reading.forwards {
        AllCursor::from(&log, whence).map(Way::Forwards)
    } else {
        Backwards::from(&log, whence).map(Way::Backwards)
    };
    drop(log);
    let mut way = way.ok_or_else(status::invalid_position)?;
    let mut reading = reading;
    many(pages(move || {
        let log = visit.memory().read();
        let (most, filter) = (reading.page(), reading.filter.as_ref());
        let page = match &mut way {
            Way::Forwards(cursor) => cursor.page(&log, filter, most, WINDOW),
            Way::Backwards(cursor) => cursor.page(&log, filter, most),
        };
        let frames: Vec<_> =
            page.records.iter().map(|record| Frame::event(&log, record, reading.look)).collect();
        reading.left -= frames.len() as u64;
        let more = !page.ended && reading.left > 0;
        (frames, more)
    }))
}

/// Reads one stream. `detailed` callers are told its first or last revision beside the events.
pub(super) fn read_stream(
    visit: Visit,
    name: String,
    revision: Revision,
    mut reading: Reading,
    detailed: bool,
) -> Answers<Frame> {
    let mut cursor = StreamCursor {
        next: Some(match revision {
            Revision::Start(()) => 0,
            Revision::End(()) => u64::MAX,
            Revision::Exact(revision) => revision,
        }),
    };
    if visit.memory().read().stream_named(&name).is_some_and(|stream| stream.buried) {
        return Err(status::stream_deleted(&name));
    }
    let mut begun = false;
    many(pages(move || {
        let log = visit.memory().read();
        let Some(stream) = log.stream_named(&name).filter(|stream| !stream.is_empty()) else {
            return (vec![Frame::not_found(&name)], false);
        };
        let (from, most) = (cursor.next, reading.page());
        let records = if reading.forwards {
            cursor.forwards(&log, stream, most)
        } else {
            cursor.backwards(&log, stream, most)
        };
        let mut frames: Vec<_> =
            records.iter().map(|record| Frame::event(&log, record, reading.look)).collect();
        let read = frames.len();
        reading.left -= read as u64;
        let next = stream.next();
        let first = !std::mem::replace(&mut begun, true);
        if first && detailed && reading.forwards && read == 0 && from != Some(next) {
            frames.push(Frame::first_position(next));
        }
        let ended = match cursor.next {
            None => true,
            Some(next) if reading.forwards => next >= stream.next(),
            Some(_) => read < most,
        };
        let more = !ended && reading.left > 0;
        if !more && detailed {
            frames.extend(stream.last().map(Frame::last_position));
        }
        (frames, more)
    }))
}

/// Frames, a page at a time, until there are no more.
fn pages(
    page: impl FnMut() -> (Vec<Frame>, bool) + Send + 'static,
) -> impl Stream<Item = Result<Frame, Status>> + Send + 'static {
    let pages = stream::unfold(Some(page), |page| {
        future::ready(page.map(|mut page| {
            let (frames, more) = page();
            (stream::iter(frames.into_iter().map(Ok)), more.then_some(page))
        }))
    });
    pages.flatten()
}
