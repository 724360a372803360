//! A lane as it is by an instant: what is recorded for later has not happened yet.

use std::{borrow::Cow, mem};

use jiff::Timestamp;

use super::{Deployment, Effect, State};

impl State {
    /// The lane as it is at an instant, as its deployments by their numbers and the removals from it
    /// tell it.
    pub fn told(
        deployments: impl IntoIterator<Item = Deployment>,
        removals: impl IntoIterator<Item = Effect>,
        now: Timestamp,
    ) -> Self {
        let deployments = deployments.into_iter().map(|one| one.as_of(now)).collect();
        let removals = removals.into_iter().filter(|effect| effect.at <= now).collect();
        Self::default().with(deployments, removals, now)
    }

    /// The lane as it is at an instant, with all that is recorded of what happened until then.
    ///
    /// Numbers stay what they are: a deployment of later is there, and is neither open nor ended.
    /// Where nothing is recorded for later, which is nearly always, this costs nothing.
    pub fn as_of(&self, now: Timestamp) -> Cow<'_, Self> {
        if self.latest().is_none_or(|latest| latest <= now) {
            return Cow::Borrowed(self);
        }
        let removals = self.effects().iter().filter(|effect| effect.number.is_none());
        let removals: Vec<Effect> = removals.copied().filter(|effect| effect.at <= now).collect();
        let deployments = self.deployments().iter().map(|one| one.as_of(now)).collect();
        Cow::Owned(self.with(deployments, removals, now))
    }
}

impl Deployment {
    /// The deployment with all that is recorded of what happened to it until then.
    fn as_of(&self, now: Timestamp) -> Self {
        let mut known = self.clone();
        known.started = known.started.filter(|started| started.at <= now);
        known.outcomes.retain(|outcome| outcome.at <= now);
        known.failure = known.failure.filter(|failure| failure.at <= now);
        known.health = known.health.filter(|health| health.at <= now);
        known.targets.retain(|_, target| target.at <= now);
        known.earlier_on_targets.retain(|(_, target)| target.at <= now);
        for (name, told) in mem::take(&mut known.earlier_on_targets) {
            known.tell_target(name, told);
        }
        known
    }
}
