//! When a deployment that did not say so counts as a rollback.

use shiplog_domain::{
    lane::{Classification, Deployment, Intent, State},
    names::Version,
};

/// When a deployment that did not say so counts as a rollback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inference {
    /// When its lane first ran its version before what it replaced: the rule that holds.
    FirstRun,
    /// When it brings back what ran right before what it replaced.
    Previous,
    /// When its lane ever ran its version before, and something else since.
    AnyEarlier,
    /// Never.
    Never,
}

/// The deployments of a lane that took effect and count as a rollback by the one rule alone: as it
/// holds, or as it would.
pub(super) fn differing(state: &State, rule: Inference) -> Vec<(&Deployment, bool)> {
    let mut earlier: Vec<&Version> = Vec::new();
    let mut found = Vec::new();
    for effect in state.effects() {
        let Some(deployment) = effect.number.and_then(|number| state.deployment(number)) else {
            continue;
        };
        let version = &deployment.release().version;
        let is_declared = matches!(deployment.intent(), Intent::Rollback { .. });
        let was = state.classification(deployment.number()) == Some(Classification::Rollback);
        let would_be = match rule {
            Inference::FirstRun => was,
            Inference::Previous => brings_back_previous(&earlier, version),
            Inference::AnyEarlier => {
                earlier.last().is_some_and(|last| *last != version) && earlier.contains(&version)
            }
            Inference::Never => false,
        };
        if was != would_be && !is_declared {
            found.push((deployment, was));
        }
        earlier.push(version);
    }
    found
}

/// Whether it is what ran before what ran last.
fn brings_back_previous(earlier: &[&Version], version: &Version) -> bool {
    let Some(last) = earlier.last() else { return false };
    let previous = earlier.iter().rev().find(|one| *one != last);
    version != *last && previous == Some(&version)
}
