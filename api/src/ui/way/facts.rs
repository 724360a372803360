//! What a way out would do, by asking the rules without recording what they say.

use std::collections::BTreeMap;

use jiff::Timestamp;
use shiplog_domain::{
    lane::{
        self, Asked, Candidate, Cause, Configuration, Deployment, Foreseen, Intent, Irreversible,
        Rail, Rails, State,
    },
    names::Version,
    release::Blocked,
};

use crate::ui::{
    deployment::changes::{Row, configured},
    marks::Mark,
    parts::{Time, span},
};

/// What would be recorded, and what follows from it.
pub(super) struct Plan {
    /// The deployment that it replays, if it replays one.
    pub(super) replays: Option<u32>,
    /// The choice that puts the same there, if it is among the last that ran.
    pub(super) choice: Option<u32>,
    pub(super) version: Version,
    pub(super) reverts: Vec<Reverted>,
    /// What cannot be undone, as far as it is known which that is.
    pub(super) crossed: Option<Crossed>,
    /// What else speaks against it, in words.
    pub(super) against: Vec<String>,
    /// When the release ran last, and for how long.
    pub(super) ran: Option<(Time, String)>,
    /// What is configured otherwise than it is now.
    pub(super) reconfigured: Vec<Row>,
    /// What stands in the way, in the words of the rules.
    pub(super) standing: Vec<(Rail, String)>,
    /// How many people must agree before it can begin.
    pub(super) approvals: u8,
}

/// What an earlier release may not work after.
pub(super) struct Crossed {
    pub(super) irreversible: Vec<String>,
    /// Migrations of which nobody said whether they can be reversed.
    pub(super) unstated: Vec<String>,
}

/// A deployment that would be taken back.
pub(super) struct Reverted {
    pub(super) number: u32,
    pub(super) version: String,
    pub(super) mark: Mark,
    pub(super) at: Time,
}

/// An earlier release that one can go back to.
pub(super) struct Choice {
    pub(super) number: u32,
    pub(super) version: Version,
    /// What speaks against it, in words.
    pub(super) against: Vec<String>,
}

/// The blocks in force of releases, by their versions.
pub(super) type Blocks = BTreeMap<Version, Blocked>;

impl Choice {
    /// Adds the block of its release to what speaks against it.
    pub(super) fn heed(&mut self, blocks: &Blocks) {
        self.against.extend(blocks.get(&self.version).map(in_words));
    }
}

impl Plan {
    /// Adds the block of its release to what speaks against it.
    pub(super) fn heed(&mut self, blocks: &Blocks) {
        self.against.extend(blocks.get(&self.version).map(in_words));
    }
}

fn in_words(block: &Blocked) -> String {
    format!("blocked: {}", block.reason)
}

/// What is left: what left the lane in doubt, else what runs.
pub(super) struct Leaves {
    pub(super) number: u32,
    pub(super) version: String,
    pub(super) doubt: Option<Cause>,
}

/// What is there now, as far as anybody knows.
pub(super) fn leaves(state: &State) -> Option<Leaves> {
    let left = left(state)?;
    Some(Leaves {
        number: left.number().0,
        version: left.release().version.to_string(),
        doubt: state.doubts().next().map(|doubt| doubt.cause),
    })
}

fn left(state: &State) -> Option<&Deployment> {
    let doubted = state.doubts().next().and_then(|doubt| state.deployment(doubt.number));
    doubted.or_else(|| state.running())
}

/// What the rules would record, or why they would not, whatever stands in the way.
pub(super) fn plan(
    state: &State,
    asked: Asked,
    rails: &Rails,
    now: Timestamp,
) -> Result<Plan, String> {
    let foreseen = lane::foresee(state, asked, rails).map_err(|refusal| refusal.to_string())?;
    let back = candidate(state, &foreseen);
    let Foreseen { intent, release, configuration, standing } = foreseen;
    let now_there = left(state).and_then(Deployment::configuration);
    let mut reconfigured = configured(now_there, configuration.as_deref());
    reconfigured.retain(|row| !row.same());
    let (replays, reverts) = match &intent {
        Intent::Rollback { restores, reverts } => (*restores, reverts.as_slice()),
        Intent::Retry { of } => (*of, [].as_slice()),
        Intent::Deploy | Intent::RollForward { .. } | Intent::Unknown => (None, [].as_slice()),
    };
    let reverts = reverts.iter().filter_map(|number| state.deployment(*number));
    let standing = standing.into_iter().map(|(rail, refusal)| (rail, refusal.to_string()));
    Ok(Plan {
        replays: replays.map(|number| number.0),
        choice: back.as_ref().map(|one| one.deployment.number().0),
        version: release.version.clone(),
        reverts: reverts.map(Reverted::from).collect(),
        against: back.as_ref().map(|one| one.objections.in_words()).unwrap_or_default(),
        crossed: back.as_ref().map(Crossed::from),
        ran: back.as_ref().map(|one| (Time::of(one.since), span(one.ran_for_ms(now).max(0)))),
        reconfigured,
        standing: standing.collect(),
        approvals: rails.approvals.needed,
    })
}

/// The candidate that puts the same there, if it is among the last that ran.
fn candidate<'s>(state: &'s State, foreseen: &Foreseen) -> Option<Candidate<'s>> {
    let configuration = foreseen.configuration.as_deref();
    lane::candidates(state).into_iter().find(|one| {
        one.deployment.release().is_same_as(&foreseen.release)
            && !Configuration::differ(one.deployment.configuration(), configuration)
    })
}

/// The irreversible changes that whoever asks for this has been shown.
pub(super) fn acknowledged(state: &State, asked: Asked, rails: &Rails) -> Vec<Irreversible> {
    let Asked::Rollback { .. } = asked else { return Vec::new() };
    let foreseen = lane::foresee(state, asked, rails).ok();
    let back = foreseen.and_then(|foreseen| candidate(state, &foreseen));
    back.map(|one| one.irreversible).unwrap_or_default()
}

impl From<&Candidate<'_>> for Crossed {
    fn from(candidate: &Candidate<'_>) -> Self {
        let told = |list: &[Irreversible]| list.iter().map(tell).collect();
        Self { irreversible: told(&candidate.irreversible), unstated: told(&candidate.unstated) }
    }
}

fn tell(change: &Irreversible) -> String {
    let said = change.said();
    let said = if said.is_empty() { "a change" } else { &said };
    format!("{said}, in {}", change.version)
}

impl From<&Deployment> for Reverted {
    fn from(deployment: &Deployment) -> Self {
        Self {
            number: deployment.number().0,
            version: deployment.release().version.to_string(),
            mark: Mark::of(deployment.status()),
            at: Time::of(deployment.finished_at().unwrap_or(deployment.requested.at)),
        }
    }
}

/// The releases that one can go back to, latest first.
pub(super) fn choices(state: &State) -> Vec<Choice> {
    let choice = |one: &Candidate<'_>| Choice {
        number: one.deployment.number().0,
        version: one.deployment.release().version.clone(),
        against: one.objections.in_words(),
    };
    lane::candidates(state).iter().map(choice).collect()
}
