//! What a Shiplog of the future might record, put into a log past all rules.

use std::{borrow::Cow, path::Path, sync::Arc};

use futures::StreamExt as _;
use serde_json::{Value, json};
use shiplog_domain::{
    metadata::{Actor, ActorKind, CorrelationId, EventId, Metadata, RequestDigest, Via},
    stream::StreamName,
    wire::EncodedEvent,
};
use shiplog_store::{
    clock::SystemClock,
    log::{Log as _, NewEvent},
    position::{ExpectedVersion, StreamVersion},
    sqlite::SqliteLog,
};

/// An event that is newer than all code there is.
pub(crate) struct Newer(EncodedEvent);

impl Newer {
    fn new(event_type: &'static str, schema: u16, data: &Value) -> Self {
        Self(EncodedEvent {
            event_type: Cow::Borrowed(event_type),
            schema,
            readable_from: schema,
            ignorable: false,
            data: data.to_string().into_bytes(),
        })
    }

    /// Of a type that nobody knows, and that may be passed over.
    pub(crate) fn ignorable(event_type: &'static str) -> Self {
        let Self(event) = Self::essential(event_type);
        Self(EncodedEvent { ignorable: true, ..event })
    }

    /// Of a type that nobody knows, and that must not be passed over.
    pub(crate) fn essential(event_type: &'static str) -> Self {
        Self::new(event_type, 1, &json!({"by": "somebody", "at": "2027-01-01T00:00:00Z"}))
    }

    /// The same, and it says which Shiplog reads it.
    pub(crate) fn needing(event_type: &'static str, version: &str) -> Self {
        Self::new(event_type, 1, &json!({"needs_shiplog": version, "of": ["whatever"]}))
    }

    /// Of a type that is known, in a schema that is to be misread by those who do not know it.
    pub(crate) fn unreadable(event_type: &'static str) -> Self {
        Self::new(event_type, 9, &json!({"numbers": [1], "at": "2027-01-01T00:00:00Z"}))
    }

    /// Of a type that is known, with fields that nobody knows and anybody may ignore.
    fn richer(event_type: &'static str, data: &Value) -> Self {
        let Self(event) = Self::new(event_type, 9, data);
        Self(EncodedEvent { readable_from: 1, ..event })
    }
}

/// The first deployment of a lane, and its success, both told with more than anybody knows.
pub(crate) fn deploy(data: &Path, stream: &str) {
    let at = "2026-01-01T00:00:00Z";
    let requested = json!({
        "number": 1, "at": at, "intent": {"kind": "deploy", "because": {"of": "the crew"}},
        "release": {
            "version": "9.0", "signature": "0a1b",
            "artifacts": [{"name": "image", "digest": "sha256:9f", "size": 7}]
        },
        "strategy": {"kind": "canary", "steps": [1, 10, 100]}
    });
    append(data, stream, Newer::richer("DeploymentRequested", &requested));
    let succeeded = json!({"number": 1, "at": at, "energy_joules": 9_000});
    append(data, stream, Newer::richer("DeploymentSucceeded", &succeeded));
}

/// Appends an event to a stream of a log that no server has open.
pub(crate) fn append(data: &Path, stream: &str, Newer(event): Newer) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let log = SqliteLog::open(data, Arc::new(SystemClock)).unwrap();
        let stream = StreamName::recorded(stream);
        let length = log.read_stream(&stream, None).count().await;
        let last = (length as u64).checked_sub(1).map(StreamVersion);
        let metadata = metadata(&format!("{stream}-{length}"));
        let id = EventId::derive(&stream, &metadata.idempotency_key, 0);
        let new = NewEvent { id, metadata: Arc::new(metadata), event };
        log.append(&stream, ExpectedVersion::from(last), vec![new]).await.unwrap();
    });
}

fn metadata(key: &str) -> Metadata {
    Metadata {
        actor: Actor {
            kind: ActorKind::Service,
            id: "next-year".into(),
            name: None,
            via: Via::Claimed,
        },
        idempotency_key: key.parse().unwrap(),
        request_digest: RequestDigest::of(&[key.as_bytes()]),
        correlation_id: CorrelationId(key.into()),
        causation_id: None,
        source: None,
    }
}
