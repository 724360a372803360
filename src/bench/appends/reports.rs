//! What one client reports: a deployment that succeeded, to one lane after the other.

use serde_json::json;

/// Idempotency keys and bodies, without end.
pub(in crate::bench) struct Reports {
    client: u32,
    lanes: u32,
    reported: u32,
}

impl Reports {
    /// What a client reports to so many lanes of its own.
    pub(in crate::bench) fn new(client: u32, lanes: u32) -> Self {
        Self { client, lanes, reported: 0 }
    }
}

impl Iterator for Reports {
    type Item = (String, String);

    fn next(&mut self) -> Option<(String, String)> {
        let Self { client, lanes, reported } = *self;
        self.reported += 1;
        let lane = reported % lanes.max(1);
        let body = json!({
            "service": format!("checkout-{client}-{lane}"),
            "environment": "production",
            "status": "succeeded",
            "release": {
                "version": format!("1.4.{reported}"),
                "commit": format!("{client:08x}{reported:08x}5f1d7a84db8f3c2e6b90a1c4"),
                "artifacts": [{
                    "name": format!("registry.example/checkout-{client}-{lane}"),
                    "digest": format!("sha256:{client:032x}{reported:032x}"),
                }],
            },
            "intent": "deploy",
            "reason": "release train 31 of the week",
            "url": format!("https://ci.example/checkout/runs/{reported}"),
            "external_id": reported.to_string(),
            "actor": "service:ci",
        });
        Some((format!("bench-{client}-{reported}"), body.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_key_comes_twice_and_the_lanes_take_turns() {
        let all = || (0..2).flat_map(|client| Reports::new(client, 3).take(9));
        assert_eq!(all().map(|(key, _)| key).collect::<HashSet<_>>().len(), 18);
        let lanes: HashSet<_> = all()
            .map(|(_, body)| serde_json::from_str::<serde_json::Value>(&body).unwrap())
            .map(|body| body["service"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(lanes.len(), 6);
    }
}
