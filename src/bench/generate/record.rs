//! Has the steps of a history recorded, with every stream kept folded.

use std::{collections::HashMap, sync::Arc};

use anyhow::bail;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use shiplog_domain::{
    decider::Decider, environment::Environment, lane::Lane, metadata::Metadata, release::Release,
    stream::StreamName, wire::WireEvent,
};
use shiplog_store::{
    execute::{ExecuteError, Streams},
    log::Log,
};

use crate::generate::{Step, What};

/// How many streams are written to at the same time.
const STREAMS: usize = 1_024;

/// The streams of every family.
///
/// Releases and environments are few, and what was used last of them is enough. The lanes of a
/// long history take turns: whichever were forgotten would be read again and again.
pub(super) struct Recorder {
    lanes: Streams<Lane>,
    releases: Streams<Release>,
    environments: Streams<Environment>,
}

impl Recorder {
    /// Nothing is folded yet.
    pub(super) fn new(log: &Arc<dyn Log>) -> Self {
        Self {
            lanes: Streams::with_budget(Arc::clone(log), usize::MAX),
            releases: Streams::new(Arc::clone(log)),
            environments: Streams::new(Arc::clone(log)),
        }
    }

    /// Takes some steps, those of different streams at the same time.
    ///
    /// # Errors
    ///
    /// If the log cannot be read or written, or the rules are against a step.
    pub(super) async fn take(&self, steps: Vec<Step>) -> anyhow::Result<()> {
        let mut in_order: Vec<Vec<Step>> = Vec::new();
        let mut places = HashMap::new();
        for step in steps {
            let place = *places.entry(step.stream.clone()).or_insert_with(|| {
                in_order.push(Vec::new());
                in_order.len() - 1
            });
            in_order.get_mut(place).into_iter().for_each(|steps| steps.push(step.clone()));
        }
        let all = in_order.into_iter().map(|steps| self.one_by_one(steps).boxed());
        stream::iter(all).buffer_unordered(STREAMS).try_for_each(|()| async { Ok(()) }).await
    }

    /// Takes the steps of one stream.
    async fn one_by_one(&self, steps: Vec<Step>) -> anyhow::Result<()> {
        for Step { at: _, stream, what, metadata } in steps {
            match what {
                What::Lane(command) => take(&self.lanes, &stream, command, metadata).await?,
                What::Release(command) => take(&self.releases, &stream, command, metadata).await?,
                What::Environment(command) => {
                    take(&self.environments, &stream, command, metadata).await?;
                }
            }
        }
        Ok(())
    }
}

async fn take<D>(
    streams: &Streams<D>,
    stream: &StreamName,
    command: D::Command,
    metadata: Metadata,
) -> anyhow::Result<()>
where
    D: Decider<Event: WireEvent, Command: Clone>,
{
    match streams.execute(stream, None, command, metadata, |_, _| ()).await {
        Ok(_) => Ok(()),
        Err(ExecuteError::Refused(refusal)) => bail!("`{stream}` refuses a step: {refusal}"),
        Err(error) => Err(error.into()),
    }
}
