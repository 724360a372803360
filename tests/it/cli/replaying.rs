//! Replaying up to a moment, and finding out what differs and because of what.

use std::fs;

use rusqlite::Connection;

use super::call::{Desk, Shop};

/// Two deployments, of which the second one failed.
fn kept() -> Desk {
    let shop = Shop::open();
    shop.does("deploy checkout production 1.0 --status succeeded");
    shop.does("deploy checkout production 1.1 --status failed");
    // Who asks has it folded: a server that is stopped leaves what is new for its next start.
    shop.does("history");
    shop.close()
}

/// Changes one row of the history by hand.
fn change(desk: &Desk, statement: &str) {
    let models = fs::read_dir(desk.join("data/read-models")).unwrap();
    let mut paths = models.map(|entry| entry.unwrap().path());
    let is_its = |name: &str| name.contains("history-v") && name.ends_with(".sqlite");
    let path = paths.find(|path| is_its(path.to_str().unwrap())).unwrap();
    assert_eq!(Connection::open(path).unwrap().execute(statement, []).unwrap(), 1);
}

#[test]
fn a_replay_ends_at_a_position_or_at_a_time() {
    let desk = kept();
    let all = desk.call("replay --data data --until now -o json").ends(0).json();
    let there = desk.call("replay --data data --until 4 -o json").ends(0).json();
    assert_eq!(all, there);
    let before = desk.call("replay history --data data --until 2 -o json").ends(0).json();
    assert_eq!((&before[0]["position"], &before[0]["events"]), (&2.into(), &2.into()));
    assert_ne!(before[0]["rebuilt"], all[1]["rebuilt"]);
    desk.call("replay --data data --until soonish").tells(2, &["--until", "soonish", "position"]);
    desk.call("replay --data data --until 2 --compare").tells(2, &["--compare=DIR"]);
}

#[test]
fn a_row_that_was_changed_by_hand_is_named_and_so_is_the_event() {
    let desk = kept();
    let same = desk.call("replay --data data --compare -o json").ends(0).json();
    assert!(same.as_array().unwrap().iter().all(|model| model["rows_that_differ"] == 0), "{same}");
    change(&desk, "UPDATE entries SET status = 'requested' WHERE version = '1.1'");
    let told = desk.call("replay history --data data --compare").ends(3);
    for part in ["entries", "status is 'requested', should be 'failed'", "4: DeploymentFailed"] {
        assert!(told.out.contains(part), "{part} is missing: {}", told.out);
    }
    let told = desk.call("replay history --data data --compare -o json").ends(3).json();
    let row = &told[0]["differences"][0];
    assert_eq!(
        (&row["table"], &row["event"]["position"]),
        (&"entries".into(), &4.into()),
        "{told}"
    );
}

#[test]
fn what_another_log_makes_of_it_is_the_same_up_to_the_first_event_that_is_not() {
    let (desk, other) = (kept(), Desk::new());
    fs::create_dir(other.join("data")).unwrap();
    fs::copy(desk.join("data/log.sqlite"), other.join("data/log.sqlite")).unwrap();
    let against = format!("replay history --data data --compare={}", other.join("data").display());
    desk.call(&against).ends(0);
    let shop = Shop::open_in(other);
    shop.does("deploy checkout production 1.2 --status succeeded");
    let _other = shop.close();
    let told = desk.call(&format!("{against} -o json")).ends(3).json();
    assert_eq!((&told[0]["events"], &told[0]["first"]), (&4.into(), &serde_json::Value::Null));
    assert_eq!(told[0]["second"]["type"], "DeploymentRequested", "{told}");
    desk.call("replay --data data --compare=nowhere").tells(4, &["nowhere"]);
}
