//! What the server says that it can do: its version, and the methods that the double serves.

use futures::stream;
use tonic::{Request, Streaming};

use super::{
    call::{Answers, many, once, question},
    routes::Visit,
};
use crate::wire::gossip::{StatsReq, StatsResp, SupportedMethod, SupportedMethods};

const GROUPS: &str = "event_store.client.persistent_subscriptions.persistentsubscriptions";

/// Service, method, what is special about it; in lower case, as the server says it.
const METHODS: &[(&str, &str, &[&str])] = &[
    ("event_store.client.streams.streams", "read", &["position", "events"]),
    ("event_store.client.streams.streams", "append", &[]),
    ("event_store.client.streams.streams", "delete", &[]),
    ("event_store.client.streams.streams", "tombstone", &[]),
    ("event_store.client.streams.streams", "batchappend", &["deadline_duration"]),
    (GROUPS, "create", &["stream", "all"]),
    (GROUPS, "update", &["stream", "all"]),
    (GROUPS, "delete", &["stream", "all"]),
    (GROUPS, "read", &["stream", "all"]),
    ("event_store.client.gossip.gossip", "read", &[]),
    ("event_store.client.monitoring.monitoring", "stats", &[]),
    ("event_store.client.server_features.serverfeatures", "getsupportedmethods", &[]),
];

/// Tells the version and the methods.
pub(crate) async fn methods(
    visit: Visit,
    call: Request<Streaming<()>>,
) -> Answers<SupportedMethods> {
    question(call).await?;
    let methods = METHODS.iter().map(|(service, method, features)| SupportedMethod {
        method: (*method).to_owned(),
        service: (*service).to_owned(),
        features: features.iter().map(ToString::to_string).collect(),
    });
    let version = visit.cluster().version().to_owned();
    once(SupportedMethods { methods: methods.collect(), version })
}

/// Has no statistics to tell, and never ends.
pub(crate) async fn stats(call: Request<Streaming<StatsReq>>) -> Answers<StatsResp> {
    question(call).await?;
    many(stream::pending())
}
