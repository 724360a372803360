//! Reading pages: of `$all` by position, of a stream by revision.

use super::{
    filter::Filter,
    log::{Log, Stream},
    record::Record,
};

/// A place between two records of `$all`, as clients say it: commit first, then prepare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) commit: u64,
    pub(crate) prepare: u64,
}

impl Place {
    /// Where a record begins.
    pub(crate) const fn at(position: u64) -> Self {
        Self { commit: position, prepare: position }
    }
}

/// Where a reader of `$all` begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whence {
    Start,
    End,
    At(Place),
}

/// One page of `$all`.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    pub(crate) records: Vec<&'a Record>,
    /// How many records were looked at.
    pub(crate) considered: usize,
    /// There was nothing more to look at.
    pub(crate) ended: bool,
}

/// How far a reader of `$all` has come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AllCursor {
    /// The number of the next record to look at.
    next: usize,
    /// Nothing up to here is shown, even if it is written later.
    after: Option<Place>,
}

impl AllCursor {
    /// At a place, which is included. `None` if there is no such place.
    pub(crate) fn from(log: &Log, whence: Whence) -> Option<Self> {
        log.before(whence).map(|next| Self { next, after: None })
    }

    /// After a place, which is not included. `None` if there is no such place.
    pub(crate) fn after(log: &Log, whence: Whence) -> Option<Self> {
        let Whence::At(place) = whence else { return Self::from(log, whence) };
        let next = log.records().partition_point(|record| Place::at(record.position) <= place);
        log.is_place(place).then_some(Self { next, after: Some(place) })
    }

    /// Where a page that begins here is said to begin: right behind the record before it, which is
    /// no record's own place.
    pub(crate) fn place(self, log: &Log) -> Place {
        let commit = log.record(self.next).map_or(log.end(), |next| next.position);
        Place { commit, prepare: 0 }
    }

    /// The place of the record that was looked at last.
    pub(crate) fn last(self, log: &Log) -> Option<Place> {
        log.record(self.next.checked_sub(1)?).map(|record| Place::at(record.position))
    }

    /// At most `most` records that are shown, out of at most `window` that are looked at.
    pub(crate) fn page<'a>(
        &mut self,
        log: &'a Log,
        filter: Option<&Filter>,
        most: usize,
        window: usize,
    ) -> Page<'a> {
        let mut page = Page { records: Vec::new(), considered: 0, ended: false };
        while page.records.len() < most && page.considered < window {
            let Some(record) = log.record(self.next) else {
                page.ended = true;
                break;
            };
            self.next += 1;
            page.considered += 1;
            let passed = self.after.is_some_and(|after| Place::at(record.position) <= after);
            if !passed && log.shows(record, filter) {
                page.records.push(record);
            }
        }
        page
    }
}

/// How far a reader of `$all` who goes backwards has come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backwards {
    /// How many records lie before.
    left: usize,
}

impl Backwards {
    /// Before a place. `None` if there is no such place.
    pub(crate) fn from(log: &Log, whence: Whence) -> Option<Self> {
        log.before(whence).map(|left| Self { left })
    }

    pub(crate) fn page<'a>(
        &mut self,
        log: &'a Log,
        filter: Option<&Filter>,
        most: usize,
    ) -> Page<'a> {
        let mut page = Page { records: Vec::new(), considered: 0, ended: false };
        while page.records.len() < most {
            let Some(record) = self.left.checked_sub(1).and_then(|left| log.record(left)) else {
                page.ended = true;
                break;
            };
            self.left -= 1;
            page.considered += 1;
            if log.shows(record, filter) {
                page.records.push(record);
            }
        }
        page
    }
}

/// How far a reader of one stream has come: the next revision, in either direction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StreamCursor {
    /// `None` once a reader who goes backwards has passed revision 0.
    pub(crate) next: Option<u64>,
}

impl StreamCursor {
    pub(crate) fn forwards<'a>(
        &mut self,
        log: &'a Log,
        stream: &Stream,
        most: usize,
    ) -> Vec<&'a Record> {
        let from = self.next.unwrap_or_default().max(stream.first());
        let records = stream.records.get(usize::try_from(from).unwrap_or(usize::MAX)..);
        let records: Vec<_> = records.unwrap_or_default().iter().take(most).collect();
        self.next = Some(from + records.len() as u64);
        let records = records.into_iter().filter_map(|number| log.record(*number));
        records.filter(|record| !record.gone).collect()
    }

    pub(crate) fn backwards<'a>(
        &mut self,
        log: &'a Log,
        stream: &Stream,
        most: usize,
    ) -> Vec<&'a Record> {
        let mut records = Vec::new();
        while records.len() < most {
            let next = self.next.zip(stream.last()).map(|(next, last)| next.min(last));
            let Some(next) = next.filter(|next| *next >= stream.first()) else {
                self.next = None;
                break;
            };
            let number = usize::try_from(next).ok().and_then(|next| stream.records.get(next));
            let record = number.and_then(|number| log.record(*number));
            records.extend(record.filter(|record| !record.gone));
            self.next = next.checked_sub(1);
        }
        records
    }
}

impl Log {
    /// How many records lie before a place. `None` if there is no such place.
    fn before(&self, whence: Whence) -> Option<usize> {
        match whence {
            Whence::Start => Some(0),
            Whence::End => Some(self.len()),
            Whence::At(place) => self.is_place(place).then(|| {
                self.records().partition_point(|record| Place::at(record.position) < place)
            }),
        }
    }

    /// Whether a record begins or ends at a place. What lies past the end is taken for a place.
    fn is_place(&self, Place { commit, .. }: Place) -> bool {
        self.last_position().is_none_or(|last| commit > last)
            || self.records().binary_search_by_key(&commit, |record| record.position).is_ok()
    }
}
