//! The moment in which what was rebuilt takes the place of what answered.

use std::sync::Arc;

use super::{
    Rebuild,
    build::{Build, Halt},
    fold::{self, Rebuilt},
};
use crate::{
    files::{Swapped, Verdict},
    models::{Phase, serving::Serving},
    runner::{ENOUGH, Runner, follow},
    tables,
};

impl Build {
    /// Has it answer. What answered before does so until then, and again if this fails.
    pub(super) async fn swap(&mut self, rebuilt: Rebuilt, verdict: Verdict) -> Result<(), Halt> {
        let level = |shared: &super::Shared| shared.progress.borrow().checkpoint;
        let rebuilt = self.catch_up(rebuilt, level).await?;
        let shared = Arc::clone(&self.shared);
        let mut following = shared.following.lock().await;
        // Nobody folds into the old file from here on, so that no answer is older than one before it.
        shared.supply.leave(shared.projection.name());
        following.ended().await;
        let (runner, done) = match self.take_over(rebuilt, verdict).await {
            Ok(rebuilt) => (rebuilt, Ok(())),
            Err(halt) => (self.reopen().await?, Err(halt)),
        };
        let before = shared.progress.borrow().phase.clone();
        let phase = if before == Phase::Live { Phase::Live } else { Phase::CatchingUp };
        shared.progress.send_replace(runner.progress(phase));
        let (followed, taker) = follow(runner, shared.indexing, shared.progress.clone());
        *following = followed;
        shared.supply.join([taker]);
        done
    }

    /// Opens what has answered until now, to be folded on; until that can be, it is stalled.
    async fn reopen(&self) -> Result<Rebuilt, Halt> {
        let shared = Arc::clone(&self.shared);
        let reopened = fold::blocking(move || {
            let (projection, log) = (Arc::clone(&shared.projection), shared.log.id());
            Runner::open_file(projection, shared.serving().path(), log)
        });
        reopened.await.inspect_err(|halt| {
            let why = format!("its file cannot be opened again: {halt:?}");
            let stalled = Phase::Stalled { at: None, why };
            self.shared.progress.send_modify(|progress| progress.phase = stalled);
        })
    }

    /// Folds what is missing, and makes the choice: the one step that counts.
    async fn take_over(&self, mut rebuilt: Rebuilt, verdict: Verdict) -> Result<Rebuilt, Halt> {
        let shared = Arc::clone(&self.shared);
        let last = shared.progress.borrow().checkpoint;
        while rebuilt.checkpoint() < last {
            rebuilt = fold::step(&*shared.log, rebuilt, last, ENOUGH).await?;
        }
        let generation = self.generation;
        let swapped = Swapped { events: rebuilt.events(), verdict };
        let (rebuilt, chosen) = fold::blocking(move || {
            tables::flush(rebuilt.tables())?;
            let done = Rebuild::done(swapped.clone());
            let chosen = shared.amend(|choice| {
                (choice.serves, choice.rebuild, choice.last) = (generation, None, Some(swapped));
            });
            if chosen.is_ok() {
                shared.serve(Serving::new(shared.files.path(generation)));
                shared.rebuild.send_replace(Some(done));
            }
            Ok((rebuilt, chosen))
        })
        .await?;
        chosen.map_err(|error| Halt::Passing(error.to_string()))?;
        Ok(rebuilt)
    }
}
