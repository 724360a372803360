//! A clock that jumps: nothing is recorded by it, and all is as before once it is set right.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use shiplog_api::{App, Hosts, router};
use shiplog_projections::{
    models::ReadModels,
    script::{Program, Workshop},
};
use shiplog_store::{
    clock::{Clock, WatchedClock},
    log::Log,
    sqlite::SqliteLog,
};
use tower::ServiceExt as _;

/// When it all happens, in seconds since 1970, and for how long the machine has run.
const NOW: i64 = 1_800_000_000;
const UPTIME: Duration = Duration::from_mins(1);

/// A wall clock that says what it is told to say, on a machine where no time passes.
struct Told(AtomicI64);

impl Clock for Told {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::Relaxed)).unwrap()
    }

    fn uptime(&self) -> Option<Duration> {
        Some(UPTIME)
    }
}

async fn ask(router: &Router, request: Request<Body>) -> (u16, String) {
    let answer = router.clone().oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn get(router: &Router, path: &str) -> (u16, String) {
    ask(router, Request::get(path).header("host", "localhost").body(Body::empty()).unwrap()).await
}

async fn report(router: &Router, version: &str) -> (u16, Value) {
    let body = json!({"service": "till", "environment": "production", "status": "succeeded",
        "release": {"version": version}});
    let request = Request::post("/v1/deployments").header("host", "localhost");
    let request = request.header("content-type", "application/json");
    let (status, text) = ask(router, request.body(Body::from(body.to_string())).unwrap()).await;
    (status, serde_json::from_str(&text).unwrap())
}

#[tokio::test]
async fn what_a_clock_says_that_jumped_ahead_is_not_recorded_for_good() {
    let told = Arc::new(Told(AtomicI64::new(NOW)));
    let say = |seconds: i64| told.0.store(NOW + seconds, Ordering::Relaxed);
    let clock: Arc<dyn Clock> = Arc::new(WatchedClock::start(Arc::<Told>::clone(&told)));
    let log: Arc<dyn Log> = Arc::new(SqliteLog::in_memory(Arc::clone(&clock)).unwrap());
    let directory = tempfile::tempdir().unwrap();
    let models = Arc::new(ReadModels::start(&log, directory.path()).await.unwrap());
    let program = Program { path: "nothing is scripted".into(), arguments: Vec::new() };
    let scripts = Arc::new(Workshop::start(&log, &models, directory.path(), program));
    let app = App::new(log, Arc::clone(&models), Arc::clone(&scripts), clock, 1 << 20);
    let router = router(app, &Arc::new(Hosts::new(([127, 0, 0, 1], 80).into(), Vec::new())));
    assert_eq!(report(&router, "1").await.0, 201);

    say(366 * 86_400);
    let (status, problem) = report(&router, "2").await;
    assert_eq!((status, &problem["code"]), (503, &json!("clock-jumped")), "{problem}");
    let (_, ready) = get(&router, "/readyz").await;
    let ready: Value = serde_json::from_str(&ready).unwrap();
    assert_eq!(ready["writes"], false, "{ready}");
    assert!(ready["notes"][0].as_str().unwrap().contains("the clock jumped"), "{ready}");
    let (_, metrics) = get(&router, "/metrics").await;
    assert!(metrics.contains("shiplog_clock_skew_seconds 31622400"), "{metrics}");
    assert!(metrics.contains("shiplog_log_writable 0"), "{metrics}");

    say(1);
    let (status, recorded) = report(&router, "2").await;
    assert_eq!((status, &recorded["number"]), (201, &json!(2)), "{recorded}");

    // Behind, it is believed, and that is said.
    say(-600);
    assert_eq!(report(&router, "3").await.0, 201);
    // A read has it folded.
    assert_eq!(get(&router, "/v1/lanes/till/production").await.0, 200);
    let (_, metrics) = get(&router, "/metrics").await;
    assert!(metrics.contains("shiplog_clock_behind_log_seconds 601"), "{metrics}");
    scripts.stop().await;
    models.stop().await;
}
