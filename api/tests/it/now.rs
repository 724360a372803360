//! Without an instant, every read is the read at the clock's now, however the clock jumps.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderValue, Request},
};
use jiff::Timestamp;
use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};
use shiplog_api::{App, Hosts, router};
use shiplog_projections::{
    models::ReadModels,
    script::{Program, Workshop},
};
use shiplog_store::{clock::Clock, log::Log, sqlite::SqliteLog};
use tower::ServiceExt as _;

/// About when it all happens, in seconds since 1970.
const NOW: i64 = 1_800_000_000;

/// A clock that says what it is told to say.
#[derive(Debug)]
struct Told(AtomicI64);

impl Clock for Told {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::Relaxed)).unwrap()
    }
}

/// How many seconds a year has, about.
const YEAR: i64 = 365 * 86_400;

/// What is reported, of which version, and how many seconds from [`NOW`].
type Report = (&'static str, &'static str, i64);

fn report() -> impl Strategy<Value = Report> {
    let status =
        prop::sample::select(vec!["started", "succeeded", "succeeded", "failed", "removed"]);
    let version = prop::sample::select(vec!["1", "2", "3"]);
    (status, version, -30_i64..30)
}

/// What somebody does.
#[derive(Clone, Debug)]
enum Act {
    /// Reports something.
    Report(Report),
    /// Asks for a version, or to go back.
    Ask(&'static str),
    /// Says of a deployment how it goes on, without a time of its own.
    Step(u8, &'static str),
}

fn act() -> impl Strategy<Value = Act> {
    let asked = prop::sample::select(vec!["1", "2", "back"]);
    let step = prop::sample::select(vec!["start", "succeed", "fail", "cancel"]);
    prop_oneof![
        2 => report().prop_map(Act::Report),
        2 => asked.prop_map(Act::Ask),
        3 => (1_u8..4, step).prop_map(|(number, step)| Act::Step(number, step)),
    ]
}

/// How many seconds a clock is from [`NOW`]: somewhat wrong, or a year.
fn jump() -> impl Strategy<Value = i64> {
    prop_oneof![4 => -40_i64..40, 1 => Just(YEAR), 1 => Just(-YEAR)]
}

async fn ask(router: &Router, mut request: Request<Body>) -> Value {
    request.headers_mut().insert("host", HeaderValue::from_static("localhost"));
    let answer = router.clone().oneshot(request).await.unwrap();
    let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    let mut told: Value = serde_json::from_slice(&body).unwrap();
    // Each answer has another one.
    told.as_object_mut().map(|fields| fields.remove("request_id"));
    told
}

async fn get(router: &Router, path: &str) -> Value {
    ask(router, Request::get(path).body(Body::empty()).unwrap()).await
}

async fn post(router: &Router, path: &str, body: &Value) -> Value {
    let request = Request::post(path).header("content-type", "application/json");
    ask(router, request.body(Body::from(body.to_string())).unwrap()).await
}

async fn tell(router: &Router, (status, version, seconds): Report) {
    let at = Timestamp::from_second(NOW + seconds).unwrap().to_string();
    if status == "removed" {
        let path = format!("/v1/lanes/till/production?at={at}");
        ask(router, Request::delete(path).body(Body::empty()).unwrap()).await;
        return;
    }
    let release = json!({ "version": version });
    let body = json!({"service": "till", "environment": "production", "status": status,
        "release": release, "at": at});
    post(router, "/v1/deployments", &body).await;
}

/// Does it; a refusal is fine, it records nothing.
async fn perform(router: &Router, act: Act) {
    match act {
        Act::Report(report) => tell(router, report).await,
        Act::Ask(version) => {
            let (service, environment) = ("till", "production");
            let body = match version {
                "back" => json!({"service": service, "environment": environment,
                    "intent": {"kind": "rollback", "to": "previous"}, "reason": "it is slow"}),
                _ => json!({"service": service, "environment": environment,
                    "release": {"version": version}}),
            };
            post(router, "/v1/deployments", &body).await;
        }
        Act::Step(number, step) => {
            let path = format!("/v1/deployments/till/production/{number}/{step}");
            post(router, &path, &json!({})).await;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn without_an_instant_it_is_as_of_the_clock_s_now(
        acts in vec((jump(), act()), 1..10),
        jumps in vec(jump(), 6),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let told = Arc::new(Told(AtomicI64::new(NOW)));
            let clock: Arc<dyn Clock> = Arc::<Told>::clone(&told);
            let log: Arc<dyn Log> = Arc::new(SqliteLog::in_memory(Arc::clone(&clock)).unwrap());
            let directory = tempfile::tempdir().unwrap();
            let models = Arc::new(ReadModels::start(&log, directory.path()).await.unwrap());
            let program = Program { path: "nothing is scripted".into(), arguments: Vec::new() };
            let scripts = Workshop::start(&log, &models, directory.path(), program);
            let (scripts, shared) = (Arc::new(scripts), Arc::clone(&models));
            let app = App::new(log, shared, Arc::clone(&scripts), Arc::clone(&clock), 1 << 20);
            let hosts = Hosts::new(([127, 0, 0, 1], 80).into(), Vec::new());
            let router = router(app, &Arc::new(hosts));
            let mut latest = NOW;
            for (jump, act) in acts {
                told.0.store(NOW + jump, Ordering::Relaxed);
                latest = latest.max(NOW + jump);
                perform(&router, act).await;
            }
            for jump in [0].into_iter().chain(jumps) {
                told.0.store(NOW + jump, Ordering::Relaxed);
                let now = clock.now();
                for path in ["/v1/lanes/till/production", "/v1/environments/production"] {
                    let present = get(&router, path).await;
                    let as_of = get(&router, &format!("{path}?at={now}")).await;
                    prop_assert_eq!(present, as_of, "{} at {}", path, now);
                }
                if NOW + jump < latest {
                    // SQL tells a lane of which something is recorded for later as it was when that
                    // was recorded, where the clock says that it has not been yet.
                    continue;
                }
                let lane = get(&router, "/v1/lanes/till/production").await;
                let number = lane["current"]["number"].clone();
                let sql = json!({"query": "SELECT number FROM lanes"});
                let rows = post(&router, "/v1/sql", &sql).await["rows"].take();
                let expected = if lane["service"].is_null() { json!([]) } else { json!([[number]]) };
                prop_assert_eq!(rows, expected, "{} at {}", lane, now);
                let listed = get(&router, "/v1/environments").await;
                let runs = listed["items"][0]["lanes"].as_u64().unwrap_or_default();
                prop_assert_eq!(runs, u64::from(!number.is_null()), "{} at {}", lane, now);
            }
            scripts.stop().await;
            models.stop().await;
            Ok(())
        })?;
    }
}
