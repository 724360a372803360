//! Streams of which an event does not fit, as answers tell of them.

use std::collections::HashMap;

use serde::Serialize;
use shiplog_domain::{lane::LaneId, names::EnvironmentName, stream::StreamName};
use shiplog_projections::{damage::DamagedStream, models::Model};
use utoipa::ToSchema;

use crate::problem::{Problem, ProblemKind};

/// At most so many damaged streams are listed in one answer; how many there are is told beside it.
pub(crate) const MAX_LISTED: usize = 100;

/// A stream that is told of up to an event that does not fit.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = DamagedStream)]
pub(crate) struct DamagedShape {
    /// Which stream; null where the event does not even tell that.
    pub(crate) stream: Option<String>,
    /// The service, where the stream is a lane's.
    pub(crate) service: Option<String>,
    /// The environment, where the stream is a lane's.
    pub(crate) environment: Option<String>,
    /// The event that does not fit.
    #[schema(minimum = 1)]
    pub(crate) position: u64,
    /// What is wrong with it.
    pub(crate) problem: String,
}

/// The event from which on nothing is told of a lane, because it does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct LaneDamage {
    /// The event that does not fit.
    #[schema(minimum = 1)]
    pub(crate) position: u64,
    /// What is wrong with it.
    pub(crate) problem: String,
}

/// The lanes that a read model has set aside.
#[derive(Clone, Debug, Default)]
pub(crate) struct DamagedLanes(HashMap<LaneId, LaneDamage>);

impl DamagedShape {
    pub(crate) fn new(stream: Option<&str>, position: u64, problem: &str) -> Self {
        let lane = stream.and_then(|stream| LaneId::from_stream(&StreamName::recorded(stream)));
        let (service, environment) = lane
            .map(|LaneId { service, environment }| (service.to_string(), environment.to_string()))
            .unzip();
        let (stream, problem) = (stream.map(ToOwned::to_owned), problem.to_owned());
        Self { stream, service, environment, position, problem }
    }
}

impl From<&DamagedStream> for DamagedShape {
    fn from(damaged: &DamagedStream) -> Self {
        let DamagedStream { stream, position, version: _, problem } = damaged;
        Self::new(stream.as_ref().map(StreamName::as_str), position.0, problem)
    }
}

impl From<&DamagedStream> for LaneDamage {
    fn from(damaged: &DamagedStream) -> Self {
        let DamagedStream { stream: _, position, version: _, problem } = damaged;
        Self { position: position.0, problem: problem.clone() }
    }
}

impl DamagedLanes {
    /// Those that a read model tells of only in part.
    pub(crate) fn of(model: &Model) -> Self {
        let damaged = model.damaged();
        let lanes = damaged.iter().filter_map(|one| Some((lane(one)?, LaneDamage::from(one))));
        Self(lanes.collect())
    }

    /// What is wrong with a lane, if something is.
    pub(crate) fn get(&self, lane: &LaneId) -> Option<&LaneDamage> {
        self.0.get(lane)
    }
}

impl LaneDamage {
    /// What is wrong with one lane, if something is.
    pub(crate) fn of(model: &Model, lane: &LaneId) -> Option<Self> {
        let damaged = model.damaged();
        // Asked of each lane that is shown: mostly there is no damage at all.
        if damaged.is_empty() {
            return None;
        }
        let stream = lane.stream();
        damaged.iter().find(|one| one.stream.as_ref() == Some(&stream)).map(Self::from)
    }

    /// Says that a lane is damaged, where nothing else can be said of it.
    pub(crate) fn problem(&self, LaneId { service, environment }: &LaneId) -> Problem {
        let Self { position, problem } = self;
        ProblemKind::LaneDamaged.because(format!(
            "`{service}` in `{environment}` is damaged since event {position}: {problem}"
        ))
    }
}

/// The lane that a stream is of, if it is one's.
fn lane(damaged: &DamagedStream) -> Option<LaneId> {
    damaged.stream.as_ref().and_then(LaneId::from_stream)
}

/// The first of them, as answers list them.
pub(crate) fn listed(damaged: &[DamagedStream]) -> Vec<DamagedShape> {
    damaged.iter().take(MAX_LISTED).map(DamagedShape::from).collect()
}

/// The lanes of an environment that a read model has set aside, as answers list them, and how many there
/// are.
pub(crate) fn of_environment(model: &Model, name: &EnvironmentName) -> (Vec<DamagedShape>, usize) {
    let damaged = model.damaged();
    let is_there = |one: &&DamagedStream| lane(one).is_some_and(|lane| lane.environment == *name);
    let its: Vec<_> = damaged.iter().filter(is_there).collect();
    let listed = its.iter().take(MAX_LISTED).map(|one| DamagedShape::from(*one)).collect();
    (listed, its.len())
}
