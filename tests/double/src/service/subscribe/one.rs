//! Subscriptions to one stream.

use tonic::Status;

use super::{
    super::{
        call::{Answers, many},
        frame::{Frame, Look},
        routes::Visit,
        status,
    },
    BATCH, Follower, follow,
};
use crate::{
    memory::{Log, Stream, StreamCursor},
    wire::streams::read::Revision,
};

/// Follows a stream, which need not exist yet.
#[derive(Debug)]
struct One {
    name: String,
    look: Look,
    cursor: StreamCursor,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It has to be told that it is live.
    Arrived,
    Live,
    CatchingUp,
}

/// Subscribes to a stream, after a revision.
pub(in super::super) fn stream(
    visit: Visit,
    name: String,
    revision: Revision,
    look: Look,
) -> Answers<Frame> {
    let log = visit.memory().read();
    let stream = log.stream_named(&name);
    if stream.is_some_and(|stream| stream.buried) {
        return Err(status::stream_deleted(&name));
    }
    let there = stream.map_or(0, Stream::next);
    drop(log);
    let next = match revision {
        Revision::Start(()) => 0,
        Revision::End(()) => there,
        Revision::Exact(revision) => revision.saturating_add(1),
    };
    let state = if next >= there { State::Arrived } else { State::CatchingUp };
    many(follow(visit, One { name, look, cursor: StreamCursor { next: Some(next) }, state }))
}

impl Follower for One {
    fn advance(&mut self, visit: &Visit) -> Result<Option<Vec<Frame>>, Status> {
        if self.state == State::Arrived {
            self.state = State::Live;
            return Ok(Some(Vec::from_iter(Frame::caught_up(visit))));
        }
        let log = visit.memory().read();
        let Some(stream) = log.stream_named(&self.name) else { return Ok(None) };
        if stream.buried {
            return Err(status::stream_deleted(&self.name));
        }
        let mut frames = Vec::new();
        if self.state == State::Live && self.behind(stream) > BATCH as u64 {
            self.state = State::CatchingUp;
            frames.extend(Frame::fell_behind(visit));
        }
        frames.extend(self.page(&log, stream));
        if self.state == State::CatchingUp && self.behind(stream) == 0 {
            self.state = State::Live;
            frames.extend(Frame::caught_up(visit));
        }
        Ok((!frames.is_empty()).then_some(frames))
    }
}

impl One {
    fn behind(&self, stream: &Stream) -> u64 {
        stream.next().saturating_sub(self.cursor.next.unwrap_or_default().max(stream.first()))
    }

    fn page(&mut self, log: &Log, stream: &Stream) -> Vec<Frame> {
        if self.behind(stream) == 0 {
            return Vec::new();
        }
        let records = self.cursor.forwards(log, stream, BATCH);
        records.into_iter().map(|record| Frame::event(log, record, self.look)).collect()
    }
}
