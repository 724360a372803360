//! The whole log, beside what was acknowledged.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use super::writer::Acknowledged;
use crate::support::Client;

/// The events of the log, in its order.
pub(crate) struct Walk(Vec<Value>);

impl Walk {
    /// Reads all of them.
    pub(crate) fn of(client: &Client) -> Self {
        Self(client.pages("/v1/events", &client.position()))
    }

    /// That the log has each acknowledged request once, whole, where the answer said; that it has
    /// no others; and that none comes before one that was acknowledged before it was sent.
    pub(crate) fn has_exactly<'a>(&self, acknowledged: impl Iterator<Item = &'a Acknowledged>) {
        let mut found: BTreeMap<[String; 2], Vec<&Value>> = BTreeMap::new();
        for event in &self.0 {
            let which = ["stream", "idempotency_key"].map(|name| event[name].as_str().unwrap());
            found.entry(which.map(ToOwned::to_owned)).or_default().push(event);
        }
        let mut acknowledged: Vec<_> = acknowledged.collect();
        for one in &acknowledged {
            let stream = format!("lane-{}@production", one.request.service);
            let events = found.remove(&[stream, one.request.key.clone()]);
            let events = events.unwrap_or_else(|| panic!("it is lost: {one:?}"));
            let types: Vec<_> =
                events.iter().map(|event| event["type"].as_str().unwrap()).collect();
            assert_eq!(types, one.request.events, "{one:?}");
            assert_eq!(events[events.len() - 1]["position"], one.position, "{one:?}");
            for event in events {
                assert_eq!(event["data"]["number"], one.number, "{one:?}");
            }
        }
        assert!(found.is_empty(), "nobody knows of {found:?}");

        acknowledged.sort_by_key(|one| one.position);
        let mut latest_sent = 0;
        for one in acknowledged {
            assert!(one.heard > latest_sent, "something sent later comes before {one:?}");
            latest_sent = latest_sent.max(one.request.sent);
        }
    }

    /// That positions rise, no event is there twice, and streams and lanes count without gaps.
    pub(crate) fn has_no_gaps(&self) {
        let positions: Vec<_> =
            self.0.iter().map(|event| event["position"].as_u64().unwrap()).collect();
        assert!(positions.is_sorted_by(|one, next| one < next));
        let ids: HashSet<_> = self.0.iter().map(|event| event["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), self.0.len());
        let mut streams: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for event in &self.0 {
            let (events, deployments) =
                streams.entry(event["stream"].as_str().unwrap()).or_default();
            assert_eq!(event["version"], *events, "{event}");
            *events += 1;
            *deployments += u64::from(event["type"] == "DeploymentRequested");
            assert_eq!(event["data"]["number"], *deployments, "{event}");
        }
    }
}
