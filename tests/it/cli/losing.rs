//! What is done where the log has lost events that were recorded.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::call::{Desk, Shop};

/// A data directory whose log was put back by hand from before its last deployment: it ends at 2, and
/// its read models know it up to 4.
fn put_back() -> Desk {
    let shop = Shop::open();
    shop.does("deploy checkout production 1.0 --status succeeded --at 2025-03-01T09:00Z");
    shop.call("backup kept.sqlite --data data").ends(0);
    shop.does("deploy checkout production 1.1 --status succeeded --at 2025-03-02T09:00Z");
    // Asked, they are level.
    shop.does("status production");
    let desk = shop.close();
    fs::copy(desk.join("kept.sqlite"), desk.join("data/log.sqlite")).unwrap();
    desk
}

/// The directories in which something is kept aside.
fn kept(data: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("lost-"))
        .collect()
}

#[test]
fn a_log_that_ends_before_its_read_models_is_neither_written_nor_called_sound() {
    let desk = put_back();
    let models = desk.join("data/read-models");
    let files = || -> Vec<_> {
        let mut files: Vec<_> =
            fs::read_dir(&models).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.extension().is_some_and(|it| it == "sqlite"));
        files.sort();
        files
    };
    let before = files();
    let lost =
        ["`history` knows the log up to position 4, and it ends at 2", "up to 2 events are lost"];

    let refused = ["ends at position 2", lost[0], lost[1], "--accept-loss-after 2", "lost-"];
    desk.call("serve --data data --listen 127.0.0.1:0").tells(3, &refused);
    desk.call("serve --data data --listen 127.0.0.1:0 --accept-loss-after 3")
        .tells(3, &["a loss is accepted after 3, which is not where it ends"]);
    fs::write(desk.join("none.jsonl"), "").unwrap();
    desk.call("import changes none.jsonl --data data").tells(3, &["--accept-loss-after 2"]);
    desk.call("replay --data data").tells(3, &lost);
    let verified = desk.call("verify --data data --output json").ends(3).json();
    let findings = verified["findings"].as_array().unwrap();
    assert!(findings.iter().any(|one| one.as_str().unwrap().contains(lost[0])), "{verified}");

    assert_eq!((files(), kept(&desk.join("data"))), (before, vec![]));
}

#[test]
fn a_loss_that_is_accepted_keeps_what_knows_of_it_and_the_log_goes_on() {
    let desk = put_back();
    let shop = Shop::open_with(desk, "--accept-loss-after 2");

    let lane = shop.call("status production --output json").json()["lanes"][0].clone();
    assert_eq!(lane["current"]["release"]["version"], "1.0", "as the log says: {lane}");
    shop.does("deploy checkout production 1.2 --status succeeded --at 2025-03-03T09:00Z");
    let desk = shop.close();
    let kept = kept(&desk.join("data"));
    let models = fs::read_dir(kept[0].join("read-models")).unwrap();
    let names: Vec<_> =
        models.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(kept.len() == 1 && names.iter().any(|name| name.starts_with("history-")), "{names:?}");
    desk.call("verify --data data").ends(0);
    desk.call("replay --data data").ends(0);
    // Nothing is lost any more: what is in a unit's file does no harm.
    Shop::open_with(desk, "--accept-loss-after 2").close();
}

#[test]
fn read_models_of_another_log_show_no_loss() {
    let shop = Shop::open();
    shop.does("deploy checkout production 1.0 --status succeeded --at 2025-03-01T09:00Z");
    let desk = shop.close();
    fs::remove_file(desk.join("data/log.sqlite")).unwrap();
    let shop = Shop::open_in(desk);
    shop.does("deploy checkout production 2.0");
    assert_eq!(kept(&shop.close().join("data")), Vec::<PathBuf>::new());
}

#[test]
fn read_models_that_know_more_than_a_backup_are_kept_when_it_is_restored() {
    let desk = put_back();
    fs::remove_file(desk.join("data/log.sqlite")).unwrap();

    let said = desk.call("restore kept.sqlite --data data").ends(0);

    let kept = kept(&desk.join("data"));
    assert!(kept.len() == 1 && kept[0].join("read-models").is_dir(), "{kept:?}");
    assert!(said.err.contains("up to 2 events") && said.err.contains("lost-"), "{said:#?}");
    let shop = Shop::open_in(desk);
    let lane = shop.call("status production --output json").json()["lanes"][0].clone();
    assert_eq!(lane["current"]["release"]["version"], "1.0", "{lane}");
}

#[test]
fn a_bit_in_the_wal_of_a_killed_server_stops_the_next_one_and_the_wal_is_kept() {
    let shop = Shop::open();
    for version in 0..20 {
        shop.does(&format!("deploy checkout production 1.{version} --status succeeded"));
    }
    let desk = shop.kill();
    let wal = desk.join("data/log.sqlite-wal");
    let mut bytes = fs::read(&wal).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::write(&wal, &bytes).unwrap();

    let verified = desk.call("verify --data data --output json").ends(3).json();
    let findings = verified["findings"].to_string();
    assert!(
        findings.contains("log.sqlite-wal` is damaged") && findings.contains("lost-"),
        "{findings}"
    );
    let head = verified["head"].as_u64().unwrap();
    assert!(head < 40, "{verified}");
    for call in
        ["backup b.sqlite --data data", "transfer --from data --to other", "replay --data data"]
    {
        desk.call(call).tells(3, &["log.sqlite-wal` is damaged", "shiplog verify"]);
    }
    let accept = format!("--accept-loss-after {head}");
    desk.call("serve --data data --listen 127.0.0.1:0")
        .tells(3, &["log.sqlite-wal` is damaged", "a copy of it is kept in", &accept]);
    assert_eq!(fs::read(&wal).unwrap(), bytes, "nothing was changed");

    let desk = Shop::open_with(desk, &accept).close();

    let kept = kept(&desk.join("data"));
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(fs::read(kept[0].join("log.sqlite-wal")).unwrap(), bytes);
    assert!(kept[0].join("read-models").is_dir() && kept[0].join("log.sqlite").is_file());
    desk.call("verify --data data").ends(0);
}

#[test]
fn a_foreign_object_is_named_by_every_command_that_opens_the_log() {
    let shop = Shop::open();
    shop.does("deploy checkout production 1.0 --status succeeded --at 2025-03-01T09:00Z");
    shop.call("backup kept.sqlite --data data").ends(0);
    let desk = shop.close();
    for file in ["data/log.sqlite", "kept.sqlite"] {
        let log = rusqlite::Connection::open(desk.join(file)).unwrap();
        let trigger = "CREATE TRIGGER z AFTER INSERT ON events BEGIN DELETE FROM types; END";
        log.execute_batch(trigger).unwrap();
    }
    for call in [
        "verify --data data",
        "serve --data data --listen 127.0.0.1:0",
        "backup b.sqlite --data data",
        "restore kept.sqlite --data new",
    ] {
        desk.call(call).tells(1, &["the trigger `z` was not made by Shiplog"]);
    }
}
