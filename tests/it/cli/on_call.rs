//! A night on call: what is deployed, what fails, how it is mended, and what is seen of all that.

use super::call::Shop;

/// Two releases that worked, and one that is on its way.
const BEFORE: &str = "
    environments declare production --tier production
    deploy checkout production 1.4.1 --status succeeded --at 2025-03-01T09:00Z --commit 3f2c9ab
    deploy checkout production 1.4.2 --status started --at 2025-03-02T09:00Z --actor service:ci --change fix=rounding
    succeed checkout production --at 2025-03-02T09:04Z --actor service:ci
    deploy search production 7.0.0 --status succeeded --at 2025-03-02T10:00Z --actor bob
";

#[test]
fn a_deployment_that_fails_shows_all_that_is_known_and_the_ways_out() {
    let shop = Shop::open();
    shop.does(BEFORE);
    let seen = shop.transcript(
        "
        deploy checkout production 1.5.0 --status started --at 2025-03-03T02:00Z --commit b19d3e0 --reason 'gift cards before the sale' --artifact image=sha256:0a1b --change feature=gift-cards --irreversible-change 'migration=drop table carts' --note 'Gift cards.' --url https://ci.example/runs/77 --external-id run-77 --label train=31
        status production
        fail checkout production --at 2025-03-03T02:11Z --error 'no healthy instance after 300 s' --failed-step smoke-test --log-url https://ci.example/runs/77/log
        status production
        show checkout/production#3
        recover checkout production
        ",
    );
    insta::assert_snapshot!(seen);
}

#[test]
fn a_retry_and_a_cancellation_are_seen_where_they_happen() {
    let shop = Shop::open();
    shop.does(BEFORE);
    shop.does(
        "deploy checkout production 1.5.0 --status failed --at 2025-03-03T02:11Z --error 'registry is down'",
    );
    let seen = shop.transcript(
        "
        retry checkout/production#3 --reason 'the registry is back'
        cancel checkout production --reason 'it is not'
        show checkout/production#4
        history --service checkout
        ",
    );
    insta::assert_snapshot!(seen);
}

#[test]
fn a_rollback_puts_the_release_before_back_and_is_told_everywhere() {
    let shop = Shop::open();
    shop.does(BEFORE);
    shop.does("deploy checkout production 1.5.0 --status succeeded --at 2025-03-03T02:00Z");
    let seen = shop.transcript(
        "
        rollback checkout production --reason '1.5.0 loses orders'
        status production
        succeed checkout production
        status production
        show checkout/production
        show checkout/production~1
        rollbacks
        history --service checkout
        diff production 2025-03-03T12:00Z
        ",
    );
    insta::assert_snapshot!(seen);
}

#[test]
fn a_rollback_goes_to_the_number_or_the_version_that_it_is_given() {
    let shop = Shop::open();
    shop.does(BEFORE);
    shop.does("deploy checkout production 1.5.0 --status succeeded --at 2025-03-03T02:00Z");
    let seen = shop.transcript(
        "
        rollback checkout/production --to 1 --reason 'as before the migration'
        succeed checkout production
        rollback checkout production --to 1.4.2 --reason 'the last good one'
        succeed checkout production
        rollback checkout production --to-version 1.5.0 --reason 'it was the network'
        succeed checkout production
        rollbacks --service checkout
        ",
    );
    insta::assert_snapshot!(seen);
}

#[test]
fn a_rollback_is_refused_where_there_is_nothing_to_go_back_to() {
    let shop = Shop::open();
    shop.does(BEFORE);
    let seen = shop.transcript(
        "
        rollback search production --reason 'slow'
        rollback checkout production --to 2 --reason 'what runs already'
        rollback checkout production --to 9 --reason 'no such deployment'
        rollback checkout production --to 1.9.9 --reason 'no such version'
        rollback shipping production --reason 'no such lane'
        ",
    );
    insta::assert_snapshot!(seen);
    // What was refused left nothing behind.
    let rollbacks = shop.call("rollbacks").ends(0);
    assert_eq!((rollbacks.out.as_str(), rollbacks.err.as_str()), ("", "nothing matches\n"));
}

#[test]
fn each_way_out_can_be_taken_as_it_is_written() {
    for (way, version) in [("rollback", "1.4.2"), ("deploy", "1.5.1"), ("retry", "1.5.0")] {
        let shop = Shop::open();
        shop.does(BEFORE);
        shop.does("deploy checkout production 1.5.0 --status failed --at 2025-03-03T02:11Z");
        let shown = shop.call("recover checkout production").ends(0).out;
        let (_, words) = shown.split_once(&format!("shiplog {way} ")).unwrap();
        let words = format!("{way} {}", words.lines().next().unwrap());
        let words = words.replace("WHY", "'it has to work'").replace("VERSION", "1.5.1");
        assert_eq!(shop.call(&words).ends(0).out, "checkout/production#4\n", "{words}");
        shop.does("succeed checkout/production#4");
        let board = shop.call("status production --service checkout --output json").json();
        let now = &board["lanes"][0];
        assert_eq!(now["current"]["release"]["version"], version, "{way}: {now}");
        assert_eq!(now["uncertain"], serde_json::Value::Null, "{way}: {now}");
        // Once it is mended, the old failure offers nothing any more.
        let shown = shop.call("show checkout/production#3").ends(0).out;
        assert!(!shown.contains("ways out"), "{shown}");
    }
}

#[test]
fn what_ran_is_told_as_of_any_instant() {
    let shop = Shop::open();
    shop.does(BEFORE);
    let seen = shop.transcript(
        "
        status production --at 2025-03-02T09:02Z
        status production --at 2025-03-01
        status production --at 2025-03-02T12:00Z --known-at 2025-03-02T12:00Z
        show checkout/production@2025-03-01T12:00Z
        diff production 2025-03-01T12:00Z 2025-03-03
        ",
    );
    insta::assert_snapshot!(seen);
}
