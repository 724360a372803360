//! What rollbacks took back, told from the order in which things took effect.

use std::{collections::BTreeMap, ops::Range};

use super::{
    Classification, Deployment, DeploymentNumber, Effect, Identity, Intent, State, classify_all,
};

impl State {
    /// Each deployment that was taken back, with the rollback that did so first: one that somebody
    /// declared, or a deployment that put an earlier release back without saying so.
    ///
    /// What put the same release there as the rollback did is not taken back by it.
    pub fn taken_back(&self) -> BTreeMap<DeploymentNumber, DeploymentNumber> {
        let effects = Effects::of(self);
        let mut taken_back = BTreeMap::new();
        for (place, effect) in self.effects().iter().enumerate() {
            let Some(rollback) = effect.number.and_then(|number| self.deployment(number)) else {
                continue;
            };
            let Some(between) = effects.taken_back_at(place, rollback) else { continue };
            let own = rollback.release().identity();
            let ran = self.effects().get(between).unwrap_or_default();
            let ran = ran.iter().filter_map(|effect| effect.number);
            for number in ran.chain(self.shaken_before(place)) {
                if !self.identity(number).is_some_and(|release| release.is(&own)) {
                    taken_back.entry(number).or_insert(rollback.number());
                }
            }
        }
        taken_back
    }

    /// What was left in doubt between an effect and the one before it, without having worked.
    fn shaken_before(&self, place: usize) -> impl Iterator<Item = DeploymentNumber> {
        let point = |effect: &Effect| (effect.at, effect.record);
        let before = place.checked_sub(1).and_then(|before| self.effects().get(before)).map(point);
        let until = self.effects().get(place).map(point);
        let doubts = self.all_doubts();
        let first = doubts.partition_point(|doubt| Some((doubt.at, doubt.record)) <= before);
        let shaken = doubts.get(first..).unwrap_or_default().iter();
        shaken
            .take_while(move |doubt| Some((doubt.at, doubt.record)) < until)
            .map(|doubt| doubt.number)
            .filter(|number| {
                self.deployment(*number).is_some_and(|one| one.took_effect().is_none())
            })
    }
}

/// What took effect in a lane, and what each of it was.
struct Effects<'s> {
    releases: Vec<Option<Identity<'s>>>,
    classifications: Vec<Option<Classification>>,
    places: BTreeMap<DeploymentNumber, usize>,
}

impl<'s> Effects<'s> {
    fn of(state: &'s State) -> Self {
        let numbers = || state.effects().iter().map(|effect| effect.number);
        let releases: Vec<_> =
            numbers().map(|number| number.and_then(|number| state.identity(number))).collect();
        let placed = numbers().enumerate();
        Self {
            classifications: classify_all(releases.iter().cloned()),
            releases,
            places: placed.filter_map(|(place, number)| Some((number?, place))).collect(),
        }
    }

    /// The effects that the one at `place` took back, if it is a rollback's.
    fn taken_back_at(&self, place: usize, deployment: &Deployment) -> Option<Range<usize>> {
        let restored = match deployment.intent() {
            Intent::Rollback { restores, .. } => restores
                .and_then(|number| self.places.get(&number).copied())
                .filter(|restored| *restored < place)
                .or_else(|| self.last_before(place)),
            Intent::Deploy
            | Intent::RollForward { .. }
            | Intent::Retry { .. }
            | Intent::Unknown => {
                let classification = self.classifications.get(place).copied().flatten();
                if classification != Some(Classification::Rollback) {
                    return None;
                }
                self.last_before(place)
            }
        };
        // A rollback to what never ran here takes back what it replaced, and no more.
        let first = restored.map_or(place.saturating_sub(1), |restored| restored + 1);
        Some(first..place)
    }

    /// When the release that took effect at `place` had done so last.
    fn last_before(&self, place: usize) -> Option<usize> {
        let own = self.releases.get(place)?.as_ref()?;
        let earlier = self.releases.get(..place)?;
        earlier.iter().rposition(|one| one.as_ref().is_some_and(|one| one.is(own)))
    }
}
