//! Streams of which an event does not fit, as answers tell of them.

use serde::Serialize;
use shiplog_domain::lane::LaneId;
use shiplog_projections::damage::DamagedStream;
use utoipa::ToSchema;

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

impl From<&DamagedStream> for DamagedShape {
    fn from(damaged: &DamagedStream) -> Self {
        let DamagedStream { stream, position, version: _, problem } = damaged;
        let (service, environment) = stream
            .as_ref()
            .and_then(LaneId::from_stream)
            .map(|LaneId { service, environment }| (service.to_string(), environment.to_string()))
            .unzip();
        Self {
            stream: stream.as_ref().map(ToString::to_string),
            service,
            environment,
            position: position.0,
            problem: problem.clone(),
        }
    }
}

/// The first of them, as answers list them.
pub(crate) fn listed(damaged: &[DamagedStream]) -> Vec<DamagedShape> {
    damaged.iter().take(MAX_LISTED).map(DamagedShape::from).collect()
}
