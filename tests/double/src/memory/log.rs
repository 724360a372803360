//! All records in order, and the streams that they are in.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use uuid::Uuid;

use super::{
    link,
    recent::Recent,
    record::{Content, LINK, Record},
};

/// All records, by the order of their positions.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    records: Vec<Record>,
    streams: Vec<Stream>,
    by_name: HashMap<Arc<str>, usize>,
    kinds: HashSet<Arc<str>>,
    /// Where the next record begins.
    end: u64,
    /// Whether `$ce-` and `$et-` streams are kept.
    projections: bool,
    pub(super) recent: Recent,
}

/// One stream. Its revisions are dense, so the revision is the index.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    pub(crate) name: Arc<str>,
    /// The numbers of its records.
    pub(crate) records: Vec<usize>,
    /// What is before this revision is cut off (`$tb`); past the last one, the stream was deleted.
    pub(crate) truncated: u64,
    /// How many events are kept (`$maxCount`).
    pub(crate) max_count: Option<u64>,
    /// Deleted for ever.
    pub(crate) buried: bool,
    /// Nobody who reads `$all` sees it.
    pub(crate) hidden: bool,
}

impl Stream {
    /// How many events it has had.
    pub(crate) fn next(&self) -> u64 {
        self.records.len() as u64
    }

    /// The last revision that was written.
    pub(crate) fn last(&self) -> Option<u64> {
        self.next().checked_sub(1)
    }

    /// The first revision that can still be read.
    pub(crate) fn first(&self) -> u64 {
        let counted = self.max_count.map_or(0, |most| self.next().saturating_sub(most));
        self.truncated.max(counted)
    }

    /// Whether there is nothing to be read: never written, or deleted.
    pub(crate) fn is_empty(&self) -> bool {
        self.first() >= self.next()
    }

    /// Whether it had events, and was deleted in a way that lets it come back.
    pub(crate) fn is_deleted(&self) -> bool {
        !self.records.is_empty() && self.is_empty()
    }
}

impl Log {
    pub(crate) fn new(projections: bool) -> Self {
        Self {
            records: Vec::new(),
            streams: Vec::new(),
            by_name: HashMap::new(),
            kinds: HashSet::new(),
            end: 0,
            projections,
            recent: Recent::default(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// Where the next record begins.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// The position of the last record.
    pub(crate) fn last_position(&self) -> Option<u64> {
        self.records.last().map(|record| record.position)
    }

    pub(crate) fn records(&self) -> &[Record] {
        &self.records
    }

    pub(crate) fn record(&self, number: usize) -> Option<&Record> {
        self.records.get(number)
    }

    /// The record that begins at a position.
    pub(crate) fn at(&self, position: u64) -> Option<&Record> {
        let number = self.records.binary_search_by_key(&position, |record| record.position);
        self.record(number.ok()?)
    }

    pub(crate) fn stream(&self, number: usize) -> Option<&Stream> {
        self.streams.get(number)
    }

    pub(crate) fn stream_mut(&mut self, number: usize) -> Option<&mut Stream> {
        self.streams.get_mut(number)
    }

    pub(crate) fn number_of(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    pub(crate) fn stream_named(&self, name: &str) -> Option<&Stream> {
        self.stream(self.number_of(name)?)
    }

    /// What a link points to, if that can still be read.
    pub(crate) fn resolve(&self, (stream, revision): (usize, u64)) -> Option<&Record> {
        let stream = self.stream(stream).filter(|stream| !stream.buried)?;
        if revision < stream.first() {
            return None;
        }
        let number = stream.records.get(usize::try_from(revision).ok()?)?;
        self.record(*number).filter(|record| !record.gone)
    }

    /// The number of a stream, which is made if it is new.
    pub(super) fn open(&mut self, name: &str) -> usize {
        if let Some(number) = self.by_name.get(name) {
            return *number;
        }
        let number = self.streams.len();
        let name: Arc<str> = name.into();
        self.by_name.insert(Arc::clone(&name), number);
        let hidden = is_hidden(&name);
        let (records, truncated, max_count, buried) = (Vec::new(), 0, None, false);
        self.streams.push(Stream { name, records, truncated, max_count, buried, hidden });
        number
    }

    /// One copy of an event type's name.
    pub(super) fn kind(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.kinds.get(name) {
            return Arc::clone(known);
        }
        let kind: Arc<str> = name.into();
        self.kinds.insert(Arc::clone(&kind));
        kind
    }

    /// Writes a record at the end of a stream, and the links to it. Gives the record's position.
    pub(super) fn write(&mut self, stream: usize, content: Content) -> u64 {
        let position = self.end;
        let Some(place) = self.streams.get(stream) else { return position };
        let (name, revision, hidden) = (Arc::clone(&place.name), place.next(), place.hidden);
        let (id, kind, bytes) = (content.id, Arc::clone(&content.kind), content.bytes(&name));
        let target = if *kind == *LINK { link::target(&content.data) } else { None };
        let target = target.map(|(name, revision)| (self.open(name), revision));
        let image = content.image(&name, revision, position);
        self.end += bytes;
        let number = self.records.len();
        let gone = false;
        self.records.push(Record { id, stream, revision, position, kind, target, gone, image });
        if let Some(place) = self.streams.get_mut(stream) {
            place.records.push(number);
        }
        self.recent.keep(id, stream, revision, name.len());
        if self.projections && !hidden && target.is_none() {
            self.project(number);
        }
        position
    }

    /// Takes a record away, as a damaged disk does.
    pub(super) fn lose(&mut self, name: &str, revision: u64) {
        let number = usize::try_from(revision).ok().and_then(|revision| {
            self.stream_named(name).and_then(|stream| stream.records.get(revision)).copied()
        });
        if let Some(record) = number.and_then(|number| self.records.get_mut(number)) {
            record.gone = true;
        }
    }

    /// Takes away all that cannot be read any more, but the last event of each stream.
    pub(super) fn scavenge(&mut self) {
        for stream in &self.streams {
            let kept = stream.first().min(stream.last().unwrap_or_default());
            for number in stream.records.iter().take(usize::try_from(kept).unwrap_or(usize::MAX)) {
                if let Some(record) = self.records.get_mut(*number) {
                    record.gone = true;
                }
            }
        }
    }

    /// An id for a record that the server writes itself.
    pub(super) fn next_id(&self) -> Uuid {
        Uuid::from_u64_pair(0x5e1f_0000_0000_4000, 0x8000_0000_0000_0000 | self.len() as u64)
    }
}

/// Streams of the server's own book-keeping, which no reader of `$all` is shown.
fn is_hidden(name: &str) -> bool {
    name == "$epoch-information"
        || name.starts_with("$persistentsubscription-$all::")
            && (name.ends_with("-checkpoint") || name.ends_with("-parked"))
}
