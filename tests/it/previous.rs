//! The previous release, built from its commit, and this one: on one log, in both directions.
//!
//! `tests/previous/run` builds it, and names the command in `SHIPLOG_PREVIOUS`.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::tempdir;

use crate::{
    answers::{agree, all, path_of},
    future::{self, Newer, append},
    story,
    support::{Answer, Client, Server, ask, say, shiplog, shiplog_of, succeed},
};

/// What answers have got since the release that `tests/previous/COMMIT` names; goes when that is raised.
const SINCE: [&str; 14] = [
    "approvals",
    "configuration",
    "contents_count",
    "damaged",
    "damaged_total",
    "irreversible_count",
    "mediaType",
    "next",
    "progress",
    "queued",
    "queued_count",
    "reverts_count",
    "taken_back_by",
    "upcoming",
];

/// For how long a read model may be catching up with the few events of these logs.
const PATIENCE: Duration = Duration::from_mins(1);

/// The command of the previous release; says so if it is not there.
pub(crate) fn previous() -> Option<Command> {
    let Some(program) = std::env::var_os("SHIPLOG_PREVIOUS") else {
        say("SHIPLOG_PREVIOUS is not set, see tests/previous/run: nothing was tested");
        return None;
    };
    Some(shiplog_of(program))
}

fn serve(mut shiplog: Command, data: &Path) -> Server {
    Server::run(shiplog.arg("serve").arg("--data").arg(data).args(["--listen", "127.0.0.1:0"]))
}

/// All that a server tells, started on this directory and ended as an operator would.
fn told_by(shiplog: Command, data: &Path) -> Value {
    let server = serve(shiplog, data);
    let told = all(&server.client());
    assert!(server.stop().success());
    told
}

/// A generated history and a told one, with configurations and media types, by this release.
fn written_here(data: &Path) {
    let mut generate = shiplog();
    generate.args(["bench", "generate", "--quiet", "--events", "3000", "--services", "12"]);
    succeed(generate.arg("--data").arg(data));
    let server = serve(shiplog(), data);
    story::tell(&server.client());
    story::tell_configured(&server.client());
    assert!(server.stop().success());
}

#[test]
fn the_previous_release_derives_from_what_this_one_wrote_what_this_one_does() {
    let Some(previous) = previous() else { return };
    let directory = tempdir().unwrap();
    let data = directory.path().join("data");
    written_here(&data);
    append(&data, "lane-till@production", Newer::ignorable("DeploymentAdmired"));
    append(&data, "fleet-europe", Newer::ignorable("FleetGrew"));
    future::deploy(&data, "lane-ahead@production");

    let here = told_by(shiplog(), &data);
    let server = serve(previous, &data);
    let there = all(&server.client());
    let added = agree(&there, &here);
    assert!(added.iter().eq(SINCE), "is that the previous release? It lacks {added:?}");
    is_ready(&server.client(), 2);

    let (rollbacks, deployments) = (&here["rollbacks"], here["deployments"].as_array().unwrap());
    assert!(rollbacks.as_array().unwrap().iter().any(|one| one["declared"] == true));
    let is_configured = |one: &&Value| one["configuration"].is_object();
    assert!(deployments.iter().filter(is_configured).count() >= 4, "nothing new was written");
    let lanes = here["lanes"].as_array().unwrap();
    let of = |service: &str| lanes.iter().find(|lane| lane["service"] == service).unwrap();
    assert_eq!(of("ahead")["current"]["release"]["version"], "9.0");
    assert_eq!(of("configured")["current"]["intent"]["kind"], "rollback");
    say(&format!(
        "{} lanes, {} deployments and {} rollbacks are the same",
        lanes.len(),
        deployments.len(),
        rollbacks.as_array().unwrap().len()
    ));
}

/// That every read model is where the log is, and passed over so many events.
fn is_ready(client: &Client, skipped: u64) {
    let ready = client.get("/readyz").expect(200).json();
    assert_eq!((&ready["status"], &ready["stalled"]), (&json!("ready"), &json!([])), "{ready}");
    for model in ready["projections"].as_array().unwrap() {
        assert_eq!(model["skipped"], skipped, "{model}");
    }
}

#[test]
fn the_previous_release_stops_at_what_it_must_not_pass_over_and_goes_on_serving() {
    let directory = tempdir().unwrap();
    for (number, (stream, newer, needed)) in [
        (
            "lane-till@production",
            Newer::essential("DeploymentReplaced"),
            "`DeploymentReplaced` is unknown here and must not be passed over: a newer Shiplog is needed",
        ),
        (
            "lane-till@production",
            Newer::unreadable("DeploymentSucceeded"),
            "`DeploymentSucceeded` has schema 9, readable from 9 on; this binary knows up to 1: a newer Shiplog \
             is needed",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let Some(previous) = previous() else { return };
        let data = directory.path().join(number.to_string());
        let server = serve(shiplog(), &data);
        story::tell(&server.client());
        let before = all(&server.client());
        assert!(server.stop().success());
        append(&data, stream, newer);

        let mut previous = previous;
        previous.env("SHIPLOG_LOG", "off");
        let server = serve(previous, &data);
        let client = server.client();
        says_what_is_needed(&client, needed);
        for lane in before["lanes"].as_array().unwrap() {
            let mut told = client.get(&path_of(lane)).expect(200).json();
            // Releases that know of it say how much is missing.
            told.as_object_mut().unwrap().remove("behind");
            agree(&told, lane);
        }
        // It had no better word for it.
        goes_on(&client).expect(500);
    }
}

/// That every read model says what is needed: of the stream that it has set aside. It stalled as a whole before, and
/// the server said that it was stalled or, before that, that it could do its work.
pub(crate) fn says_what_is_needed(client: &Client, needed: &str) {
    let began = Instant::now();
    // A read model stalls where it is, which it has to come to first.
    let answer = loop {
        let answer = client.get("/readyz");
        if answer.json()["status"] != "catching_up" || began.elapsed() > PATIENCE {
            break answer;
        }
    };
    let is_told = answer.json()["status"] == "stalled";
    let ready = answer.expect(if is_told { 503 } else { 200 }).json();
    for model in ready["projections"].as_array().unwrap() {
        let (phase, why) = match model["damaged"].get(0) {
            Some(damaged) => ("live", &damaged["problem"]),
            None => ("stalled", &model["why"]),
        };
        assert_eq!(model["phase"], phase, "{ready}");
        assert!(why.as_str().unwrap().contains(needed), "{why}");
    }
}

/// That what can be decided without the event that cannot be read is decided and recorded; says what
/// comes of deciding on its lane, where nothing must.
pub(crate) fn goes_on(client: &Client) -> Answer {
    let report = |service: &str| {
        let report = json!({
            "service": service, "environment": "production", "status": "succeeded",
            "release": {"version": "1.0"}
        });
        let kind = [("Content-Type", "application/json")];
        client.send("POST", "/v1/deployments", &kind, report.to_string().as_bytes())
    };
    assert_eq!(report("elsewhere").expect(201).json()["number"], 1);
    report("till")
}

#[test]
fn a_directory_goes_from_the_previous_release_to_this_one_and_back_and_nothing_is_lost() {
    let (Some(previous), Some(again)) = (previous(), previous()) else { return };
    let directory = tempdir().unwrap();
    let data = directory.path().join("data");
    let server = serve(previous, &data);
    story::tell(&server.client());
    let there = all(&server.client());
    server.kill();

    let server = serve(shiplog(), &data);
    agree(&there, &all(&server.client()));
    story::tell_configured(&server.client());
    let here = all(&server.client());
    server.kill();

    let server = serve(again, &data);
    agree(&all(&server.client()), &here);
    story::go_on(&server.client());
    let there = all(&server.client());
    assert_ne!(there, here);
    assert!(server.stop().success());
    let verified = ask(shiplog().arg("verify").arg("--data").arg(&data));
    assert_eq!(verified["verdict"], "sound", "{verified}");
    agree(&there, &told_by(shiplog(), &data));
}
