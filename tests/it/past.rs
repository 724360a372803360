//! What was decided in the past, put into a log past the server: a server decides now.

use std::{path::Path, sync::Arc};

use futures::StreamExt as _;
use jiff::Timestamp;
use shiplog_domain::{
    lane::{Asked, Command, DeploymentNumber, Happened, Lane, LaneId, Rails, Request, When},
    metadata::{Actor, ActorKind, CorrelationId, Metadata, RequestDigest, Via},
    release::Manifest,
};
use shiplog_store::{clock::SystemClock, execute::Streams, log::Log, sqlite::SqliteLog};

/// The lane that all of it is about: `checkout` in `production`.
fn lane() -> LaneId {
    LaneId { service: "checkout".parse().unwrap(), environment: "production".parse().unwrap() }
}

/// Decides this for a person, in a log that no server has open.
pub(crate) fn decide(data: &Path, commands: impl IntoIterator<Item = (&'static str, Command)>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let log: Arc<dyn Log> = Arc::new(SqliteLog::open(data, Arc::new(SystemClock)).unwrap());
        let (lanes, stream) = (Streams::<Lane>::new(Arc::clone(&log)), lane().stream());
        for (by, command) in commands {
            let key = format!("past-{}", log.read_stream(&stream, None).count().await);
            let (kind, id) = (ActorKind::Person, by.to_owned());
            let metadata = Metadata {
                actor: Actor { kind, id, name: None, via: Via::Claimed },
                idempotency_key: key.parse().unwrap(),
                request_digest: RequestDigest::of(&[key.as_bytes()]),
                correlation_id: CorrelationId(key),
                causation_id: None,
                source: None,
            };
            lanes.execute(&stream, None, command, metadata, |_, _| ()).await.unwrap();
        }
    });
}

/// Asks for something at an instant.
pub(crate) fn request(by: &str, at: &str, asked: Asked) -> Request {
    Request {
        when: When { at: instant(at), stated: false },
        asked,
        by: Some(by.into()),
        reason: None,
        url: None,
        external_id: None,
        labels: std::collections::BTreeMap::new(),
        acknowledged: Vec::new(),
        configuration: None,
    }
}

/// Asks for a version at an instant, where no guard rail stands.
pub(crate) fn deploy(by: &str, at: &str, version: &str) -> Command {
    let asked = Asked::Deploy(Manifest::named(version.parse().unwrap()));
    Command::Request { request: request(by, at, asked), rails: Rails::default(), crosses: None }
}

/// Something happened to a deployment at an instant.
pub(crate) fn happens(number: u32, at: &str, happened: Happened) -> Command {
    let when = When { at: instant(at), stated: false };
    Command::Deployment { number: DeploymentNumber(number), when, happened }
}

/// Somebody agrees.
pub(crate) fn approval(by: &str) -> Happened {
    Happened::Approve { by: by.into(), kind: ActorKind::Person, comment: None }
}

pub(crate) fn instant(at: &str) -> Timestamp {
    at.parse().unwrap()
}
