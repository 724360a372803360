//! What a way out would do, by asking the rules without recording what they say.

use std::collections::BTreeMap;

use jiff::Timestamp;
use shiplog_domain::{
    decider::Decider,
    lane::{
        self, Asked, Candidate, Command, Deployment, Event, Intent, Irreversible, Lane, Override,
        Rail, Rails, Refusal, Request, Requested, State, When,
    },
};

use crate::ui::parts::{Mark, Time, span};

/// What would be recorded, and what follows from it.
pub(super) struct Plan {
    /// The deployment that it replays, if it replays one.
    pub(super) replays: Option<u32>,
    pub(super) version: String,
    pub(super) reverts: Vec<Reverted>,
    /// What cannot be undone, as far as it is known which that is.
    pub(super) crossed: Option<Crossed>,
    /// When the release ran last, and for how long.
    pub(super) ran: Option<(Time, String)>,
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
    pub(super) version: String,
}

/// What is left: what failed half-way, else what runs.
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

/// What the rules would record, or why they would not, whatever stands in the way.
pub(super) fn plan(
    state: &State,
    asked: Asked,
    rails: &Rails,
    now: Timestamp,
) -> Result<Plan, String> {
    let approvals = rails.approvals.needed;
    let (requested, standing) = admitted(state, &request(asked, now), rails)?;
    let (replays, reverts) = match &requested.intent {
        Intent::Rollback { restores, reverts } => (*restores, reverts.as_slice()),
        Intent::Retry { of } => (*of, [].as_slice()),
        Intent::Deploy | Intent::RollForward { .. } | Intent::Unknown => (None, [].as_slice()),
    };
    let candidates = candidates(state);
    let version = &requested.release.version;
    let back = candidates.iter().find(|one| one.deployment.release().version == *version);
    let reverts = reverts.iter().filter_map(|number| state.deployment(*number));
    Ok(Plan {
        replays: replays.map(|number| number.0),
        version: version.to_string(),
        reverts: reverts.map(Reverted::from).collect(),
        crossed: back.map(Crossed::from),
        ran: back.map(|one| (Time::of(one.since), span(one.ran_for_ms(now).max(0)))),
        standing,
        approvals,
    })
}

fn request(asked: Asked, now: Timestamp) -> Request {
    Request {
        when: When { at: now, stated: false },
        asked,
        by: None,
        reason: None,
        url: None,
        external_id: None,
        labels: BTreeMap::new(),
        acknowledged: Vec::new(),
    }
}

/// The request as it would be recorded if everything that stands in its way were crossed, and what
/// that is.
fn admitted(
    state: &State,
    request: &Request,
    rails: &Rails,
) -> Result<(Requested, Vec<(Rail, String)>), String> {
    let mut standing: Vec<(Rail, String)> = Vec::new();
    loop {
        let over = standing.iter().map(|(rail, _)| *rail).collect::<Vec<_>>();
        let crosses =
            (!over.is_empty()).then(|| Override { rails: over.clone(), reason: String::new() });
        let (request, rails) = (request.clone(), rails.clone());
        match Lane::decide(state, Command::Request { request, rails, crosses }) {
            Ok(events) => {
                let requested = events.into_iter().find_map(requested);
                let requested = requested.ok_or("the rules would record nothing")?;
                return Ok((requested, standing));
            }
            Err(refusal) => match rail(&refusal).filter(|rail| !over.contains(rail)) {
                Some(rail) => standing.push((rail, refusal.to_string())),
                None => return Err(refusal.to_string()),
            },
        }
    }
}

fn requested(event: Event) -> Option<Requested> {
    if let Event::Requested(requested) = event { Some(requested) } else { None }
}

/// The guard rail that a refusal speaks for, if it can be crossed.
fn rail(refusal: &Refusal) -> Option<Rail> {
    match refusal {
        Refusal::Frozen { .. } => Some(Rail::Freeze),
        Refusal::InProgress { .. } => Some(Rail::OneAtATime),
        Refusal::Blocked { .. } => Some(Rail::Block),
        Refusal::Unknown { .. }
        | Refusal::Void { .. }
        | Refusal::AlreadyRuns { .. }
        | Refusal::NothingRuns
        | Refusal::NothingBefore { .. }
        | Refusal::NeverSucceeded { .. }
        | Refusal::NeverRan { .. }
        | Refusal::NothingToRetry
        | Refusal::AlreadyEnded { .. }
        | Refusal::StillOpen { .. }
        | Refusal::AlreadyStarted { .. }
        | Refusal::NotApproved { .. }
        | Refusal::SelfApproval { .. }
        | Refusal::Full => None,
    }
}

fn candidates(state: &State) -> Vec<Candidate<'_>> {
    let last = state.deployments().last();
    last.map(|last| lane::recovery(state, last).candidates).unwrap_or_default()
}

/// The irreversible changes that whoever asks for this has been shown.
pub(super) fn acknowledged(state: &State, asked: Asked, now: Timestamp) -> Vec<Irreversible> {
    let Asked::Rollback { .. } = asked else { return Vec::new() };
    let admitted = admitted(state, &request(asked, now), &Rails::default());
    let Ok((requested, _)) = admitted else { return Vec::new() };
    let version = &requested.release.version;
    let candidates = candidates(state);
    let back = candidates.into_iter().find(|one| one.deployment.release().version == *version);
    back.map(|one| one.irreversible).unwrap_or_default()
}

impl From<&Candidate<'_>> for Crossed {
    fn from(candidate: &Candidate<'_>) -> Self {
        let told = |list: &[Irreversible]| list.iter().map(tell).collect();
        Self { irreversible: told(&candidate.irreversible), unstated: told(&candidate.unstated) }
    }
}

fn tell(change: &Irreversible) -> String {
    let Irreversible { version, id, description } = change;
    let said: Vec<_> = [id, description].into_iter().flatten().map(String::as_str).collect();
    let said = if said.is_empty() { "a change".to_owned() } else { said.join(" ") };
    format!("{said}, in {version}")
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
    let candidates = candidates(state);
    let choice = |one: &Candidate<'_>| Choice {
        number: one.deployment.number().0,
        version: one.deployment.release().version.to_string(),
    };
    candidates.iter().map(choice).collect()
}
