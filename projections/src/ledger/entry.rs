//! A deployment with all that is known of it, as it is read back.

use std::fmt;

use jiff::Timestamp;
use shiplog_domain::{
    lane::{Classification, Deployment, DeploymentNumber, Intent, LaneId},
    metadata::Actor,
};
use shiplog_store::position::GlobalPosition;

use super::place::{Place, read_place};
use crate::columns::{document, name};

/// A deployment with all that is known of it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where it was deployed.
    pub lane: LaneId,
    /// What its events say.
    pub deployment: Deployment,
    /// Who requested it.
    pub actor: Actor,
    /// What it was; before it has succeeded, what it was going to be when it was requested.
    pub classification: Classification,
    /// What it replaced; none until it has taken effect.
    pub replaced: Option<Place>,
    /// The rollback that took it back, if one did.
    pub taken_back: Option<TakenBack>,
    /// Where its last event is in the log.
    pub position: GlobalPosition,
}

/// By what a deployment was taken back, by whom, why and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenBack {
    /// The rollback.
    pub number: DeploymentNumber,
    /// Whether somebody said that it is one; else it is one by what it did.
    pub declared: bool,
    /// In the words of who asked for it.
    pub reason: Option<String>,
    /// Who asked for it.
    pub actor: Actor,
    /// When it took effect.
    pub at: Timestamp,
}

/// The columns that [`read_entry`] reads, of `deployments d JOIN lanes l ON l.id = d.lane`.
pub(crate) const ENTRY: &str = "d.id, l.service, l.environment, d.position, d.actor, d.document,
    d.classification, d.before_number, d.before_version,
    (SELECT json_array(json(t.actor), json(t.document)) FROM deployments t
     WHERE t.lane = d.lane AND t.number = d.taken_back_by) AS taken_back";

/// How many columns [`ENTRY`] has.
pub(crate) const ENTRY_COLUMNS: usize = 10;

/// Reads [`ENTRY`]: the row's key and the deployment.
pub(crate) fn read_entry(row: &rusqlite::Row<'_>) -> rusqlite::Result<(i64, Entry)> {
    let deployment: Deployment = document(5, &row.get::<_, String>(5)?)?;
    let taken_back = row.get_ref(9)?.as_str_or_null()?;
    let entry = Entry {
        lane: LaneId {
            service: name(1, &row.get::<_, String>(1)?)?,
            environment: name(2, &row.get::<_, String>(2)?)?,
        },
        position: GlobalPosition(row.get(3)?),
        actor: document(4, &row.get::<_, String>(4)?)?,
        classification: document(6, &row.get::<_, String>(6)?)?,
        replaced: read_place(row, 7)?.filter(|_| deployment.took_effect().is_some()),
        taken_back: taken_back
            .map(|text| document(9, text))
            .transpose()?
            .map(|(actor, rollback)| TakenBack::of(&rollback, actor)),
        deployment,
    };
    Ok((row.get(0)?, entry))
}

impl fmt::Display for TakenBack {
    /// `taken back by #4, by ann: 3 is bad`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, declared: _, reason, actor, at: _ } = self;
        write!(f, "taken back by {number}, by {}", actor.name.as_ref().unwrap_or(&actor.id))?;
        reason.as_ref().map_or(Ok(()), |reason| write!(f, ": {reason}"))
    }
}

impl TakenBack {
    /// What is told of a rollback that took effect, which this actor asked for.
    pub fn of(rollback: &Deployment, actor: Actor) -> Self {
        Self {
            number: rollback.number(),
            declared: matches!(rollback.intent(), Intent::Rollback { .. }),
            at: rollback.finished_at().unwrap_or(rollback.requested.at),
            reason: rollback.requested.reason.clone(),
            actor,
        }
    }
}
