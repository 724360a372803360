//! Has the steps of a history recorded, as if they had been asked for one by one.

use std::error::Error;
use std::{collections::HashMap, sync::Arc};

use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _, future::ready, stream};
use shiplog_domain::{
    decider::Decider, environment::Environment, lane::Lane, metadata::Metadata, release::Release,
    stream::StreamName, wire::WireEvent,
};
use shiplog_store::{
    execute::{ExecuteError, Outcome, Streams},
    log::Log,
};

use super::{Step, What};

/// How many steps are taken at a time: of these, only those of one stream keep their order.
const AT_A_TIME: usize = 256;

/// How many streams are written to at the same time.
const STREAMS: usize = 128;

/// What became of the steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    /// They are recorded now.
    pub(crate) recorded: u64,
    /// They were recorded before.
    pub(crate) known: u64,
    /// They said nothing new.
    pub(crate) unchanged: u64,
    /// The rules were against them: somebody else has changed the stream.
    pub(crate) refused: u64,
}

/// Records the steps of a history. Doing it again with the same ones adds nothing.
///
/// Says after each few hundred how many are done.
///
/// # Errors
///
/// If the log could not be read or written.
pub(crate) async fn load(
    log: Arc<dyn Log>,
    steps: impl IntoIterator<Item = Step>,
    progress: &mut dyn FnMut(u64),
) -> anyhow::Result<Summary> {
    let recorder = Recorder::new(&log);
    let (mut summary, mut done) = (Summary::default(), 0);
    let mut steps = steps.into_iter().peekable();
    while steps.peek().is_some() {
        let some = steps.by_ref().take(AT_A_TIME).inspect(|_| done += 1);
        summary = summary.and(recorder.take(some).await?);
        progress(done);
    }
    Ok(summary)
}

type Requests<D> = Vec<(<D as Decider>::Command, Metadata)>;

/// Some steps of one family, stream by stream in the order of their first.
struct Batch<D: Decider> {
    in_order: Vec<(StreamName, Requests<D>)>,
    places: HashMap<StreamName, usize>,
}

impl<D: Decider> Default for Batch<D> {
    fn default() -> Self {
        Self { in_order: Vec::new(), places: HashMap::new() }
    }
}

impl<D: Decider> Batch<D> {
    fn add(&mut self, stream: StreamName, request: (D::Command, Metadata)) {
        let place = self.places.entry(stream).or_insert_with_key(|stream| {
            self.in_order.push((stream.clone(), Vec::new()));
            self.in_order.len() - 1
        });
        if let Some((_, requests)) = self.in_order.get_mut(*place) {
            requests.push(request);
        }
    }
}

/// The streams of every family, for steps that are recorded some at a time.
pub(crate) struct Recorder {
    lanes: Streams<Lane>,
    releases: Streams<Release>,
    environments: Streams<Environment>,
}

impl Recorder {
    /// Nothing is folded yet.
    fn new(log: &Arc<dyn Log>) -> Self {
        Self {
            lanes: Streams::new(Arc::clone(log)),
            releases: Streams::new(Arc::clone(log)),
            environments: Streams::new(Arc::clone(log)),
        }
    }

    /// As [`new`](Self::new), with every lane kept folded: those of a long history take turns, and
    /// whichever were forgotten would be read again and again.
    pub(crate) fn with_all_lanes(log: &Arc<dyn Log>) -> Self {
        let lanes = Streams::with_budget(Arc::clone(log), usize::MAX);
        Self { lanes, ..Self::new(log) }
    }

    /// Takes some steps, those of different streams at the same time.
    ///
    /// # Errors
    ///
    /// If the log could not be read or written.
    pub(crate) async fn take(&self, steps: impl Iterator<Item = Step>) -> anyhow::Result<Summary> {
        let mut lanes = Batch::<Lane>::default();
        let mut releases = Batch::<Release>::default();
        let mut environments = Batch::<Environment>::default();
        for Step { stream, what, metadata, .. } in steps {
            match what {
                What::Lane(command) => lanes.add(stream, (*command, metadata)),
                What::Release(command) => releases.add(stream, (command, metadata)),
                What::Environment(command) => environments.add(stream, (command, metadata)),
            }
        }
        let lanes =
            lanes.in_order.into_iter().map(|(name, all)| take(&self.lanes, name, all).boxed());
        let releases = releases
            .in_order
            .into_iter()
            .map(|(name, all)| take(&self.releases, name, all).boxed());
        let environments = environments
            .in_order
            .into_iter()
            .map(|(name, all)| take(&self.environments, name, all).boxed());
        let all = stream::iter(environments.chain(releases).chain(lanes));
        let told = all.buffer_unordered(STREAMS);
        told.try_fold(Summary::default(), |sum, one| ready(Ok(sum.and(one)))).await
    }
}

async fn take<D>(
    streams: &Streams<D>,
    stream: StreamName,
    requests: Requests<D>,
) -> anyhow::Result<Summary>
where
    D: Decider<Event: WireEvent, Command: Clone, Refusal: Error + Send + Sync + 'static>,
{
    let mut summary = Summary::default();
    for answer in streams.execute_many(&stream, requests, |_, _, _| ()).await {
        match answer {
            Ok((Outcome::Recorded(_), ())) => summary.recorded += 1,
            Ok((Outcome::Replayed(_), ())) => summary.known += 1,
            Ok((Outcome::AlreadySo { .. }, ())) => summary.unchanged += 1,
            Err(ExecuteError::Refused(_)) => summary.refused += 1,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(summary)
}

impl Summary {
    fn and(self, other: Self) -> Self {
        let Self { recorded, known, unchanged, refused } = other;
        Self {
            recorded: self.recorded + recorded,
            known: self.known + known,
            unchanged: self.unchanged + unchanged,
            refused: self.refused + refused,
        }
    }
}
