//! The history that measurements are made with, and a measurement of the log beside a cluster's.

use serde_json::Value;
use shiplog_double::{Double, Options};

use super::call::Desk;
use crate::support::{ask, shiplog};

#[test]
fn a_generated_history_is_sound_and_as_long_as_was_asked_for() {
    let desk = Desk::new();
    let made = desk.call("bench generate --events 2000 --data data --output json").ends(0).json();
    let events = made["events"].as_u64().unwrap();
    assert!((2_000..3_000).contains(&events), "{made}");

    let verified = desk.call("verify --data data --output json").ends(0).json();
    assert_eq!(verified["events"], events);
    let replayed = desk.call("replay --data data --output jsonl").ends(0).lines();
    assert!(replayed.iter().all(|model| model["position"] == events), "{replayed:?}");
}

#[test]
fn a_log_that_is_not_empty_is_left_as_it_is() {
    let desk = Desk::new();
    desk.call("bench generate --events 100 --data data").ends(0);
    let again = desk.call("bench generate --events 100 --data data");
    again.tells(4, &["the log in `data` is not empty", "--data"]);
}

#[test]
fn answers_are_timed_while_the_server_is_busy() {
    let desk = Desk::new();
    desk.call("bench generate --events 2000 --data data").ends(0);
    for meanwhile in ["rebuild --max-events-per-second 500", "hostile"] {
        let asked = format!("bench queries --data data --requests 5 --meanwhile {meanwhile}");
        let told = desk.call(&format!("{asked} --output json")).ends(0).json();
        let questions = told["questions"].as_array().unwrap();
        assert!(questions.len() > 10, "{told}");
        assert!(questions.iter().all(|one| one["p50_ms"].as_f64() > Some(0.0)), "{told}");
    }
}

#[test]
fn a_log_is_measured_beside_a_clusters_which_keeps_its_own_to_itself() {
    let double = Double::start(Options::default()).unwrap();
    let uri = double.uri();
    let measured = ask(shiplog()
        .args(["bench", "log", "--quiet", "--seconds", "1", "--writers", "1,4", "--log", &uri])
        .args(["--dir", env!("CARGO_TARGET_TMPDIR")]));
    let rows = measured.as_array().unwrap();
    let of = |name: &str| rows.iter().map(|row| row[name].clone()).collect::<Vec<Value>>();
    let shared = "deployments, 6 lanes of two servers";
    assert_eq!(of("what"), ["append", "append", "read all", shared]);
    assert_eq!(of("writers"), [1.into(), 4.into(), Value::Null, 16.into()]);
    for row in rows {
        assert!(row["cluster"]["count"].as_u64() > Some(0), "{row}");
        assert_eq!(row["embedded"]["count"].as_u64() > Some(0), row["what"] != shared, "{row}");
    }
    assert!(rows[3]["cluster"]["conflicts_per_second"].as_u64() > Some(0), "{}", rows[3]);
    assert!(double.conflicts() > 0);
    let appended = rows[0]["cluster"]["count"].as_u64().unwrap();
    let records = double.records() as u64;
    assert!(records > 2 * appended, "{records} records, {appended} appends");
    let verified = ask(shiplog().args(["verify", "--log", &uri]));
    assert_eq!(verified["events"], 0, "{verified}");
}
