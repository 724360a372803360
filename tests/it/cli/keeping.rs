//! What an operator does with the data itself: check it, rebuild from it, keep it.

use std::{
    fs::{self, OpenOptions},
    io::{Seek as _, SeekFrom, Write as _},
    os::unix::fs::PermissionsExt as _,
    process::Command,
};

use super::call::{Desk, Shop};
use crate::support::succeed;

/// A data directory with a short past, and no server.
fn kept() -> Desk {
    let shop = Shop::open();
    shop.does(
        "
        deploy checkout production 1.0 --status succeeded --at 2025-03-01T09:00Z
        deploy checkout production 1.1 --status succeeded --at 2025-03-02T09:00Z
        rollback checkout production --reason 'slow'
        succeed checkout production
        ",
    );
    shop.close()
}

#[test]
fn a_log_that_keeps_its_promises_is_sound_and_its_read_models_are_what_it_says() {
    let desk = kept();
    let verified = desk.call("verify --data data --output json").ends(0).json();
    assert_eq!((&verified["verdict"], &verified["events"]), (&"sound".into(), &6.into()));
    let replayed = desk.call("replay --data data --output json").ends(0).json();
    let names: Vec<_> = replayed.as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["current", "history", "rollbacks", "releases", "definitions"]);
    assert!(replayed.as_array().unwrap().iter().all(|one| one["verdict"] == "same"));
}

#[test]
fn a_read_model_that_was_tampered_with_is_told_from_what_the_log_says() {
    let desk = kept();
    let models = desk.join("data/read-models");
    let file = fs::read_dir(&models)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.file_name().unwrap().to_str().unwrap().starts_with("history-"))
        .unwrap();
    let tables = rusqlite::Connection::open(file).unwrap();
    tables.execute("DELETE FROM deployments WHERE number = 2", []).unwrap();
    drop(tables);
    let replayed = desk.call("replay --data data history --output json").ends(3).json();
    assert_eq!(replayed[0]["verdict"], "different");
    desk.call("replay --data data current rollbacks releases").ends(0);
}

#[test]
fn a_log_that_was_tampered_with_is_not_sound() {
    let desk = kept();
    let log = rusqlite::Connection::open(desk.join("data/log.sqlite")).unwrap();
    log.execute("UPDATE events SET version = version + 1 WHERE position = 6", []).unwrap();
    drop(log);
    let said = desk.call("verify --data data").ends(3);
    assert!(said.err.contains("event 6 of `lane-checkout@production`"), "{said:#?}");
}

#[test]
fn a_backup_is_made_while_the_server_writes_and_is_a_log_again() {
    let shop = Shop::open();
    shop.does("deploy checkout production 1.0 --status succeeded --at 2025-03-01T09:00Z");
    shop.call("backup kept.sqlite --data data").ends(0);
    shop.does("deploy checkout production 1.1 --status succeeded --at 2025-03-02T09:00Z");
    shop.call("backup kept.sqlite --data data").tells(4, &["exists", "does not exist yet"]);
    let desk = shop.close();
    desk.call("restore kept.sqlite --data data").tells(4, &["exists", "--data"]);
    fs::remove_dir_all(desk.join("data")).unwrap();
    desk.call("restore kept.sqlite --data data").ends(0);
    let shop = Shop::open_in(desk);
    let lane = shop.call("status production --output json").json()["lanes"][0].clone();
    assert_eq!(lane["current"]["release"]["version"], "1.0", "as it was then: {lane}");
    shop.does("deploy checkout production 1.2");
}

#[test]
fn a_backup_is_not_restored_beside_what_a_crash_left_of_another_log() {
    let desk = kept();
    desk.call("backup kept.sqlite --data data").ends(0);
    for left in ["log.sqlite-wal", "log.sqlite-shm"] {
        fs::create_dir(desk.join("new")).unwrap();
        fs::write(desk.join("new").join(left), "").unwrap();
        desk.call("restore kept.sqlite --data new").tells(4, &[left, "exists", "--data"]);
        fs::remove_dir_all(desk.join("new")).unwrap();
    }
}

#[test]
fn read_models_that_know_more_than_a_backup_do_not_outlive_its_restoring() {
    let shop = Shop::open();
    shop.does("deploy checkout production 1.0 --status succeeded --at 2025-03-01T09:00Z");
    shop.call("backup kept.sqlite --data data").ends(0);
    shop.does("deploy checkout production 1.1 --status succeeded --at 2025-03-02T09:00Z");
    let desk = shop.close();
    fs::remove_file(desk.join("data/log.sqlite")).unwrap();
    desk.call("restore kept.sqlite --data data").ends(0);
    let shop = Shop::open_in(desk);
    shop.does("deploy checkout production 1.2 --status succeeded --at 2025-03-03T09:00Z");
    let lane = shop.call("status production --output json").json()["lanes"][0].clone();
    assert_eq!(lane["current"]["release"]["version"], "1.2", "{lane}");
    assert_eq!(lane["current"]["number"], 2, "{lane}");
}

#[test]
fn a_backup_has_a_checksum_that_other_tools_read_and_that_a_restore_looks_for() {
    let desk = kept();
    desk.call("backup kept.sqlite --data data").ends(0);
    let mut check = Command::new("sha256sum");
    let checked = check.args(["--check", "kept.sqlite.sha256"]).current_dir(desk.path());
    succeed(checked);
    for name in ["kept.sqlite", "kept.sqlite.sha256"] {
        let mode = fs::metadata(desk.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let said = desk.call("restore kept.sqlite --data one").ends(0);
    assert_eq!(said.err, "");
    fs::remove_file(desk.join("kept.sqlite.sha256")).unwrap();
    let said = desk.call("restore kept.sqlite --data two").ends(0);
    assert!(said.err.contains("`kept.sqlite.sha256` is missing"), "{said:#?}");
    for name in ["one", "two"] {
        assert!(!desk.join(name).join("log.sqlite.sha256").exists());
    }
}

#[test]
fn a_backup_that_breaks_a_promise_of_the_log_is_not_restored() {
    let desk = kept();
    desk.call("backup kept.sqlite --data data").ends(0);
    fs::remove_file(desk.join("kept.sqlite.sha256")).unwrap();
    for (change, said) in [
        ("DELETE FROM events WHERE position = 4", "right before it `1` events are missing"),
        (
            "UPDATE events SET data = CAST(data || ' ' AS BLOB) WHERE position = 3",
            "its data is not what Shiplog writes",
        ),
        (
            "UPDATE events SET metadata = CAST(metadata || ' ' AS BLOB) WHERE position = 3",
            "position 3: its metadata is not what this Shiplog writes",
        ),
    ] {
        fs::copy(desk.join("kept.sqlite"), desk.join("changed.sqlite")).unwrap();
        let log = rusqlite::Connection::open(desk.join("changed.sqlite")).unwrap();
        log.execute(change, []).unwrap();
        drop(log);
        desk.call("restore changed.sqlite --data new").tells(1, &["changed.sqlite", said]);
        assert!(!desk.join("new").exists());
    }
}

#[test]
fn what_a_killed_backup_left_goes_with_the_next_one() {
    let desk = kept();
    for left in ["kept.sqlite.12345.partial", "kept.sqlite.mine.partial", "other.1.partial"] {
        fs::write(desk.join(left), "").unwrap();
    }
    desk.call("backup kept.sqlite --data data").ends(0);
    assert!(!desk.join("kept.sqlite.12345.partial").exists());
    assert!(desk.join("kept.sqlite.mine.partial").exists());
    assert!(desk.join("other.1.partial").exists());
}

#[test]
fn what_is_no_backup_is_not_restored() {
    let desk = kept();
    desk.call("restore none.sqlite --data new").tells(4, &["none.sqlite", "shiplog backup"]);
    fs::write(desk.join("text"), "no log at all, but long enough to be looked at").unwrap();
    desk.call("restore text --data new").tells(1, &["text", "not an SQLite database"]);
    desk.call("backup cut.sqlite --data data").ends(0);
    let mut cut = OpenOptions::new().write(true).open(desk.join("cut.sqlite")).unwrap();
    cut.seek(SeekFrom::Start(8_192)).unwrap();
    cut.write_all(&[0xff; 4_096]).unwrap();
    let checksum = "does not match the SHA-256 in `cut.sqlite.sha256`";
    desk.call("restore cut.sqlite --data new").tells(3, &[checksum]);
    fs::remove_file(desk.join("cut.sqlite.sha256")).unwrap();
    desk.call("restore cut.sqlite --data new").ends(1);
    assert!(!desk.join("new/log.sqlite").exists());
}
