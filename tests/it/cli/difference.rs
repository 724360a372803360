//! What differs, and which way: releases that come in or are taken out, and tags that moved.

use serde_json::{Value, json};

use super::call::Shop;

/// Three releases with a ticket each, and a rollback to the first.
fn went_back() -> Shop {
    let shop = Shop::open();
    shop.does(
        "
        deploy c production 1.0 --status succeeded --at 2025-03-01 --change ticket=T-10
        deploy c production 1.1 --status succeeded --at 2025-03-02 --change ticket=T-11
        deploy c production 1.2 --status succeeded --at 2025-03-03 --change ticket=T-12
        rollback c production --to 1.0 --reason 'two bad ones'
        succeed c production
        ",
    );
    shop
}

#[test]
fn what_a_rollback_takes_out_is_not_told_as_what_comes_in() {
    let shop = went_back();
    let rows = |words: &str| -> Vec<Value> {
        let rows = shop.call(&format!("diff {words} --output jsonl")).ends(0).lines();
        rows.into_iter().filter(|row| row["of"] == "taken out" || row["of"] == "comes in").collect()
    };
    let out = |text: &str| json!({"of": "taken out", "from": text, "to": null});
    let comes_in = |text: &str| json!({"of": "comes in", "from": null, "to": text});
    assert_eq!(
        rows("c/production#3 c/production#4"),
        [out("1.2: ticket T-12"), out("1.1: ticket T-11")]
    );
    assert_eq!(
        rows("c/production#1 c/production#3"),
        [comes_in("1.1: ticket T-11"), comes_in("1.2: ticket T-12")]
    );
    let shown = shop.call("show c/production#4").ends(0).out;
    assert!(shown.contains("\ntaken out:\n1.2"), "{shown}");
    assert!(shown.contains("ticket T-11") && !shown.contains("ticket T-10"), "{shown}");
    let recover = shop.call("recover c/production#4").ends(0).out;
    assert!(recover.contains("\ntaken out of what ran before, 1.2 (#3):\n1.2"), "{recover}");
    assert!(!recover.contains("changed against"), "{recover}");
}

/// A tag that moved from one commit to another.
fn moved() -> Shop {
    let shop = Shop::open();
    shop.does(
        "
        deploy tag production main --status succeeded --at 2025-03-01 --commit 1111111 --artifact img=sha256:1
        deploy tag production main --status succeeded --at 2025-03-02 --commit 2222222 --artifact img=sha256:2
        deploy plain production 1.0 --status succeeded --at 2025-03-01
        ",
    );
    shop
}

#[test]
fn a_tag_that_moved_is_a_difference_and_says_in_what() {
    let shop = moved();
    let said = "diff production 2025-03-01T12:00Z 2025-03-03 --output csv";
    let expected = "change,service,from,from number,to,to number,since,configuration,content\r\n\
        changed,tag,main,1,main,2,2025-03-02T00:00:00Z,,commit 1111111 → 2222222\r\n";
    assert_eq!(shop.call(said).ends(0).out, expected);
    shop.does(
        "deploy tag production main --status succeeded --at 2025-03-04 --commit 2222222 --artifact img=sha256:3",
    );
    let rebuilt = shop.call("diff production 2025-03-03 2025-03-05 --output csv").ends(0).out;
    assert!(rebuilt.ends_with(",other artifacts\r\n"), "{rebuilt}");
}

#[test]
fn a_release_whose_name_several_contents_bear_lists_each() {
    let shop = moved();
    let list = shop.call("releases").ends(0).out;
    let row = |service: &str| list.lines().find(|line| line.starts_with(service)).unwrap();
    assert!(row("tag ").ends_with("  2 contents"), "{list}");
    assert!(row("plain ").ends_with("  production"), "{list}");
    let csv = shop.call("releases --output csv").ends(0).out;
    assert!(csv.starts_with("service,version,commit,first seen,blocked,runs in,contents\r\n"));
    let one = shop.call("releases tag main").ends(0).out;
    let (_, contents) =
        one.split_once("2 contents bear this name, so the tag has moved:\n").unwrap();
    let lines: Vec<_> = contents.lines().take(3).collect();
    assert!(lines[1].starts_with("1111111  img sha256:1  2025-03-01 00:00:00 ("), "{one}");
    assert!(lines[2].starts_with("2222222  img sha256:2  2025-03-02 00:00:00 ("), "{one}");
    let plain = shop.call("releases plain 1.0").ends(0).out;
    assert!(!plain.contains("contents bear"), "{plain}");
}
