//! Subscriptions to `$all`, with or without a filter.

use tonic::Status;

use super::{
    super::{
        call::{Answers, many},
        frame::{Frame, Look},
        read::matching,
        routes::Visit,
        status,
    },
    BATCH, Follower, follow,
};
use crate::{
    memory::{AllCursor, Filter, Log, Page, Place, Whence},
    wire::streams::read::{FilterOptions, Window},
};

/// Follows `$all` from after a place.
#[derive(Debug)]
struct All {
    look: Look,
    filtered: Option<Filtered>,
    cursor: AllCursor,
    /// The place that was told last, of an event or as a checkpoint.
    checkpoint: Option<Place>,
    state: State,
}

/// What a filtered subscription has besides: checkpoints.
#[derive(Debug)]
struct Filtered {
    filter: Filter,
    /// How many records a page may look at.
    window: usize,
    /// After how many records there is a checkpoint.
    interval: usize,
    /// How many records were looked at since the last one.
    considered: usize,
    /// The last checkpoint that was sent.
    sent: Option<Place>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It has to be told that it is live.
    Arrived,
    Live,
    /// Reads pages; the next one begins at a place.
    CatchingUp(Place),
}

/// Subscribes to `$all`.
pub(in super::super) fn all(
    visit: Visit,
    whence: Whence,
    options: Option<&FilterOptions>,
    look: Look,
) -> Answers<Frame> {
    let filtered = options.map(Filtered::parse).transpose()?;
    let log = visit.memory().read();
    let cursor = AllCursor::after(&log, whence).ok_or_else(status::invalid_position)?;
    let last = log.last_position().map_or(Place::at(0), Place::at);
    drop(log);
    let checkpoint = match whence {
        Whence::Start => None,
        Whence::End => Some(last),
        Whence::At(place) => Some(place),
    };
    let state = match checkpoint {
        Some(checkpoint) if checkpoint >= last => State::Arrived,
        checkpoint => State::CatchingUp(checkpoint.unwrap_or(Place::at(0))),
    };
    many(follow(visit, All { look, filtered, cursor, checkpoint, state }))
}

impl Filtered {
    fn parse(options: &FilterOptions) -> Result<Self, Status> {
        let window = match options.window {
            Some(Window::Max(max)) => usize::try_from(max).unwrap_or(BATCH),
            Some(Window::Count(())) => BATCH,
            None => return Err(status::thrown()),
        };
        let multiplier = usize::try_from(options.checkpoint_interval_multiplier).unwrap_or(1);
        if multiplier == 0 || window == 0 {
            return Err(status::thrown());
        }
        let filter = matching(options)?;
        Ok(Self { filter, window, interval: multiplier * window, considered: 0, sent: None })
    }

    /// A checkpoint, unless one as far was sent.
    fn checkpoint(&mut self, place: Place) -> Option<Frame> {
        if self.sent.is_some_and(|sent| place <= sent) {
            return None;
        }
        self.sent = Some(place);
        Some(Frame::checkpoint(place))
    }
}

impl Follower for All {
    fn advance(&mut self, visit: &Visit) -> Result<Option<Vec<Frame>>, Status> {
        let log = visit.memory().read();
        if let State::CatchingUp(begin) = self.state {
            return Ok(Some(self.catch_up(&log, begin, visit)));
        }
        if self.state == State::Arrived {
            self.state = State::Live;
            return Ok(Some(Vec::from_iter(Frame::caught_up(visit))));
        }
        if !self.is_behind(&log) {
            let frames = self.step(&log);
            return Ok((!frames.is_empty()).then_some(frames));
        }
        self.state = State::CatchingUp(self.cursor.place(&log));
        let mut frames = Vec::from_iter(Frame::fell_behind(visit));
        if let (Some(filtered), Some(place)) = (&mut self.filtered, self.checkpoint) {
            frames.extend(filtered.checkpoint(place));
        }
        frames.extend(self.catch_up(&log, self.cursor.place(&log), visit));
        Ok(Some(frames))
    }
}

impl All {
    /// Whether more is new than a subscription that is live may leave waiting.
    fn is_behind(&self, log: &Log) -> bool {
        let (mut ahead, filter) = (self.cursor, self.filtered.as_ref().map(|it| &it.filter));
        ahead.page(log, filter, BATCH + 1, usize::MAX).records.len() > BATCH
    }

    /// A page, and a checkpoint if one is due, until the end is reached.
    fn catch_up(&mut self, log: &Log, begin: Place, visit: &Visit) -> Vec<Frame> {
        let window = self.filtered.as_ref().map_or(usize::MAX, |filtered| filtered.window);
        let page = self.page(log, BATCH, window);
        let mut frames = self.events(log, &page);
        if let Some(filtered) = &mut self.filtered {
            filtered.considered += page.considered;
            if page.ended || filtered.considered >= filtered.interval {
                filtered.considered %= filtered.interval;
                let place = self.checkpoint.map_or(begin, |checkpoint| checkpoint.max(begin));
                self.checkpoint = Some(place);
                frames.extend(filtered.checkpoint(place));
            }
        }
        if page.ended {
            self.state = State::Live;
            frames.extend(Frame::caught_up(visit));
        } else {
            self.state = State::CatchingUp(self.cursor.place(log));
        }
        frames
    }

    /// New records one by one, with a checkpoint wherever one is due.
    fn step(&mut self, log: &Log) -> Vec<Frame> {
        let mut frames = Vec::new();
        loop {
            let page = self.page(log, 1, 1);
            if page.ended {
                return frames;
            }
            frames.extend(self.events(log, &page));
            let Some(filtered) = &mut self.filtered else { continue };
            filtered.considered += 1;
            if filtered.considered >= filtered.interval {
                filtered.considered = 0;
                let place = self.cursor.last(log);
                self.checkpoint = self.checkpoint.max(place);
                frames.extend(place.and_then(|place| filtered.checkpoint(place)));
            }
        }
    }

    fn page<'a>(&mut self, log: &'a Log, most: usize, window: usize) -> Page<'a> {
        let filter = self.filtered.as_ref().map(|filtered| &filtered.filter);
        self.cursor.page(log, filter, most, window)
    }

    fn events(&mut self, log: &Log, page: &Page<'_>) -> Vec<Frame> {
        let Page { records, .. } = page;
        if let Some(last) = records.last() {
            self.checkpoint = Some(Place::at(last.position));
        }
        records.iter().map(|record| Frame::event(log, record, self.look)).collect()
    }
}
