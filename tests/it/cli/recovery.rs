//! The way back, as the command line tells of it: what was taken back, what speaks against what, and
//! which release a rollback goes to by itself.

use serde_json::json;

use super::call::{Said, Shop};

/// Three releases that worked, and 3 taken back by #4 because it is bad, and blamed.
fn undone() -> Shop {
    let shop = Shop::open();
    shop.does(
        "
        deploy undo production 1 --status succeeded --at 2025-03-02T10:01Z
        deploy undo production 2 --status succeeded --at 2025-03-02T10:02Z
        deploy undo production 3 --status succeeded --at 2025-03-02T10:03Z
        rollback undo production --reason '3 is bad'
        succeed undo production
        ",
    );
    shop.records(
        "deployments/undo/production/3/corrections",
        &json!({"kind": "blamed", "reason": "loses orders"}),
    );
    shop
}

/// The line of a table that begins so.
#[track_caller]
fn line<'s>(said: &'s Said, beginning: &str) -> &'s str {
    let line = said.out.lines().find(|line| line.starts_with(beginning));
    line.unwrap_or_else(|| panic!("no line begins with `{beginning}`: {}", said.out))
}

#[test]
fn what_was_taken_back_says_so_wherever_it_is_shown() {
    let shop = undone();
    let shown = shop.call("show undo/production#3").ends(0);
    let taken_back = line(&shown, "taken back");
    assert!(taken_back.contains("by #4, by ann, at 20"), "{taken_back}");
    assert!(taken_back.ends_with("): 3 is bad"), "{taken_back}");
    assert!(line(&shown, "blamed ").ends_with("): loses orders"), "{}", shown.out);
    let history = shop.call("history is:taken-back --output jsonl").ends(0).lines();
    let numbers: Vec<_> = history.iter().map(|one| &one["number"]).collect();
    assert_eq!(numbers, [&json!(3)]);
    let csv = shop.call("history service:undo --output csv").ends(0).out;
    let marks: Vec<_> = csv.lines().map(|line| line.rsplit_once(',').unwrap().1).collect();
    assert!(csv.starts_with("requested,service,") && marks[0] == "marks", "{csv}");
    assert!(csv.lines().nth(2).unwrap().ends_with(",\"taken back by #4, blamed\""), "{csv}");
    assert_eq!((marks[1], marks[3], marks[4]), ("", "", ""));
}

#[test]
fn a_rollback_that_nobody_called_one_is_marked_in_the_history() {
    let shop = Shop::open();
    shop.does(
        "
        deploy web production 1 --status succeeded --at 2025-03-02T10:01Z
        deploy web production 2 --status succeeded --at 2025-03-02T10:02Z
        deploy web production 1 --status succeeded --at 2025-03-02T10:03Z
        ",
    );
    let csv = shop.call("history --output csv").ends(0).out;
    let rows: Vec<_> = csv.lines().collect();
    assert!(rows[1].ends_with(",inferred rollback"), "{csv}");
    assert!(rows[2].ends_with(",taken back by #3"), "{csv}");
    let shown = shop.call("show web/production#2").ends(0);
    assert!(line(&shown, "taken back").contains("by #3 (inferred), by ann, at 2025-03-02 10:03"));
}

#[test]
fn recovery_marks_the_default_and_says_first_what_was_taken_back() {
    let shop = undone();
    let said = shop.call("recover undo production").ends(0);
    let bad = line(&said, "3 (#3) ");
    let [taken_back, blamed] =
        ["taken back by #4, by ann, at ", "blamed, at "].map(|words| bad.find(words));
    assert!(taken_back.is_some() && taken_back < blamed, "{bad}");
    assert!(bad.contains("): 3 is bad; ") && bad.contains("): loses orders"), "{bad}");
    // As a way forward it is no better.
    let (_, forward) = said.out.split_once("\nroll forward").unwrap();
    assert!(forward.lines().nth(2).unwrap().contains("  taken back by #4, by ann"), "{forward}");
    let good = line(&said, "1 (#1), the default ");
    assert!(good.ends_with("  shiplog rollback undo/production --to '#1' --reason WHY"), "{good}");
    let rolled = shop.call("rollback undo production --reason '2 is bad too'").ends(0);
    assert_eq!(
        rolled.err,
        "undo/production: 2 (#4) → 1 (#1), takes back #4 #3 #2\nundo 1 in production: requested\n"
    );
}

#[test]
fn where_something_speaks_against_every_release_the_refusal_lists_what() {
    let shop = undone();
    shop.does(
        "
        rollback undo production --reason '2 is bad too'
        succeed undo production
        ",
    );
    let refused = shop.call("rollback undo production --reason '1 as well'");
    let refused = refused.tells(
        4,
        &["something speaks against every earlier release; name the one to go back to\n"],
    );
    let notes: Vec<_> = refused.err.lines().skip(1).collect();
    assert!(notes[0].starts_with("  2 (#4): taken back by #5, by ann, at "), "{notes:?}");
    assert!(notes[0].ends_with("): 2 is bad too"), "{notes:?}");
    assert!(notes[1].starts_with("  3 (#3): taken back by #4, by ann, at "), "{notes:?}");
    assert!(notes[1].ends_with("): loses orders"), "{notes:?}");
    assert_eq!(notes[2], "as in: shiplog rollback undo/production --to '#4' --reason WHY");
    let recover = shop.call("recover undo production").ends(0).out;
    let told = "something speaks against each of them, so none is the default: name one with --to";
    assert!(recover.contains(told) && !recover.contains("the default "), "{recover}");
    // Whoever names one is told what speaks against it, and gets it.
    let named = shop.call("rollback undo production --to '#3' --reason 'loses fewer'").ends(0);
    let warning = named.err.lines().next().unwrap();
    assert!(warning.starts_with("speaks against 3 (#3): taken back by #4, by ann"), "{warning}");
    assert!(named.err.contains("speaks against 3 (#3): blamed, at "), "{}", named.err);
    assert!(named.err.contains("1 (#5) → 3 (#3), takes back #5 #4\n"), "{}", named.err);
}

#[test]
fn a_release_that_was_not_well_says_so_and_degraded_does_not_keep_it_from_being_the_default() {
    let shop = Shop::open();
    shop.does(
        "
        deploy web production 1 --status succeeded --at 2025-03-02T10:01Z
        deploy web production 2 --status succeeded --at 2025-03-02T10:02Z
        deploy web production 3 --status succeeded --at 2025-03-02T10:03Z
        releases block web 1 --reason 'no longer supported'
        ",
    );
    let health = |health: &str| json!({"health": health, "source": "probes", "detail": "slow"});
    shop.records("deployments/web/production/2/health", &health("degraded"));
    let said = shop.call("recover web production").ends(0);
    assert!(line(&said, "2 (#2), the default").contains("  degraded, by probes, at "));
    assert!(line(&said, "1 (#1) ").contains("  blocked: no longer supported  "), "{}", said.out);
    let warned = shop.call("rollback web production --reason x").ends(0).err;
    assert!(warned.starts_with("speaks against 2 (#2): degraded, by probes, at "), "{warned}");
    shop.does("cancel web production");
    shop.records("deployments/web/production/2/health", &health("unhealthy"));
    let said = shop.call("recover web production").ends(0);
    assert!(line(&said, "2 (#2) ").contains("  unhealthy, by probes, at "), "{}", said.out);
    let shown = shop.call("show web/production#2").ends(0);
    assert!(line(&shown, "health").contains("unhealthy, by probes, at "), "{}", shown.out);
}

#[test]
fn whatever_left_the_lane_in_doubt_leads_to_its_ways_out() {
    let shop = Shop::open();
    shop.does(
        "
        deploy can production 1 --status succeeded --at 2025-03-02T10:01Z
        deploy can production 2 --status started --at 2025-03-02T10:02Z
        ",
    );
    let target = json!({"target": "eu", "status": "succeeded"});
    shop.records("deployments/can/production/2/targets", &target);
    let cancelled = shop.call("cancel can production --reason 'pipeline cancelled'").ends(0);
    assert!(cancelled.err.ends_with("ways out: shiplog recover can/production#2\n"));
    let shown = shop.call("show can/production#2").ends(0).out;
    assert!(shown.ends_with("\nthe ways out: shiplog recover can/production#2\n"), "{shown}");
    let recover = shop.call("recover can production").ends(0);
    assert!(line(&recover, "deployment").ends_with("  can/production#2"), "{}", recover.out);
    let status = shop.call("status production").ends(0).out;
    assert!(status.contains("uncertain: #2 was cancelled half-way"), "{status}");
    let back = shop.call("rollback can production --reason 'half the fleet has 2'").ends(0).err;
    assert!(back.starts_with("can/production: 2 (#2) → 1 (#1), takes back #2\n"), "{back}");
}

#[test]
fn a_command_that_recovery_prints_can_be_taken_whatever_the_names_are() {
    let shop = Shop::open();
    for version in ["1", "2"] {
        let mut deploy = shop.command("deploy --status succeeded --at");
        let day = format!("2025-03-0{version}");
        Said::by(deploy.args([&day, "it is", "review/x#1", version])).ends(0);
    }
    let mut recover = shop.command("recover");
    let said = Said::by(recover.arg("it%20is/review%2Fx%231")).ends(0).out;
    for (verb, number) in [("retry", 3), ("rollback", 4)] {
        let (_, words) = said.split_once(&format!("shiplog {verb} ")).unwrap();
        let words = words.lines().next().unwrap().replace("WHY", "'it has to work'");
        let made = shop.call(&format!("{verb} {words}")).ends(0).out;
        assert_eq!(made, format!("it%20is/review%2Fx%231#{number}\n"));
    }
}
