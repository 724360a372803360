//! Messages of the services that tell what a node is: gossip, server features, monitoring.

use prost::Message;

use super::shared::{Entry, WireUuid};

/// All nodes of a cluster, as one of them sees it.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ClusterInfo {
    #[prost(message, repeated, tag = "1")]
    pub(crate) members: Vec<Member>,
}

/// One node.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Member {
    #[prost(message, optional, tag = "1")]
    pub(crate) instance: Option<WireUuid>,
    /// Ticks of 100 ns since 1970.
    #[prost(int64, tag = "2")]
    pub(crate) seen: i64,
    #[prost(int32, tag = "3")]
    pub(crate) state: i32,
    #[prost(bool, tag = "4")]
    pub(crate) alive: bool,
    #[prost(message, optional, tag = "5")]
    pub(crate) address: Option<EndPoint>,
}

/// Where a node listens.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct EndPoint {
    #[prost(string, tag = "1")]
    pub(crate) host: String,
    #[prost(uint32, tag = "2")]
    pub(crate) port: u32,
}

/// What the server can do.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct SupportedMethods {
    #[prost(message, repeated, tag = "1")]
    pub(crate) methods: Vec<SupportedMethod>,
    #[prost(string, tag = "2")]
    pub(crate) version: String,
}

/// One method and what is special about it.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct SupportedMethod {
    #[prost(string, tag = "1")]
    pub(crate) method: String,
    #[prost(string, tag = "2")]
    pub(crate) service: String,
    #[prost(string, repeated, tag = "3")]
    pub(crate) features: Vec<String>,
}

/// Asks for statistics.
#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct StatsReq {
    #[prost(bool, tag = "1")]
    pub(crate) use_metadata: bool,
    #[prost(uint64, tag = "4")]
    pub(crate) refresh_ms: u64,
}

/// Statistics, by name.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct StatsResp {
    #[prost(message, repeated, tag = "1")]
    pub(crate) stats: Vec<Entry>,
}
