//! Requests that go into one append: judged first, answered when it is known where they are.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use shiplog_domain::{
    decider::Decider,
    metadata::{EventId, Metadata},
    stream::StreamName,
    wire::WireEvent,
};

use super::{
    ExecuteError, Outcome,
    fold::{Fold, Request, Standing, new_events},
    known,
    many::Answers,
    missing, request, version_after,
};
use crate::{
    log::{AppendError, Appended, LogFault, MAX_EVENTS_PER_APPEND, NewEvent},
    position::{GlobalPosition, StreamVersion},
};

/// What one append may add up to. A cluster's servers take 1 MiB at once by default.
const MANY_BYTES: usize = 900 << 10;

/// What a log may keep beside an event's data.
const BESIDE: usize = 600;

/// Where the events of a round are: all that are asked for, the last one for certain.
pub(super) type Places = BTreeMap<StreamVersion, Appended>;

/// What became of one request, while it is not known where the log has it.
pub(super) enum Judged<T, R> {
    Recorded { request: Arc<Metadata>, version: Option<StreamVersion>, told: T },
    Replayed { last: Appended, told: T },
    AlreadySo { version: Option<StreamVersion>, told: T },
    Failed(ExecuteError<R>),
}

/// Requests that go into one append.
pub(super) struct Round<'a, T, R> {
    stream: &'a StreamName,
    /// Where the stream was before.
    pub(super) version: Option<StreamVersion>,
    position: Option<GlobalPosition>,
    pub(super) judged: Vec<Judged<T, R>>,
    ids: HashSet<EventId>,
    pub(super) added: Vec<NewEvent>,
    /// How large what is added is.
    bytes: usize,
}

impl<'a, T, R> Round<'a, T, R> {
    /// An empty round on top of this fold.
    pub(super) fn new<D: Decider>(stream: &'a StreamName, fold: &Fold<D>) -> Self {
        let Fold { version, position, .. } = *fold;
        let (judged, ids, added) = (Vec::new(), HashSet::new(), Vec::new());
        Self { stream, version, position, judged, ids, added, bytes: 0 }
    }

    /// Decides one more request; `false` if it has to wait for the next round.
    pub(super) fn take<D: Decider<Event: WireEvent, Command: Clone, Refusal = R>>(
        &mut self,
        fold: &mut Fold<D>,
        (command, metadata): &(D::Command, Arc<Metadata>),
        answer: impl Fn(Option<StreamVersion>, &D::State) -> T,
    ) -> bool {
        let (id, _) = request(self.stream, metadata);
        if self.ids.contains(&id) {
            // The same request again: in the next round it is a replay of this one.
            return false;
        }
        let judged = match known(fold, self.stream, metadata) {
            Ok(None) => match D::decide(&fold.state, command.clone()) {
                Ok(events) if events.is_empty() => {
                    let version = fold.version;
                    Judged::AlreadySo { version, told: answer(version, &fold.state) }
                }
                Ok(events) if events.len() > MAX_EVENTS_PER_APPEND => {
                    let found = events.len();
                    Judged::Failed(ExecuteError::Append(AppendError::Size { found }))
                }
                Ok(events) => match self.add(fold, metadata, &events, answer) {
                    Some(judged) => judged,
                    None => return false,
                },
                Err(refusal) => Judged::Failed(ExecuteError::Refused(refusal)),
            },
            Ok(Some(Request { last, .. })) => {
                Judged::Replayed { last, told: answer(Some(last.version), &fold.state) }
            }
            Err(error) => Judged::Failed(error),
        };
        self.judged.push(judged);
        true
    }

    /// Takes into the fold what is not recorded yet, if the append has room for it.
    fn add<D: Decider<Event: WireEvent, Refusal = R>>(
        &mut self,
        fold: &mut Fold<D>,
        metadata: &Arc<Metadata>,
        events: &[D::Event],
        answer: impl Fn(Option<StreamVersion>, &D::State) -> T,
    ) -> Option<Judged<T, R>> {
        let new: Vec<_> = new_events(self.stream, metadata, events).collect();
        let bytes = self.bytes + new.iter().map(size).sum::<usize>();
        let count = self.added.len() + new.len();
        if !self.added.is_empty() && (count > MAX_EVENTS_PER_APPEND || bytes > MANY_BYTES) {
            return None;
        }
        self.bytes = bytes;
        self.ids.insert(request(self.stream, metadata).0);
        self.added.extend(new);
        fold.standing = Standing::Ahead;
        for event in events {
            fold.evolve(event);
        }
        let version = version_after(fold.version, events.len());
        fold.version = version;
        let (request, told) = (Arc::clone(metadata), answer(version, &fold.state));
        Some(Judged::Recorded { request, version, told })
    }

    /// Whether any answer speaks of an added event before the last.
    pub(super) fn ends_before(&self, last: StreamVersion) -> bool {
        self.judged.iter().any(|judged| match judged {
            Judged::Recorded { version, .. } => *version < Some(last),
            Judged::AlreadySo { version, .. } => *version < Some(last) && *version > self.version,
            Judged::Replayed { .. } | Judged::Failed(_) => false,
        })
    }

    /// Answers, now that it is known where everything is.
    pub(super) fn finish<D: Decider<Refusal = R>>(
        self,
        fold: &mut Fold<D>,
        places: &Places,
    ) -> Result<Answers<T, R>, LogFault> {
        let Self { stream, version: before, position, judged, .. } = self;
        let place = |version: Option<StreamVersion>| {
            let place = version.and_then(|version| places.get(&version));
            place.copied().ok_or_else(|| missing(stream))
        };
        let mut answers = Answers::with_capacity(judged.len());
        for judged in judged {
            answers.push(match judged {
                Judged::Recorded { request: metadata, version, told } => {
                    let last = place(version)?;
                    let (id, digest) = request(stream, &metadata);
                    fold.requests.insert(id, Request { digest, last });
                    Ok((Outcome::Recorded(last), told))
                }
                Judged::Replayed { last, told } => Ok((Outcome::Replayed(last), told)),
                Judged::AlreadySo { version, told } if version == before => {
                    Ok((Outcome::AlreadySo { version, position }, told))
                }
                Judged::AlreadySo { version, told } => {
                    let position = Some(place(version)?.position);
                    Ok((Outcome::AlreadySo { version, position }, told))
                }
                Judged::Failed(error) => Err(error),
            });
        }
        if let Some(last) = places.values().next_back() {
            fold.position = Some(last.position);
            fold.standing = Standing::Level;
        }
        Ok(answers)
    }
}

/// How much of an append it takes, at the most.
fn size(event: &NewEvent) -> usize {
    event.event.data.len() + BESIDE
}
