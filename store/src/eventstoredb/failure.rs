//! What goes wrong with a call to the cluster, and what is to be made of it.

use std::{sync::Arc, time::Duration};

use eventstore::Error;
use tonic::Status;

use super::address::Node;
use crate::log::{Cause, LogFault};

/// gRPC's code of what went well, and of a refusal within a batch that has none of its own: the
/// node is not ready. It is a failure all the same, and never an acknowledgement.
const OK: i32 = 0;

/// gRPC's code of a call that was cut off.
const CANCELLED: i32 = 1;

/// Why a call came to nothing, or nobody knows to what.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The crate or the server says so.
    #[error("{}", in_words(.0))]
    Client(#[from] Error),
    /// The crate's settings are not what they were.
    #[error("the client's settings: {0}")]
    Settings(String),
    /// A node cannot be reached.
    #[error("the connection cannot be made: {0}")]
    Unreachable(Cause),
    /// The user may do other things, and not read everything.
    #[error("the user may not read `$all`")]
    AllDenied,
    /// There was an answer that the crate does not know.
    #[error("the client panicked over an answer of the server")]
    Panicked,
    /// There is no more, although more was to come.
    #[error("the server ended what has no end")]
    Ended,
    /// There was no answer.
    #[error("no answer within {0:?}")]
    Late(Duration),
}

/// What a failure means to the connection. To the append that met it, it means doubt each time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is of no use any more.
    Lost,
    /// It goes to a node that is not the leader; this is.
    Elsewhere(Node),
    /// Nothing came back. That can have many reasons: whether the connection is of use is to be asked.
    Silent,
    /// It is as good as before: the server has answered.
    Kept,
}

impl Failure {
    /// What it means to the connection.
    ///
    /// The crate makes one error of every broken connection and of the server's own mistakes;
    /// both are reason enough to look for another node.
    pub(super) fn verdict(&self) -> Verdict {
        match self {
            Self::Client(error) => of_client(error),
            Self::Late(_) => Verdict::Silent,
            Self::Unreachable(_) => Verdict::Lost,
            Self::Settings(_) | Self::AllDenied | Self::Panicked | Self::Ended => Verdict::Kept,
        }
    }

    /// What it means to a call that reads everything, by a user who was let in.
    pub(super) fn of_all(self) -> Self {
        if let Self::Client(Error::AccessDenied) = self { Self::AllDenied } else { self }
    }

    /// The fault of a call that changed nothing.
    pub(super) fn fault(self) -> LogFault {
        let reason = match &self {
            Self::Client(Error::AccessDenied) => "the cluster refuses the credentials",
            Self::AllDenied => "the cluster does not let the user read `$all`",
            Self::Client(Error::UnsupportedFeature) => "the cluster's servers are too old",
            Self::Late(_) | Self::Client(Error::DeadlineExceeded) => {
                "the cluster does not answer in time"
            }
            Self::Client(_)
            | Self::Settings(_)
            | Self::Unreachable(_)
            | Self::Panicked
            | Self::Ended => "the cluster cannot be reached",
        };
        LogFault::Unavailable { reason: reason.into(), source: Some(Arc::new(self)) }
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::Client(Error::from_grpc(status))
    }
}

/// Whether a fault may pass by itself: damage does not, nor does a password become right.
pub(super) fn may_pass(fault: &LogFault) -> bool {
    match fault {
        LogFault::Corrupt { .. } | LogFault::Unreadable(_) | LogFault::StreamDamaged { .. } => {
            false
        }
        LogFault::ClockJumped { .. } => true,
        LogFault::OutcomeUnknown { source } => !refuses_the_user(source),
        LogFault::Unavailable { source, .. } => !source.as_ref().is_some_and(refuses_the_user),
    }
}

/// What the crate says, without the inner life of a connection that could not be made.
fn in_words(error: &Error) -> String {
    match error {
        Error::GrpcConnectionError(_) => "the connection cannot be made".into(),
        Error::NotLeaderException(leader) => {
            let (host, port) = (&leader.host, leader.port);
            format!("the node does not lead the cluster, `{host}:{port}` does")
        }
        // gRPC's own words for that code say that all is well.
        Error::Grpc { code, message } if i32::from(*code) == OK => {
            format!("the node can do nothing now: `{message}`")
        }
        Error::ServerError(text) => match message(text) {
            Some(message) => format!("the node fails: `{message}`"),
            None => error.to_string(),
        },
        Error::ConnectionClosed
        | Error::Grpc { .. }
        | Error::InternalParsingError(_)
        | Error::AccessDenied
        | Error::ResourceAlreadyExists
        | Error::ResourceNotFound
        | Error::ResourceDeleted
        | Error::UnsupportedFeature
        | Error::InternalClientError
        | Error::DeadlineExceeded
        | Error::InitializationError(_)
        | Error::IllegalStateError(_)
        | Error::WrongExpectedVersion { .. } => error.to_string(),
    }
}

/// What the server says in a status that the crate has written out with all its headers.
fn message(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once(r#"message: ""#)?;
    rest.split_once(r#"", details"#).map(|(message, _)| message)
}

fn refuses_the_user(cause: &Cause) -> bool {
    matches!(cause.downcast_ref(), Some(Failure::Client(Error::AccessDenied) | Failure::AllDenied))
}

fn of_client(error: &Error) -> Verdict {
    match error {
        Error::NotLeaderException(leader) => u16::try_from(leader.port)
            .map_or(Verdict::Lost, |port| {
                Verdict::Elsewhere(Node { host: leader.host.clone(), port })
            }),
        Error::Grpc { code, .. } if ![OK, CANCELLED].contains(&i32::from(*code)) => Verdict::Kept,
        Error::ServerError(_)
        | Error::Grpc { .. }
        | Error::ConnectionClosed
        | Error::GrpcConnectionError(_)
        | Error::InitializationError(_) => Verdict::Lost,
        Error::InternalParsingError(_)
        | Error::AccessDenied
        | Error::ResourceAlreadyExists
        | Error::ResourceNotFound
        | Error::ResourceDeleted
        | Error::UnsupportedFeature
        | Error::InternalClientError
        | Error::DeadlineExceeded
        | Error::IllegalStateError(_)
        | Error::WrongExpectedVersion { .. } => Verdict::Kept,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_node_cannot_do_now_is_said_without_the_words_of_success_and_headers() {
        let message = "Server Is Not Ready".to_owned();
        let of_a_batch = Failure::Client(Error::Grpc { code: OK.into(), message });
        assert_eq!(of_a_batch.to_string(), "the node can do nothing now: `Server Is Not Ready`");
        let written = r#"status: Unavailable, message: "Server Is Not Ready", details: [], metadata: MetadataMap { headers: {"date": "now"} }"#;
        let of_a_call = Failure::Client(Error::ServerError(written.into()));
        assert_eq!(of_a_call.to_string(), "the node fails: `Server Is Not Ready`");
    }
}
