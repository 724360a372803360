//! One of many who write, and remember what was acknowledged.

use std::sync::{
    atomic::{AtomicBool, AtomicU64, Ordering},
    mpsc::Sender,
};

use serde_json::json;

use crate::support::{Answer, Chance, Client};

/// How many lanes all writers share.
const SHARED: u64 = 4;

/// What a deployment may have come to, and the events that say so.
const STATUSES: [(&str, &[&str]); 4] = [
    ("requested", &["DeploymentRequested"]),
    ("started", &["DeploymentRequested", "DeploymentStarted"]),
    ("succeeded", &["DeploymentRequested", "DeploymentSucceeded"]),
    ("failed", &["DeploymentRequested", "DeploymentFailed"]),
];

/// A request, which stays the same however often it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) service: String,
    pub(crate) key: String,
    status: &'static str,
    /// The types of its events, in order.
    pub(crate) events: &'static [&'static str],
    /// When it was first sent: what was acknowledged before that comes before it in the log.
    pub(crate) sent: u64,
}

/// A request that was acknowledged.
#[derive(Clone, Debug)]
pub(crate) struct Acknowledged {
    pub(crate) request: Request,
    pub(crate) number: u64,
    /// Where its last event is.
    pub(crate) position: u64,
    /// When that was heard.
    pub(crate) heard: u64,
}

/// From the start of the server until it is killed.
pub(crate) struct Round<'a> {
    pub(crate) client: Client,
    /// Counts what is sent and what is heard.
    pub(crate) clock: &'a AtomicU64,
    /// Whether the server may be gone.
    pub(crate) killed: &'a AtomicBool,
    pub(crate) heard: Sender<()>,
}

/// From the start of a storm until it is over.
pub(crate) struct Passage<'a> {
    /// Who is asked next where one cannot.
    pub(crate) servers: Vec<Client>,
    /// Counts what is sent and what is heard.
    pub(crate) clock: &'a AtomicU64,
    /// Whether there is enough.
    pub(crate) over: &'a AtomicBool,
    pub(crate) heard: Sender<()>,
}

/// Sends one request after the other, half of them for a lane of its own.
#[derive(Debug)]
pub(crate) struct Writer {
    name: usize,
    chance: Chance,
    requests: u64,
    /// What was sent and not acknowledged.
    open: Option<Request>,
    pub(crate) acknowledged: Vec<Acknowledged>,
    /// How many were there already when they were sent again.
    pub(crate) replayed: usize,
    /// How often it was told to try again.
    pub(crate) put_off: usize,
}

impl Writer {
    pub(crate) fn new(name: usize) -> Self {
        let chance = Chance(1_000 + name as u64);
        let (open, acknowledged) = (None, Vec::new());
        Self { name, chance, requests: 0, open, acknowledged, replayed: 0, put_off: 0 }
    }

    /// Whether it does not know what became of a request.
    pub(crate) fn is_waiting(&self) -> bool {
        self.open.is_some()
    }

    /// Writes until the server is killed; begins with what is open from before.
    pub(crate) fn write(&mut self, round: &Round<'_>) {
        loop {
            let request = match self.open.take() {
                Some(request) => request,
                None => self.next(round.clock),
            };
            let answer = post(&round.client, &request);
            match answer {
                Ok(answer) => self.hear(request, &answer, round.clock),
                Err(error) => {
                    let killed = round.killed.load(Ordering::SeqCst);
                    assert!(killed, "no answer, though nobody had killed the server: {error}");
                    self.open = Some(request);
                    return;
                }
            }
            round.heard.send(()).unwrap();
        }
    }

    /// Writes until the storm is over; who is told to try again does, with the same key, elsewhere.
    pub(crate) fn weather(&mut self, passage: &Passage<'_>) {
        let mut server = self.name;
        while !passage.over.load(Ordering::SeqCst) {
            let request = self.next(passage.clock);
            let answer = loop {
                let answer =
                    post(&passage.servers[server % passage.servers.len()], &request).unwrap();
                if answer.status != 503 {
                    break answer;
                }
                assert_eq!(answer.header("Retry-After"), "1");
                self.put_off += 1;
                server += 1;
            };
            self.hear(request, &answer, passage.clock);
            // Nobody counts any more once it is over.
            let _ = passage.heard.send(());
        }
    }

    /// Sends again what is open.
    pub(crate) fn settle(&mut self, client: &Client, clock: &AtomicU64) {
        if let Some(request) = self.open.take() {
            let answer = post(client, &request).unwrap();
            self.hear(request, &answer, clock);
        }
    }

    fn next(&mut self, clock: &AtomicU64) -> Request {
        self.requests += 1;
        let service = match self.chance.below(2) {
            0 => format!("own-{}", self.name),
            _ => format!("shared-{}", self.chance.below(SHARED)),
        };
        let status = usize::try_from(self.chance.below(STATUSES.len() as u64)).unwrap();
        let (status, events) = STATUSES[status];
        let key = format!("writer-{}-{}", self.name, self.requests);
        let sent = clock.fetch_add(1, Ordering::SeqCst);
        Request { service, key, status, events, sent }
    }

    fn hear(&mut self, request: Request, answer: &Answer, clock: &AtomicU64) {
        let heard = clock.fetch_add(1, Ordering::SeqCst);
        assert_eq!(answer.status, 201, "{request:?}: {}", answer.text());
        let deployment = answer.json();
        let position = deployment["position"].as_u64().unwrap();
        let (_, token) = answer.header("Shiplog-Position").split_once(':').unwrap();
        assert_eq!(token.parse(), Ok(position), "{request:?}: {}", answer.text());
        self.replayed += usize::from(answer.headers.contains_key("Idempotency-Replayed"));
        let number = deployment["number"].as_u64().unwrap();
        self.acknowledged.push(Acknowledged { request, number, position, heard });
    }
}

fn post(client: &Client, request: &Request) -> Result<Answer, ureq::Error> {
    let Request { service, key, status, .. } = request;
    let headers = [("Content-Type", "application/json"), ("Idempotency-Key", key)];
    let body = json!({
        "service": service, "environment": "production", "status": status,
        "release": {"version": key}, "actor": "service:writer"
    });
    client.try_send("POST", "/v1/deployments", &headers, body.to_string().as_bytes())
}
