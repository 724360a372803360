//! The history that measurements are made with.

use super::call::Desk;

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
