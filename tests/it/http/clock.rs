//! A server whose clock is wrong when it starts.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use rusqlite::Connection;
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
