//! What a rollback would do, by asking the rules without recording what they say.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use shiplog_domain::{
    decider::Decider,
    lane::{
        Asked, Command, Deployment, DeploymentNumber, Event, Intent, Lane, Request, Requested,
        RollbackTo, State, When,
    },
};

use crate::ui::parts::{Mark, Time, span};

/// How many earlier releases are offered.
const CHOICES: usize = 20;

/// What would be recorded, and what follows from it.
pub(super) struct Plan {
    pub(super) to: u32,
    pub(super) version: String,
    pub(super) reverts: Vec<Reverted>,
    /// What cannot be undone: which deployment brought it, and what it is.
    pub(super) crossed: Vec<(u32, String)>,
    /// How many changes there are of which nobody said whether they can be undone.
    pub(super) unsaid: usize,
    /// When the release ran last, and for how long.
    pub(super) ran: Option<(Time, String)>,
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
    pub(super) version: String,
}

/// What a rollback leaves: what failed half-way, else what runs.
pub(super) struct Leaves {
    pub(super) number: u32,
    pub(super) version: String,
    pub(super) failed: bool,
}

/// What is there now, as far as anybody knows.
pub(super) fn leaves(state: &State) -> Option<Leaves> {
    let failed = state.failed_since().next();
    let left = failed.or_else(|| state.running())?;
    Some(Leaves {
        number: left.number().0,
        version: left.release().version.to_string(),
        failed: failed.is_some(),
    })
}

/// What the rules would record, or why they would not.
pub(super) fn plan(state: &State, to: RollbackTo, now: Timestamp) -> Result<Plan, String> {
    let request = Request {
        when: When { at: now, stated: false },
        asked: Asked::Rollback { to, release: None },
        by: None,
        reason: None,
        url: None,
        external_id: None,
        labels: BTreeMap::new(),
    };
    let events = Lane::decide(state, Command::Request(request)).map_err(|no| no.to_string())?;
    let intent = events.into_iter().next().and_then(requested);
    let Some(Intent::Rollback { restores: Some(to), reverts }) = intent else {
        return Err("the rules make no rollback of it".into());
    };
    let reverted: Vec<_> = reverts.iter().filter_map(|one| state.deployment(*one)).collect();
    let restored = state.deployment(to).ok_or("what it goes back to is not there")?;
    let changes = || reverted.iter().flat_map(|one| &one.release().changes);
    Ok(Plan {
        to: to.0,
        version: restored.release().version.to_string(),
        reverts: reverted.iter().map(|one| Reverted::from(*one)).collect(),
        crossed: reverted.iter().flat_map(|one| crossed(one)).collect(),
        unsaid: changes().filter(|change| change.reversible.is_none()).count(),
        ran: ran(state, to, now),
    })
}

fn requested(event: Event) -> Option<Intent> {
    if let Event::Requested(Requested { intent, .. }) = event { Some(intent) } else { None }
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

fn crossed(deployment: &Deployment) -> impl Iterator<Item = (u32, String)> {
    let changes = deployment.release().changes.iter();
    let irreversible = changes.filter(|change| change.reversible == Some(false));
    irreversible.map(|change| {
        let said = [Some(&change.kind), change.id.as_ref(), change.description.as_ref()];
        let said: Vec<_> = said.into_iter().flatten().map(String::as_str).collect();
        (deployment.number().0, said.join(" "))
    })
}

/// When this deployment's release ran, and for how long.
fn ran(state: &State, number: DeploymentNumber, now: Timestamp) -> Option<(Time, String)> {
    let effects = state.effects();
    let place = effects.iter().position(|effect| effect.number == Some(number))?;
    let began = effects.get(place)?.at;
    let ended = effects.get(place + 1).map_or(now, |next| next.at);
    let ms = ended.as_millisecond().saturating_sub(began.as_millisecond());
    Some((Time::of(began), span(ms.max(0))))
}

/// The releases that ran, each by its last deployment, latest first, without what runs.
pub(super) fn choices(state: &State) -> Vec<Choice> {
    let mut seen = HashSet::new();
    let certain = state.failed_since().next().is_none();
    if let Some(running) = state.running().filter(|_| certain) {
        seen.insert(running.release().version.clone());
    }
    let effects = state.effects().iter().rev();
    let ran = effects.filter_map(|effect| state.deployment(effect.number?));
    ran.filter(|one| seen.insert(one.release().version.clone()))
        .take(CHOICES)
        .map(|one| Choice { number: one.number().0, version: one.release().version.to_string() })
        .collect()
}
