//! A server whose clock is wrong when it starts.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use rusqlite::Connection;
use serde_json::json;
use shiplog_store::sqlite::FILE_NAME;

use super::{
    lane::{DEPLOYMENTS, reported},
    server::Server,
};
use crate::support::{shiplog, succeed};

/// What a server writes to its own log while it starts on a directory and stops again.
fn told(data: &Path) -> String {
    let mut serve = shiplog();
    serve.env("SHIPLOG_LOG", "warn").args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data);
    let mut server = serve.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    succeed(Command::new("kill").args(["-TERM", &server.id().to_string()]));
    String::from_utf8(server.wait_with_output().unwrap().stderr).unwrap()
}

#[test]
fn a_clock_that_is_behind_the_log_at_the_start_is_warned_of() {
    let server = Server::start();
    server.post(DEPLOYMENTS, &reported("1.0", "10:01"));
    server.meanwhile(|data| {
        let warning = "set the clock right";
        assert!(!told(data).contains(warning), "the clock is where the log is");
        let log = Connection::open(data.join(FILE_NAME)).unwrap();
        let hours = 2 * 3_600_000_000_i64;
        log.execute("UPDATE events SET recorded_at = recorded_at + ?", [hours]).unwrap();
        drop(log);
        let told = told(data);
        assert!(
            told.contains(warning) && told.contains("the last event was recorded at"),
            "{told}"
        );
    });
}

#[test]
fn what_is_commanded_ahead_of_now_is_refused_and_what_is_planned_is_not() {
    let server = Server::start();
    server.post(DEPLOYMENTS, &reported("1.0", "10:01"));
    let far = "9998-01-01T00:00:00Z";
    let (environment, release) = ("/v1/environments/production", "/v1/releases/checkout/1.0");
    let (block, unblock) = (format!("{release}/block"), format!("{release}/unblock"));
    let declared = json!({"tier": "production", "at": far});
    let because = json!({"reason": "it loses orders", "at": far});
    let commands = [
        ("PUT", environment, &declared),
        ("DELETE", environment, &because),
        ("POST", block.as_str(), &because),
        ("POST", unblock.as_str(), &because),
    ];
    let before = server.position();
    for (method, path, body) in commands {
        let problem = server.ask(method, path).json(body).send().problem(409, "ahead-of-now");
        assert!(problem["detail"].as_str().unwrap().contains(far), "{problem}");
    }
    assert_eq!(server.position(), before, "nothing was recorded");
    server.post(&format!("{environment}/freeze"), &because);
    server.post(&format!("{environment}/unfreeze"), &because);
    // A report is recorded, and does not run yet.
    let mut later = reported("1.1", "10:02");
    later["at"] = json!(far);
    server.post(DEPLOYMENTS, &later);
    let lane = server.get("/v1/lanes/checkout/production");
    assert_eq!(lane["current"]["release"]["version"], "1.0");
    assert_eq!(lane["upcoming"]["release"]["version"], "1.1", "{lane}");
}
