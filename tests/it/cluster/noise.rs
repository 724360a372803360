//! What servers say of a cluster that cannot be used for a while.

use std::{
    fs::{self, File},
    time::Instant,
};

use super::{lane, post};
use crate::{
    home::Home,
    support::{PATIENCE, Server, shiplog},
};

/// What is said when something does not work any more, and when it does again.
const OUTAGES: [(&str, &str); 3] = [
    ("the cluster cannot be used: ", "the cluster can be used again after "),
    ("events cannot be recorded: ", "events can be recorded again after "),
    ("the log cannot be read: ", "the log can be read again after "),
];

/// The messages of one level in what a server has said.
fn of_level<'a>(said: &'a str, level: &str) -> Vec<&'a str> {
    let level = format!(" {level} ");
    said.lines().filter(|line| line.contains(&level)).collect()
}

#[test]
fn a_lost_majority_is_said_once_and_what_a_client_is_told_is_no_error() {
    let home = Home::on_a_cluster(3);
    let cluster = home.cluster();
    let said = home.directory("said");
    let mut serve = shiplog();
    serve.args([
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--log",
        &cluster.uri_with("defaultDeadline=500"),
    ]);
    serve.arg("--data").arg(home.directory("one")).env("SHIPLOG_LOG", "info,eventstore=off");
    let server = Server::run(serve.stderr(File::create(&said).unwrap()));
    let (_, token, _) = post(&server, "before", "1.0");
    lane(&server, &token);
    let before = fs::read_to_string(&said).unwrap();
    assert_eq!(of_level(&before, "WARN"), Vec::<&str>::new());

    cluster.stop(1);
    cluster.stop(2);
    for _ in 0..10 {
        let (status, _, problem) = post(&server, "during", "1.1");
        assert_eq!(status, 503, "{problem}");
        server.client().get("/readyz");
    }
    cluster.restart(1).unwrap();
    cluster.restart(2).unwrap();
    let again = Instant::now();
    let mut number = 0;
    while !OUTAGES.iter().all(|(begins, ends)| {
        let said = fs::read_to_string(&said).unwrap();
        !said.contains(begins) || said.contains(ends)
    }) {
        number += 1;
        post(&server, &format!("after {number}"), &format!("2.{number}"));
        server.client().get("/readyz");
        assert!(again.elapsed() < PATIENCE, "{}", fs::read_to_string(&said).unwrap());
    }

    let said = fs::read_to_string(&said).unwrap();
    assert_eq!(of_level(&said, "ERROR"), Vec::<&str>::new());
    let warnings = of_level(&said, "WARN");
    let of = |words: &str| warnings.iter().filter(|line| line.contains(words)).count();
    for (begins, ends) in OUTAGES {
        let begun = of(begins) - of(&format!("still: {begins}"));
        assert_eq!(begun, said.matches(ends).count(), "{said}");
        assert!(begun <= 1, "{warnings:#?}");
    }
    assert_eq!(
        of("the cluster cannot be used") - of("still: the cluster cannot be used"),
        1,
        "{said}"
    );
    assert!(warnings.len() < 12, "{warnings:#?}");
    assert!(!said.contains("completed successfully") && !said.contains("metadata"), "{said}");
    assert!(said.contains("`Server Is Not Ready`"), "{said}");
}
