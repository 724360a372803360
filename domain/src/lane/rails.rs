//! Guard rails: what stands in the way of a deployment because people want it to.
//!
//! They hold for what is asked for, never for what is reported: a report says what has happened.

use std::{collections::BTreeSet, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{Deployment, DeploymentNumber, Refusal, State, Status};
use crate::{
    environment::Frozen,
    names::Version,
    release::{Blocked, Manifest},
};

/// What can stand in the way of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rail {
    /// The environment is frozen.
    Freeze,
    /// The lane takes one deployment at a time, and one is in progress.
    OneAtATime,
    /// People have to agree to it first.
    Approvals,
    /// The release is blocked.
    Block,
}

impl Rail {
    /// Every rail.
    pub const ALL: [Self; 4] = [Self::Freeze, Self::OneAtATime, Self::Approvals, Self::Block];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Freeze => "freeze",
            Self::OneAtATime => "one_at_a_time",
            Self::Approvals => "approvals",
            Self::Block => "block",
        }
    }
}

/// How many people must agree to a deployment, and who of them counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approvals {
    /// How many.
    pub needed: u8,
    /// Whether who asked for it may be one of them.
    #[serde(rename = "self")]
    pub by_requester: bool,
}

impl Approvals {
    /// How many people still have to agree, after these have.
    pub fn missing<'a>(
        self,
        requester: Option<&str>,
        agreed: impl IntoIterator<Item = &'a str>,
    ) -> u8 {
        let counts = |by: &&str| self.by_requester || requester != Some(*by);
        let agreed: BTreeSet<_> = agreed.into_iter().filter(counts).collect();
        self.needed.saturating_sub(u8::try_from(agreed.len()).unwrap_or(u8::MAX))
    }
}

/// The guard rails of a lane, as they stand when something is asked of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rails {
    /// The freeze of the environment that is in force.
    pub freeze: Option<Frozen>,
    /// Whether the lane takes one deployment at a time.
    pub one_at_a_time: bool,
    /// Who has to agree.
    pub approvals: Approvals,
    /// The block in force of the release that is to be put there.
    pub block: Option<Blocked>,
    /// Releases of the service that are blocked: a rollback does not go to one by itself.
    pub blocked: BTreeSet<Version>,
    /// What the release that is to be put there is registered as.
    pub registered: Option<Arc<Manifest>>,
}

/// Guard rails that whoever asks wants to cross, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// Which ones; in an event, those that stood in the way.
    pub rails: Vec<Rail>,
    /// In the words of who crosses them.
    pub reason: String,
}

/// What is to be put into a lane.
struct Entrant<'a> {
    version: &'a Version,
    /// Its number, if it has one already.
    number: Option<DeploymentNumber>,
    crosses: Option<&'a Override>,
}

/// Whether a request may be recorded; if it may, which rails it crosses.
pub(super) fn admit(
    state: &State,
    rails: &Rails,
    version: &Version,
    wanted: Option<Override>,
) -> Result<Option<Override>, Refusal> {
    let entrant = Entrant { version, number: None, crosses: wanted.as_ref() };
    let mut crossed = pass(state, rails, &entrant)?;
    if rails.approvals.needed > 0 && entrant.crosses(Rail::Approvals) {
        crossed.push(Rail::Approvals);
    }
    crossed.sort_unstable();
    let wanted = wanted.filter(|_| !crossed.is_empty());
    Ok(wanted.map(|Override { reason, .. }| Override { rails: crossed, reason }))
}

/// Whether the release that a request brings along is the one that is registered under its name.
///
/// Releases do not change. What merely ran under that name, elsewhere or before, is no registration.
pub(super) fn same_content(rails: &Rails, release: &Manifest) -> Result<(), Refusal> {
    let differs = rails.registered.as_ref().and_then(|registered| release.unlike(registered));
    match differs {
        Some(differs) => Err(Refusal::OtherContent { version: release.version.clone(), differs }),
        None => Ok(()),
    }
}

/// Whether a deployment that was asked for may begin.
pub(super) fn clear(state: &State, rails: &Rails, deployment: &Deployment) -> Result<(), Refusal> {
    let number = deployment.number();
    if let Some(started) = &deployment.started {
        return Err(Refusal::AlreadyStarted { number, executor: started.executor.clone() });
    }
    let missing = deployment.approvals_missing();
    if missing > 0 {
        return Err(Refusal::NotApproved { number, missing });
    }
    let entrant = Entrant {
        version: &deployment.release().version,
        number: Some(number),
        crosses: deployment.requested.crosses.as_ref(),
    };
    pass(state, rails, &entrant).map(drop)
}

/// The rails that stand in the way of a request for this version, each with its refusal.
pub(super) fn in_the_way(state: &State, rails: &Rails, version: &Version) -> Vec<(Rail, Refusal)> {
    standing(state, rails, &Entrant { version, number: None, crosses: None }).collect()
}

/// The rails that stand in the way and are crossed; the first that is not is the refusal.
fn pass(state: &State, rails: &Rails, entrant: &Entrant<'_>) -> Result<Vec<Rail>, Refusal> {
    standing(state, rails, entrant)
        .map(|(rail, refusal)| if entrant.crosses(rail) { Ok(rail) } else { Err(refusal) })
        .collect()
}

fn standing(
    state: &State,
    rails: &Rails,
    entrant: &Entrant<'_>,
) -> impl Iterator<Item = (Rail, Refusal)> {
    let standing = [
        (Rail::Freeze, rails.freeze.as_ref().map(Refusal::frozen)),
        (Rail::OneAtATime, busy(state, rails, entrant)),
        (Rail::Block, blocked(state, rails, entrant)),
    ];
    standing.into_iter().filter_map(|(rail, refusal)| Some((rail, refusal?)))
}

/// A request waits for all that has not ended, a start for what has begun.
fn busy(state: &State, rails: &Rails, entrant: &Entrant<'_>) -> Option<Refusal> {
    if !rails.one_at_a_time {
        return None;
    }
    let open = state.open().find(|one| match entrant.number {
        None => true,
        Some(number) => one.number() != number && one.status() == Status::Started,
    })?;
    Some(Refusal::InProgress { number: open.number(), status: open.status() })
}

/// A blocked release goes no further, but may stay where it is.
fn blocked(state: &State, rails: &Rails, entrant: &Entrant<'_>) -> Option<Refusal> {
    let Blocked { at: _, reason } = rails.block.as_ref()?;
    let version = entrant.version;
    let stays = state.running().is_some_and(|running| running.release().version == *version);
    (!stays).then(|| Refusal::Blocked { version: version.clone(), reason: reason.clone() })
}

impl Entrant<'_> {
    fn crosses(&self, rail: Rail) -> bool {
        self.crosses.is_some_and(|crosses| crosses.rails.contains(&rail))
    }
}
