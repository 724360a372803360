//! Which problem each error is: one match for each, so that a new variant asks for its own.

use std::error::Error;

use shiplog_domain::{decider::Coded, lane::LaneId, wire::DecodeError};
use shiplog_projections::{
    models::{QueryError, StartError},
    sql::AskError,
};
use shiplog_store::{
    execute::{ExecuteError, LoadError},
    log::{AppendError, LogFault, Unreadable},
};

use super::{Problem, ProblemKind};
use crate::damage::LaneDamage;

/// A problem whose cause is nobody's business but the server's log's.
pub(crate) fn internal(error: &(dyn Error + 'static)) -> Problem {
    tracing::error!(error, "the request failed");
    ProblemKind::Internal.because("the cause is in the server's log")
}

impl From<LogFault> for Problem {
    fn from(fault: LogFault) -> Self {
        match &fault {
            LogFault::Unavailable { .. } => {
                tracing::debug!(error = &fault as &dyn Error, "the log is unavailable");
                ProblemKind::LogUnavailable.because(fault.to_string())
            }
            LogFault::OutcomeUnknown { .. } => {
                tracing::debug!(error = &fault as &dyn Error, "the outcome of a write is unknown");
                ProblemKind::OutcomeUnknown.because(fault.to_string())
            }
            LogFault::ClockJumped { .. } => ProblemKind::ClockJumped.because(fault.to_string()),
            LogFault::Unreadable(unreadable) => damaged(unreadable),
            LogFault::StreamDamaged { stream, problem } => match LaneId::from_stream(stream) {
                Some(LaneId { service, environment }) => ProblemKind::LaneDamaged
                    .because(format!("`{service}` in `{environment}` is damaged: {problem}")),
                None => ProblemKind::StreamDamaged.because(fault.to_string()),
            },
            LogFault::Corrupt { .. } => internal(&fault),
        }
    }
}

/// A stream that does not fit, in the words of whoever asked for a lane.
fn damaged(unreadable: &Unreadable) -> Problem {
    tracing::warn!("a request met damage: {unreadable}");
    let lane = unreadable.stream.as_ref().and_then(LaneId::from_stream);
    let Unreadable { position, problem, .. } = unreadable;
    match lane {
        Some(lane) => LaneDamage { position: position.0, problem: problem.clone() }.problem(&lane),
        None => ProblemKind::StreamDamaged.because(unreadable.to_string()),
    }
}

impl From<DecodeError> for Problem {
    fn from(error: DecodeError) -> Self {
        match &error {
            DecodeError::TooNew { .. } | DecodeError::Unknown { .. } => {
                tracing::warn!(error = &error as &dyn Error, "a newer Shiplog is needed");
                ProblemKind::NewerNeeded.because(error.to_string())
            }
            DecodeError::Damaged { .. } => internal(&error),
        }
    }
}

impl From<LoadError> for Problem {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Decode(error) => error.into(),
            LoadError::Fault(fault) => fault.into(),
        }
    }
}

impl<R: Error + Coded> From<ExecuteError<R>> for Problem {
    fn from(error: ExecuteError<R>) -> Self {
        match error {
            ExecuteError::Refused(no) => {
                ProblemKind::Refused.because(no.to_string()).coded(no.code())
            }
            ExecuteError::Append(error) => error.into(),
            ExecuteError::KeyReused { key } => ProblemKind::KeyReused.because(format!(
                "idempotency key `{}` was used for another request",
                key.as_str()
            )),
            ExecuteError::Contended { stream } => ProblemKind::Contended
                .because(format!("stream `{stream}` kept changing while this was decided")),
            ExecuteError::Decode(error) => error.into(),
            ExecuteError::Fault(fault) => fault.into(),
        }
    }
}

impl From<AppendError> for Problem {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Conflict { .. } => ProblemKind::StaleVersion.because(error.to_string()),
            AppendError::IdReused { id } => ProblemKind::KeyReused
                .because(format!("event id `{id}`, which follows from the key, is taken")),
            AppendError::Size { .. } => internal(&error),
            AppendError::Fault(fault) => fault.into(),
        }
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        if error.is_machine() {
            tracing::warn!(error = &error as &dyn Error, "a read model cannot be read");
            return ProblemKind::ProjectionUnavailable.because(error.to_string());
        }
        match &error {
            QueryError::Late => ProblemKind::QueryStopped.because(error.to_string()),
            QueryError::Busy => ProblemKind::Busy.because(error.to_string()),
            QueryError::Tables(_) | QueryError::Unfinished(_) => internal(&error),
        }
    }
}

impl From<StartError> for Problem {
    fn from(error: StartError) -> Self {
        tracing::warn!(error = &error as &dyn Error, "a read model cannot be made");
        ProblemKind::ProjectionUnavailable.because(error.to_string())
    }
}

impl From<AskError> for Problem {
    fn from(error: AskError) -> Self {
        if let AskError::Start(error) = error {
            return error.into();
        }
        match &error {
            AskError::Query { .. } => Self::at("/query", error.to_string()),
            AskError::Parameter { name, .. } => {
                Self::at(format!("/parameters/{name}"), error.to_string())
            }
            AskError::Stopped(_) => ProblemKind::QueryStopped.because(error.to_string()),
            AskError::Busy => ProblemKind::Busy.because(error.to_string()),
            AskError::Tables(_) if error.is_machine() => {
                tracing::warn!(error = &error as &dyn Error, "a read model cannot be read");
                ProblemKind::ProjectionUnavailable.because(error.to_string())
            }
            AskError::Tables(_) | AskError::Start(_) | AskError::Unfinished(_) => internal(&error),
        }
    }
}
