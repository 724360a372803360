//! Every way in which the server says no, in the server's words.

use bytes::Bytes;
use prost::Message;
use tonic::{
    Code, Status,
    metadata::{MetadataMap, MetadataValue},
};

use crate::wire::shared::{Any, RpcStatus};

/// Another node leads; its address is in the trailers.
pub(crate) fn not_leader(host: &str, port: u16) -> Status {
    let trailers = [
        ("exception", "not-leader"),
        ("leader-endpoint-host", host),
        ("leader-endpoint-port", &port.to_string()),
    ];
    explained(Code::NotFound, "Leader info available", &trailers)
}

/// There is no leader, or the node is only just starting.
pub(crate) fn not_ready() -> Status {
    Status::unavailable("Server Is Not Ready")
}

/// The outcome is unknown.
pub(crate) fn timed_out() -> Status {
    Status::aborted("Operation timed out: CommitTimeout")
}

/// The stream was deleted for ever.
pub(crate) fn stream_deleted(stream: &str) -> Status {
    let message = format!("Event stream '{stream}' is deleted.");
    let trailers = [("exception", "stream-deleted"), ("stream-name", stream)];
    explained(Code::FailedPrecondition, &message, &trailers)
}

/// A delete that expected something else.
pub(crate) fn wrong_version(stream: &str, expected: i64, actual: i64) -> Status {
    let message = format!(
        "Delete failed due to WrongExpectedVersion. Stream: {stream}, Expected version: \
         {expected}, Actual version: {actual}"
    );
    let (expected, actual) = (expected.to_string(), actual.to_string());
    let trailers = [
        ("exception", "wrong-expected-version"),
        ("stream-name", stream),
        ("expected-version", &expected),
        ("actual-version", &actual),
    ];
    explained(Code::FailedPrecondition, &message, &trailers)
}

/// Nobody, or somebody who may not.
pub(crate) fn access_denied() -> Status {
    explained(Code::PermissionDenied, "Access Denied", &[("exception", "access-denied")])
}

/// There is no such group.
pub(crate) fn no_group(stream: &str, group: &str) -> Status {
    let message = format!("Subscription group {group} on stream {stream} does not exist.");
    of_group(Code::NotFound, &message, "persistent-subscription-does-not-exist", stream, group)
}

/// There is such a group.
pub(crate) fn group_exists(stream: &str, group: &str) -> Status {
    let message = format!("Subscription group {group} on stream {stream} exists.");
    of_group(Code::AlreadyExists, &message, "persistent-subscription-exists", stream, group)
}

/// The group was deleted, or its leader leads no longer.
pub(crate) fn group_dropped(stream: &str, group: &str) -> Status {
    let message = format!("Subscription group {group} on stream {stream} was dropped.");
    of_group(Code::Cancelled, &message, "persistent-subscription-dropped", stream, group)
}

/// The group has as many consumers as it may have.
pub(crate) fn too_many_consumers(stream: &str, group: &str) -> Status {
    let message =
        format!("Maximum subscriptions reached for subscription group {group} on stream {stream}.");
    of_group(Code::FailedPrecondition, &message, "maximum-subscribers-reached", stream, group)
}

fn of_group(code: Code, message: &str, exception: &str, stream: &str, group: &str) -> Status {
    let trailers = [("exception", exception), ("stream-name", stream), ("group-name", group)];
    explained(code, message, &trailers)
}

/// More than an append may hold.
pub(crate) fn too_large(most: usize) -> Status {
    let message = format!("Maximum Append Size of {most} Exceeded.");
    let most = most.to_string();
    let trailers =
        [("exception", "maximum-append-size-exceeded"), ("maximum-append-size", most.as_str())];
    explained(Code::InvalidArgument, &message, &trailers)
}

/// An event without its type or its content type.
pub(crate) fn metadata_missing(property: &str) -> Status {
    let message = format!("Required Metadata Property '{property}' is missing");
    let trailers = [
        ("exception", "missing-required-metadata-property"),
        ("required-metadata-properties", "type,content-type"),
    ];
    explained(Code::InvalidArgument, &message, &trailers)
}

/// A place between the places.
pub(crate) fn invalid_position() -> Status {
    Status::invalid_argument("Trying to read from an invalid position.")
}

/// What the server answers when its own code fails.
pub(crate) fn thrown() -> Status {
    Status::unknown("Exception was thrown by handler.")
}

/// A status with trailers.
fn explained(code: Code, message: &str, trailers: &[(&'static str, &str)]) -> Status {
    let mut metadata = MetadataMap::new();
    for (key, value) in trailers {
        // A name that fits in no header is left out, as the server does.
        if let Ok(value) = MetadataValue::try_from(*value) {
            metadata.insert(*key, value);
        }
    }
    Status::with_metadata(code, message, metadata)
}

/// A status among the answers of a batch, with one detail.
pub(crate) fn detailed(code: Code, message: &str, detail: &str, value: &impl Message) -> RpcStatus {
    let details = Any {
        type_url: format!("type.googleapis.com/event_store.client.{detail}"),
        value: Bytes::from(value.encode_to_vec()),
    };
    RpcStatus { code: code.into(), message: message.to_owned(), details: Some(details) }
}
