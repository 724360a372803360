//! What lists show: which filters there are, and how programs read them.

use serde_json::{Value, json};

use super::{
    call::{Said, Shop},
    stable::stable,
};

/// Two services in two environments, with somebody's words about each deployment.
const PAST: &str = "
    environments declare production --tier production
    environments declare staging --tier staging
    deploy checkout staging 1.4.2 --status succeeded --at 2025-03-01T08:00Z --actor service:ci --commit 77aa01c
    deploy checkout production 1.4.1 --status succeeded --at 2025-03-01T09:00Z --commit 3f2c9ab --artifact image=sha256:0a1b
    deploy checkout production 1.4.2 --status succeeded --at 2025-03-02T09:00Z --commit 77aa01c --label train=31 --reason 'release train'
    deploy search production 7.0.0 --status succeeded --at 2025-03-02T10:00Z --actor bob
    deploy search production 7.1.0 --status failed --at 2025-03-03T10:00Z --actor bob --error 'disk is full' --artifact image=sha256:77ff --irreversible-change 'migration=new index format'
    deploy search production 7.1.1 --intent roll-forward --status succeeded --at 2025-03-03T11:00Z --actor bob
    deploy checkout production 1.4.1 --status succeeded --at 2025-03-04T09:00Z --intent unknown
";

fn shop() -> Shop {
    let shop = Shop::open();
    shop.does(PAST);
    shop
}

/// `search/production#2` for each deployment in an answer, in its order.
fn names(said: &Said) -> Vec<String> {
    let items = said.json();
    let name = |one: &Value| {
        let text = |field: &str| one[field].as_str().unwrap().to_owned();
        format!("{}/{}#{}", text("service"), text("environment"), one["number"])
    };
    items.as_array().unwrap().iter().map(name).collect()
}

#[test]
fn every_filter_of_the_history_keeps_what_it_names() {
    let shop = shop();
    let (c1, c2, c3) = ("checkout/production#1", "checkout/production#2", "checkout/production#3");
    let (s1, s2, s3) = ("search/production#1", "search/production#2", "search/production#3");
    let staging = "checkout/staging#1";
    let cases: &[(&str, &[&str])] = &[
        ("--all", &[c3, s3, s2, s1, c2, c1, staging]),
        ("--order oldest", &[staging, c1, c2, s1, s2, s3, c3]),
        ("--service search", &[s3, s2, s1]),
        ("--environment staging", &[staging]),
        ("--actor bob", &[s3, s2, s1]),
        ("--version 1.4.1", &[c3, c1]),
        ("--commit 77aa01c", &[c2, staging]),
        ("--artifact sha256:0a1b", &[c1]),
        ("--status failed", &[s2]),
        ("--intent roll_forward", &[s3]),
        // Nobody called the last one a rollback; it was one.
        ("--classification rollback", &[c3]),
        ("--label train=31", &[c2]),
        ("--since 2025-03-03 --until 2025-03-03T10:30Z", &[s2]),
        ("--query 'disk full'", &[s2]),
        ("--query '\"release train\"'", &[c2]),
        ("service:search", &[s3, s2, s1]),
        ("service:checkout env:staging", &[staging]),
        ("is:rollback", &[c3]),
        ("status:failed 'disk full'", &[s2]),
        ("--service search -- -status:failed -7.1*", &[s1]),
        ("since:2025-03-03 until:2025-03-03T10:30Z", &[s2]),
        ("label:train=31,32 '\"release train\"'", &[c2]),
        ("--service checkout --environment production --limit 2", &[c3, c2]),
    ];
    for (filter, expected) in cases {
        let said = shop.call(&format!("history --output json {filter}")).ends(0);
        assert_eq!(names(&said), *expected, "{filter}");
    }
}

#[test]
fn a_search_that_cannot_be_read_says_where_and_what_would_be_right() {
    let shop = Shop::open();
    let said = shop.call("history timeout srevice:x").ends(2);
    let place = "character 9: `srevice` is no key of a search; did you mean `service`?";
    assert!(said.out.is_empty() && said.err.contains(place), "{said:?}");
}

#[test]
fn two_deployments_are_compared_however_they_are_named() {
    let shop = shop();
    let rows = |words: &str| shop.call(&format!("diff {words} --output jsonl")).ends(0).lines();
    let named = rows("checkout/staging#1 checkout/production#1");
    assert_eq!(named[2], json!({"of": "version", "from": "1.4.2", "to": "1.4.1"}));
    assert_eq!(named[5], json!({"of": "by", "from": "ci", "to": "ann"}));
    assert_eq!(named[7], json!({"of": "apart", "from": null, "to": "1 h later"}));
    assert_eq!(named[8], json!({"of": "artifact image", "from": null, "to": "sha256:0a1b"}));
    let before = rows("checkout/production~1 checkout/production");
    assert_eq!(before[1], json!({"of": "number", "from": 2, "to": 3}));
    let json = shop.call("diff checkout/production#1 checkout/production#3 --output json").ends(0);
    assert_eq!(json.json()["between_ms"], 3 * 24 * 3_600_000);
    let other = shop.call("diff search/production#1 checkout/production#1").ends(2);
    assert!(other.err.contains("`search` and `checkout` are two services"), "{other:?}");
    let none = shop.call("diff checkout/production#9 checkout/production#1").ends(4);
    assert!(none.err.contains("there is no deployment `#9`"), "{none:?}");
}

#[test]
fn a_list_that_is_cut_says_so_and_an_empty_one_too() {
    let shop = shop();
    let cut = shop.call("history --limit 2").ends(0);
    assert_eq!(cut.err, "2 shown, there are more: see --limit and --all\n");
    let events = shop.call("events --limit 3").ends(0);
    assert_eq!(events.err, "there are more: go on with --after 3\n");
    let all = shop.call("history --all").ends(0);
    assert_eq!((all.err.as_str(), all.out.lines().count()), ("", 8));
    let none = shop.call("history --service nobody").ends(0);
    assert_eq!((none.out.as_str(), none.err.as_str()), ("", "nothing matches\n"));
    // A program gets a list all the same, and --quiet says nothing beside it.
    let none = shop.call("history --service nobody --output json --quiet").ends(0);
    assert_eq!((none.json(), none.err.as_str()), (json!([]), ""));
}

#[test]
fn the_history_is_a_table_json_lines_or_comma_separated_values() {
    let shop = shop();
    let seen = shop.transcript(
        "
        history
        history --output csv
        ",
    );
    insta::assert_snapshot!(seen);
    let tokyo = shop.call("history --tz Asia/Tokyo").ends(0).out;
    assert!(
        tokyo.starts_with("requested (Asia/Tokyo) ") && tokyo.contains("\n2025-03-04 18:00:00 (")
    );
    let lines = shop.call("history --output jsonl").ends(0).lines();
    assert_eq!(json!(lines), shop.call("history --output json").json());
    // A record ends as RFC 4180 wants it, and a heading comes even before nothing.
    let none = shop.call("history --service nobody --output csv").ends(0).out;
    assert!(
        none.starts_with("requested,service,") && none.ends_with(",reason,marks\r\n"),
        "{none:?}"
    );
}

#[test]
fn a_spreadsheet_takes_no_cell_for_a_formula() {
    let shop = Shop::open();
    shop.does("deploy checkout production 1.0 --reason '=HYPERLINK(\"http://evil.example\")'");
    let csv = shop.call("history --output csv").ends(0).out;
    assert!(csv.contains(",\"'=HYPERLINK(\"\"http://evil.example\"\")\",\r\n"), "{csv}");
}

#[test]
fn a_terminal_is_told_nothing_that_it_would_obey() {
    let shop = Shop::open();
    shop.does("deploy checkout production 1.0 --reason '\u{1b}]0;gotcha\u{7}'");
    let table = shop.call("history").ends(0).out;
    assert!(!table.contains(['\u{1b}', '\u{7}']) && table.contains("gotcha"), "{table:?}");
}

#[test]
fn one_deployment_is_whole_json_with_its_events() {
    let shop = shop();
    let whole = shop.call("show search/production#2 --output json").ends(0);
    insta::assert_snapshot!(stable(&whole.out));
}

#[test]
fn what_runs_is_json_and_comma_separated_values() {
    let shop = shop();
    let board = shop.call("status production --output json").ends(0);
    insta::assert_snapshot!(stable(&board.out));
    // All environments are a list of such boards.
    let boards = shop.call("status --output json").ends(0).json();
    let names: Vec<_> = boards.as_array().unwrap().iter().map(|one| &one["environment"]).collect();
    assert_eq!(names, ["production", "staging"]);
    let csv = shop.call("status --output csv").ends(0).out;
    let expected = "environment,service,version,since,by,number,marks\r\n\
        production,checkout,1.4.1,2025-03-04T09:00:00Z,ann,3,\r\n\
        production,search,7.1.1,2025-03-03T11:00:00Z,bob,3,\r\n\
        staging,checkout,1.4.2,2025-03-01T08:00:00Z,ci (service),1,\r\n";
    assert_eq!(csv, expected);
}

#[test]
fn rollbacks_and_differences_are_json_and_comma_separated_values() {
    let shop = shop();
    let seen = shop.transcript(
        "
        rollbacks
        rollbacks --output csv
        rollbacks --output json
        diff production 2025-03-02T12:00Z 2025-03-05 --output csv
        diff production 2025-03-02T12:00Z 2025-03-05 --output json
        diff production 2025-03-05 2025-02-01
        ",
    );
    insta::assert_snapshot!(seen);
}

#[test]
fn releases_and_environments_tell_what_is_blocked_and_what_is_frozen() {
    let shop = shop();
    let seen = shop.transcript(
        "
        releases block search 7.1.0 --reason 'fills the disk'
        releases search
        releases search 7.1.0
        releases search 7.1.1
        releases search 7.1.0 --output csv
        releases unblock search 7.1.0 --reason 'it was a log file'
        environments freeze production --reason 'peak season' --until 2199-12-01
        environments
        status production
        environments unfreeze production
        environments production
        environments --output csv
        ",
    );
    insta::assert_snapshot!(seen);
}

#[test]
fn the_log_is_listed_in_its_order_and_goes_on_after_a_position() {
    let shop = shop();
    let seen = shop.transcript(
        "
        events --limit 6
        events --after 12 --output csv
        events --after 999
        ",
    );
    insta::assert_snapshot!(seen);
    let positions = |said: Said| -> Vec<u64> {
        said.lines().iter().map(|event| event["position"].as_u64().unwrap()).collect()
    };
    let all = positions(shop.call("events --all --output jsonl").ends(0));
    assert!(all.is_sorted() && all.len() == 16, "{all:?}");
    assert_eq!(positions(shop.call("events --after 4 --all --output jsonl")), all[4..]);
    // The same log, live: what was recorded before is told before what comes.
    assert_eq!(positions(shop.call("events --follow --after 4 --limit 12 -o jsonl")), all[4..]);
}
