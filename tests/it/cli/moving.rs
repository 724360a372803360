//! Histories on their way in and out.

use std::fs;

use serde_json::{Value, json};

use super::call::{Desk, Said, Shop};

/// Eight lines: three good ones, one of them twice, a late one, a removal, and three bad ones.
const LINES: &str = r#"{"time": "2025-01-12T09:00:00Z", "actor": "person-ann", "environment": "production", "service": "search", "version": "7.0.0"}
no json

{"time": "2025-01-13T15:30:00Z", "actor": "person-ann", "environment": "production", "service": "search", "version": "7.1.0", "colour": "red"}
{"time": "2025-01-13T15:52:00Z", "actor": "person-bob", "environment": "production", "service": "search"}
{"time": "2025-01-13T15:52:00Z", "actor": "bot-ci", "environment": "production", "service": "search", "version": "7.1.0"}
{"time": "2025-01-13T15:52:00Z", "actor": "bot-ci", "environment": "production", "service": "search", "version": "7.1.0"}
{"time": "2025-01-12T10:00:00Z", "actor": "bot-ci", "environment": "production", "service": "search", "version": "7.0.0"}
{"time": "2025-01-14T10:00:00Z", "actor": "bot-ci", "environment": "production", "service": "legacy", "version": null}
"#;

/// Imports from standard input.
fn import(shop: &Shop, lines: &str) -> Said {
    Said::by_feeding(&mut shop.command("import changes - --quiet --output json"), lines.as_bytes())
}

#[test]
fn a_file_of_another_system_is_read_or_says_what_it_is() {
    let shop = Shop::open();
    let marked = format!("\u{feff}{LINES}");
    assert_eq!(import(&shop, &marked).ends(2).json()["recorded"], 4);
    assert_eq!(import(&shop, LINES).ends(2).json()["known"], 5, "a mark is no part of a line");
    let wide: Vec<u8> = LINES.encode_utf16().flat_map(u16::to_le_bytes).collect();
    Said::by_feeding(&mut shop.command("import changes - --quiet"), &wide).tells(2, &["UTF-16"]);
}

#[test]
fn an_import_counts_what_it_did_and_names_each_line_that_it_skipped() {
    let shop = Shop::open();
    let summary = import(&shop, LINES).ends(2).json();
    let expected = json!({"lines": 8, "recorded": 4, "known": 1, "skipped": 3, "malformed": 3,
        "refused": 0, "clamped": 1, "deployments": 3, "removals": 1, "lanes": 2, "new": 2,
        "rollback": 1, "reapply": 0, "restore": 0});
    for (count, value) in expected.as_object().unwrap() {
        assert_eq!(&summary[count], value, "{count} in {summary}");
    }
    let skipped: Vec<_> = summary["skipped_lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["line"].as_u64().unwrap(), one["reason"].as_str().unwrap()))
        .collect();
    for ((line, reason), (expected, says)) in
        skipped.iter().zip([(2, "no JSON"), (4, "unknown field `colour`"), (5, "`version`")])
    {
        assert_eq!(*line, expected, "{skipped:?}");
        assert!(reason.contains(says), "{reason}");
    }
}

#[test]
fn an_import_that_is_run_again_finds_everything_known() {
    let shop = Shop::open();
    import(&shop, LINES).ends(2);
    let before = shop.call("events --all --output json").json();
    let again = import(&shop, LINES).ends(2).json();
    assert_eq!((&again["recorded"], &again["known"]), (&json!(0), &json!(5)));
    assert_eq!(shop.call("events --all --output json").json(), before);
}

#[test]
fn a_file_is_imported_with_a_server_or_without_one_and_comes_to_the_same() {
    let shop = Shop::open();
    fs::write(shop.desk.join("changes.jsonl"), LINES).unwrap();
    shop.call("import changes changes.jsonl").ends(2);
    let with = history(&shop);
    let desk = shop.close();
    desk.call("import changes changes.jsonl --data other").ends(2);
    fs::remove_dir_all(desk.join("data")).unwrap();
    fs::rename(desk.join("other"), desk.join("data")).unwrap();
    let shop = Shop::open_in(desk);
    assert_eq!(history(&shop), with);
}

/// All deployments, but for where the log has them: lanes are recorded side by side, in any order.
fn history(shop: &Shop) -> Value {
    let mut items = shop.call("history --all --output json").json();
    for item in items.as_array_mut().unwrap() {
        item.as_object_mut().unwrap().remove("position");
    }
    items
}

#[test]
fn what_is_exported_can_be_imported_and_exported_again() {
    let shop = Shop::open();
    shop.does(
        "
        deploy checkout production 1.0 --status succeeded --at 2025-03-01T09:00Z --commit 3f2c9ab --label train=31
        deploy checkout production 1.1 --status failed --at 2025-03-02T09:00Z --actor service:ci --reason 'train 32'
        deploy checkout production 1.2
        cancel checkout/production#3 --reason 'not today'
        ",
    );
    let exported = shop.call("export changes").ends(0);
    assert_eq!(exported.lines().len(), 2, "{exported:#?}");
    assert_eq!(exported.err, "1 left out: never begun, cancelled, rejected or declared void\n");
    let other = Shop::open();
    import(&other, &exported.out).ends(0);
    assert_eq!(other.call("export changes").ends(0).out, exported.out);
}

#[test]
fn events_are_exported_as_the_log_has_them() {
    let shop = Shop::open();
    shop.does("deploy checkout production 1.0 --status succeeded");
    let exported = shop.call("export events").ends(0).lines();
    assert_eq!(Value::Array(exported.clone()), shop.call("events --all --output json").json());
    let rest = shop.call("export events --after 1").ends(0).lines();
    assert_eq!(rest, exported[1..]);
}

#[test]
fn what_cannot_be_imported_is_said_before_anything_is_made() {
    let desk = Desk::new();
    desk.call("import changes nothing.jsonl --data data")
        .tells(2, &["cannot open nothing.jsonl: No such file"]);
    assert!(!desk.join("data").exists());
    fs::write(desk.join("cut.gz"), [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1]).unwrap();
    desk.call("import changes cut.gz --data data").tells(1, &["cannot read line 1", "deflate"]);
}
