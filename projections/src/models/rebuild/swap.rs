//! The moment in which what was rebuilt takes the place of what answered.

use std::sync::Arc;

use tokio::time::Instant;

use super::{
    Rebuild,
    build::{Build, End, Halt, PAUSE},
    fold::{self, Rebuilt},
};
use crate::{
    files::{Swapped, Verdict},
    models::{Phase, serving::Serving},
    runner::{Runner, follow},
    tables,
};

impl Build {
    /// Has it answer. What answered before does so until then, and again if this fails.
    pub(super) async fn swap(&mut self, rebuilt: Rebuilt, verdict: Verdict) -> Result<(), Halt> {
        let level = |shared: &super::Shared| shared.progress.borrow().checkpoint;
        let rebuilt = self.catch_up(rebuilt, level).await?;
        let shared = Arc::clone(&self.shared);
        // Where the disk is full, the old file could not be opened again if nobody had it open.
        let serving = shared.serving();
        let _kept = fold::blocking(move || serving.keep_open()).await?;
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
    async fn reopen(&mut self) -> Result<Rebuilt, Halt> {
        loop {
            let shared = Arc::clone(&self.shared);
            let reopened = fold::blocking(move || {
                let (projection, log) = (Arc::clone(&shared.projection), shared.log.id());
                Runner::open_file(projection, shared.serving().path(), log)
            });
            let (halt, why) = match reopened.await {
                Ok(reopened) => return Ok(reopened),
                Err(Halt::Passing(why)) => (None, why),
                Err(Halt::Lasting(why)) => (Some(Halt::Lasting(why.clone())), why),
                Err(halt @ Halt::Asked(_)) => return Err(halt),
            };
            let why = format!("its file cannot be opened again: {why}");
            let stalled = Phase::Stalled { why };
            self.shared.progress.send_modify(|progress| progress.phase = stalled);
            match halt.or(self.asked()) {
                Some(halt) => return Err(halt),
                None => self.rest_until(Instant::now() + PAUSE).await,
            }
        }
    }

    /// Whether the server is going down.
    fn asked(&self) -> Option<Halt> {
        let end = self.wanted.borrow().end.filter(|end| *end == End::Stop);
        end.map(Halt::Asked)
    }

    /// Folds what is missing, and makes the choice: the one step that counts.
    async fn take_over(&self, rebuilt: Rebuilt, verdict: Verdict) -> Result<Rebuilt, Halt> {
        let shared = Arc::clone(&self.shared);
        let last = shared.progress.borrow().checkpoint;
        let rebuilt = fold::up_to(&*shared.log, rebuilt, last).await?;
        let generation = self.generation;
        let swapped = Swapped { events: rebuilt.events(), verdict };
        let (rebuilt, chosen) = fold::blocking(move || {
            tables::flush(rebuilt.tables())?;
            let done = Rebuild::done(swapped.clone());
            let chosen = shared.amend(|choice| {
                (choice.serves, choice.rebuild, choice.last) = (generation, None, Some(swapped));
            });
            if chosen.is_ok() {
                let damaged = rebuilt.damaged().into();
                shared.progress.send_modify(|progress| progress.damaged = damaged);
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
