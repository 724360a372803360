//! What waits to be carried out.

use serde_json::Value;

use crate::{
    client::{Client, Path, lane_path},
    deployment::{damage, name, text},
    exit::{Exit, Failure},
};

/// Which deployments an agent carries out.
#[derive(Debug)]
pub(super) struct Queue {
    /// Where to.
    pub(super) environment: String,
    /// Of which services; all if none is named.
    pub(super) services: Vec<String>,
    /// Requested since when.
    pub(super) since: Option<String>,
}

/// What may be done in one lane.
#[derive(Debug)]
pub(super) enum Turn {
    /// This deployment is next, if the lane still is as it was at this version.
    Next(Box<Value>, Option<String>),
    /// Something is under way, which has to end first.
    Busy(String),
    /// Nothing is recorded there until the lane is mended: it is damaged, since when and how.
    Damaged(String),
    /// Nothing that may be carried out.
    Nothing,
}

impl Queue {
    /// The services that have something waiting, the one that has waited longest first.
    pub(super) fn waiting(&self, client: &Client) -> anyhow::Result<Vec<String>> {
        let of = |service: Option<&String>| {
            let path = self.listed("requested").with_some("service", service.map(String::as_str));
            client.pages(path, None).collect::<anyhow::Result<Vec<_>>>()
        };
        let mut items = Vec::new();
        if self.services.is_empty() {
            items = of(None)?;
        }
        for service in &self.services {
            items.extend(of(Some(service))?);
        }
        let mut services: Vec<String> = Vec::new();
        for service in items.iter().map(|item| text(item, "service")) {
            if !services.iter().any(|known| known == service) {
                services.push(service.into());
            }
        }
        Ok(services)
    }

    /// What may be done in a service's lane.
    pub(super) fn turn(&self, client: &Client, service: &str) -> anyhow::Result<Turn> {
        // First the version, so that whatever is recorded while this looks makes the claim stale.
        let lane = client.get(&lane_path(service, &self.environment))?;
        if let Some(damage) = lane.body.get("damaged").and_then(damage) {
            return Ok(Turn::Damaged(damage));
        }
        let under_way = Path::literal("/v1/deployments")
            .with("service", service)
            .with("environment", &self.environment)
            .with("status", "started");
        for item in client.pages(under_way, None) {
            let item = item?;
            if !is_void(&item) {
                return Ok(Turn::Busy(name(&item)));
            }
        }
        for item in client.pages(self.listed("requested").with("service", service), None) {
            let item = item?;
            if !is_void(&item) && is_approved(&item) {
                return Ok(Turn::Next(Box::new(item), lane.etag));
            }
        }
        Ok(Turn::Nothing)
    }

    fn listed(&self, status: &str) -> Path {
        Path::literal("/v1/deployments")
            .with("environment", &self.environment)
            .with("status", status)
            .with("order", "oldest")
            .with_some("since", self.since.as_deref())
    }
}

/// Whether nobody has to agree any more.
fn is_approved(deployment: &Value) -> bool {
    deployment.get("approvals_missing").and_then(Value::as_u64).unwrap_or_default() == 0
}

fn is_void(deployment: &Value) -> bool {
    deployment["void"] == true
}

/// The failure inside an error of the client, if it says that the server is away.
pub(super) fn away(error: anyhow::Error) -> anyhow::Result<Failure> {
    let failure = error.downcast::<Failure>()?;
    if failure.exit() == Exit::Unavailable { Ok(failure) } else { Err(failure.into()) }
}
