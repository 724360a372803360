//! Guard rails: what they keep from being run, and what they cannot keep from being told.

use super::yard::{Going, Yard, came};

const DEPLOY: &str = "echo \"$SHIPLOG_DEPLOYMENT\" >> deployed";

fn yard() -> Yard {
    let yard = Yard::open();
    yard.script("deploy.sh", DEPLOY);
    yard
}

#[test]
fn into_a_frozen_environment_nothing_is_run_unless_the_freeze_is_overridden() {
    let yard = yard();
    yard.does("environments freeze production --reason peak");
    let refused = came(&mut yard.run("1.0", &["--", "./deploy.sh"])).ends(4);
    let refused = refused.says("nothing was run").says("--override freeze --override-reason 'why'");
    assert_eq!((refused.out.as_str(), yard.count()), ("", 0));
    assert!(yard.journals().is_empty());

    let words =
        ["--override", "freeze", "--override-reason", "orders are lost", "--", "./deploy.sh"];
    came(&mut yard.run("1.0", &words)).ends(0);
    assert_eq!(yard.read("deployed"), "checkout/production#1\n");
    assert_eq!(yard.deployment("checkout/production/1")["status"], "succeeded");
}

#[test]
fn what_nobody_has_approved_is_called_off_and_not_run() {
    let yard = yard();
    yard.does("environments declare production --tier production --approvals 1");
    let refused = came(&mut yard.run("1.0", &["--", "./deploy.sh"])).ends(4);
    refused.says("nothing was run").says("--override approvals");
    assert_eq!(yard.read("deployed"), "");
    let told = yard.deployment("checkout/production/1");
    assert_eq!(told["status"], "cancelled", "{told}");
    assert!(yard.journals().is_empty());
}

#[test]
fn what_ran_while_the_server_was_away_is_told_although_the_rules_would_have_refused_it() {
    let mut yard = yard();
    yard.away();
    came(&mut yard.run("1.0", &["--", "./deploy.sh"])).ends(0);
    yard.back();
    yard.does("environments freeze production --reason peak");
    for _ in 0..2 {
        came(&mut yard.command(&["flush"])).ends(0);
    }
    assert_eq!(yard.count(), 1);
    let told = yard.deployment("checkout/production/1");
    assert_eq!(
        (&told["status"], &told["release"]["version"]),
        (&"succeeded".into(), &"1.0".into())
    );
    assert_eq!(told["contradicted"], false, "{told}");
}

#[test]
fn an_agent_waits_for_approval_and_for_the_end_of_a_freeze() {
    let yard = yard();
    yard.does("environments declare production --tier production --approvals 1");
    yard.does("deploy checkout production 1.0");
    yard.does("deploy search production 1.0");
    let once = || came(&mut yard.agent(&["--once", "--", "./deploy.sh"])).ends(0);
    once();
    assert_eq!(yard.read("deployed"), "");

    yard.does("approve search/production#1 --actor bob");
    yard.does("environments freeze production --reason peak");
    once().says("not taken: ");
    assert_eq!(yard.read("deployed"), "");

    let mut agent = Going::start(&mut yard.agent(&["--", "./deploy.sh"]));
    agent.says("not taken: ");
    yard.does("environments unfreeze production");
    agent.says("search/production#1: succeeded");
    yard.does("approve checkout/production#1 --actor bob");
    agent.says("checkout/production#1: succeeded");
    agent.signal("TERM");
    assert_eq!(agent.end().0.code(), Some(0));
    assert_eq!(yard.read("deployed"), "search/production#1\ncheckout/production#1\n");
}

#[test]
fn into_an_environment_whose_name_looks_like_a_known_one_nothing_is_run_unless_it_is_meant() {
    let yard = yard();
    yard.does("deploy checkout live 0.9 --status succeeded");
    yard.does("environments freeze live --reason peak");
    let run = |more: &[&str]| {
        let words = ["run", "--service", "checkout", "--environment", "Live", "--version", "1.0"];
        came(&mut yard.command(&[&words, more, &["--", "./deploy.sh"]].concat()))
    };
    let refused = run(&[]).ends(4).says("nothing was run").says("which is known");
    refused.says("to say that a new one is meant: --new-name");
    assert_eq!(yard.read("deployed"), "");
    assert!(yard.journals().is_empty());
    run(&["--new-name"]).ends(0);
    assert_eq!(yard.read("deployed"), "checkout/Live#1\n");
    // A report is recorded, and says so.
    let told =
        came(&mut yard.command(&["deploy", "Checkout", "live", "1.0", "--status", "failed"]));
    told.ends(0).says("warning: service `Checkout` is new");
}
