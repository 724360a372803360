//! Which method is served by which function, and what each of them may know.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use base64::{Engine, engine::general_purpose::STANDARD};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tonic::{
    Status,
    body::{BoxBody, boxed},
    metadata::MetadataMap,
};
use uuid::Uuid;

use super::{append, batch, call::serve, delete, features, gossip, persistent, read, status};
use crate::{
    cluster::{Cluster, Role},
    faults::Faults,
    memory::{Appended, Expected, Incoming as NewEvent, Memory, Refused},
    server::Connection,
};

/// One connection to one node.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    cluster: Arc<Cluster>,
    node: usize,
    connection: Arc<Connection>,
}

/// An append that is answered as if nobody knew what became of it.
#[derive(Debug)]
pub(crate) struct TimedOut;

/// Serves one call, which is open until its answers have come to their end or the caller is gone.
pub(crate) async fn answer(
    visit: Visit,
    request: http::Request<Incoming>,
) -> http::Response<BoxBody> {
    let open = visit.cluster.calls().open();
    let answers = route(visit, request).await;
    answers.map(|body| {
        let body = body.map_frame(move |frame| {
            let _while_it_is_read = &open;
            frame
        });
        boxed(body)
    })
}

async fn route(visit: Visit, request: http::Request<Incoming>) -> http::Response<BoxBody> {
    let path = request.uri().path().strip_prefix("/event_store.client.").unwrap_or_default();
    let open = path.starts_with("gossip.") || path.starts_with("server_features.");
    if !open && let Err(status) = visit.admits(&request) {
        return status.into_http();
    }
    let visit = || visit.clone();
    match path {
        "streams.Streams/Append" => serve(request, |call| append::append(visit(), call)).await,
        "streams.Streams/BatchAppend" => {
            serve(request, |call| std::future::ready(batch::batch(&visit(), call))).await
        }
        "streams.Streams/Read" => serve(request, |call| read::read(visit(), call)).await,
        "streams.Streams/Delete" => {
            serve(request, |call| delete::delete(visit(), call, false)).await
        }
        "streams.Streams/Tombstone" => {
            serve(request, |call| delete::delete(visit(), call, true)).await
        }
        "persistent_subscriptions.PersistentSubscriptions/Create" => {
            serve(request, |call| persistent::create(visit(), call)).await
        }
        "persistent_subscriptions.PersistentSubscriptions/Update" => {
            serve(request, |call| persistent::update(visit(), call)).await
        }
        "persistent_subscriptions.PersistentSubscriptions/Delete" => {
            serve(request, |call| persistent::delete(visit(), call)).await
        }
        "persistent_subscriptions.PersistentSubscriptions/Read" => {
            serve(request, |call| persistent::read(visit(), call)).await
        }
        "gossip.Gossip/Read" => serve(request, |call| gossip::read(visit(), call)).await,
        "server_features.ServerFeatures/GetSupportedMethods" => {
            serve(request, |call| features::methods(visit(), call)).await
        }
        "monitoring.Monitoring/Stats" => serve(request, features::stats).await,
        _ => Status::unimplemented("Service is unimplemented.").into_http(),
    }
}

impl Visit {
    pub(crate) fn new(cluster: Arc<Cluster>, node: usize, connection: Arc<Connection>) -> Self {
        Self { cluster, node, connection }
    }

    pub(crate) fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    pub(crate) fn memory(&self) -> &Memory {
        self.cluster.memory()
    }

    pub(crate) fn faults(&self) -> &Faults {
        self.cluster.faults()
    }

    /// An id that nothing else has.
    pub(crate) fn new_id(&self) -> Uuid {
        self.cluster.new_id()
    }

    /// Whether the caller wants to be answered by the leader and by nobody else.
    #[expect(clippy::unused_self, reason = "it is asked beside the other questions")]
    pub(crate) fn requires_leader(&self, metadata: &MetadataMap) -> bool {
        let required = metadata.get("requires-leader").and_then(|value| value.to_str().ok());
        required.is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A follower passes writes on, unless it is told that the caller wants the leader.
    pub(crate) fn may_write(&self, requires_leader: bool) -> Result<(), Status> {
        if self.faults().refuses() {
            return Err(status::not_ready());
        }
        self.may(requires_leader || !self.cluster.forwards_writes())
    }

    /// A follower reads, unless it is told that the caller wants the leader.
    pub(crate) fn may_read(&self, requires_leader: bool) -> Result<(), Status> {
        self.may(requires_leader)
    }

    /// What only the leader does, whatever the caller requires.
    pub(crate) fn may_lead(&self) -> Result<(), Status> {
        self.may(true)
    }

    fn may(&self, leader_only: bool) -> Result<(), Status> {
        match self.cluster.role(self.node) {
            Role::Leader => Ok(()),
            Role::Follower { .. } if !leader_only => Ok(()),
            Role::Follower { host, port } => Err(status::not_leader(&host, port)),
            Role::Leaderless => Err(status::not_ready()),
        }
    }

    /// Appends, and lets a foreigner have a turn if it is theirs.
    pub(crate) fn append(
        &self,
        stream: &str,
        expected: Expected,
        events: Vec<NewEvent>,
    ) -> Result<Appended, Refused> {
        let appended = self.memory().append(stream, expected, events);
        if let Err(Refused::WrongVersion(_)) = appended {
            self.cluster.conflicts().fetch_add(1, Relaxed);
        }
        if appended.is_ok_and(|appended| !appended.repeated) && self.faults().foreigner_is_due() {
            self.cluster.write_foreign();
        }
        appended
    }

    /// Waits as long as answers are to be delayed.
    pub(crate) async fn slowly(&self) {
        if let Some(delay) = self.faults().answer_delay() {
            tokio::time::sleep(delay).await;
        }
    }

    /// What happens between a write and its answer.
    pub(crate) async fn before_answer(&self) -> Result<(), TimedOut> {
        self.slowly().await;
        if self.faults().swallows() {
            self.connection.kill();
            std::future::pending::<()>().await;
        }
        if self.faults().times_out() { Err(TimedOut) } else { Ok(()) }
    }

    /// Whether the caller may come in.
    fn admits(&self, request: &http::Request<Incoming>) -> Result<(), Status> {
        let Some((name, password)) = self.cluster.login() else { return Ok(()) };
        let Some(shown) = request.headers().get(http::header::AUTHORIZATION) else {
            return Err(status::access_denied());
        };
        let known = format!("Basic {}", STANDARD.encode(format!("{name}:{password}")));
        if shown.as_bytes() == known.as_bytes() {
            Ok(())
        } else {
            Err(Status::unauthenticated("Bad HTTP status code: 401"))
        }
    }
}

impl From<TimedOut> for Status {
    fn from(TimedOut: TimedOut) -> Self {
        status::timed_out()
    }
}
