//! `shiplog agent`: what is requested is carried out, once.

use std::collections::BTreeSet;

use super::yard::{Going, Yard, came};

/// Writes down what it deploys.
const DEPLOY: &str = r#"echo "$SHIPLOG_DEPLOYMENT $SHIPLOG_VERSION $SHIPLOG_INTENT" >> deployed
    echo "succeeded web-1" >> "$SHIPLOG_TARGETS"; echo "deployed $SHIPLOG_VERSION"
    [ "$SHIPLOG_VERSION" != bad ]"#;

#[test]
fn what_is_requested_is_carried_out_and_a_rollback_really_rolls_back() {
    let yard = Yard::open();
    yard.script("deploy.sh", DEPLOY);
    yard.does("deploy checkout production 1.0");
    yard.does("deploy checkout staging 1.1");
    let mut agent = Going::start(&mut yard.agent(&["--executor", "one", "--", "./deploy.sh"]));
    agent.says("checkout/production#1: succeeded");
    yard.does("deploy checkout production 1.1");
    agent.says("checkout/production#2: succeeded");
    yard.does("rollback checkout production --reason slow");
    agent.says("checkout/production#3: succeeded");
    agent.writes("deployed 1.0");
    agent.signal("TERM");
    assert_eq!(agent.end().0.code(), Some(0));
    assert_eq!(
        yard.read("deployed"),
        "checkout/production#1 1.0 deploy\ncheckout/production#2 1.1 deploy\n\
         checkout/production#3 1.0 rollback\n"
    );
    let lane = yard.get("/v1/lanes/checkout/production");
    assert_eq!(lane["current"]["release"]["version"], "1.0");
    let told = yard.deployment("checkout/production/3");
    assert_eq!(
        (&told["executor"], &told["targets"][0]["target"]),
        (&"one".into(), &"web-1".into())
    );
    assert_eq!(yard.deployment("checkout/staging/1")["status"], "requested");
    assert!(yard.journals().is_empty());
}

#[test]
fn with_once_it_ends_when_nothing_waits_and_only_named_services_are_touched() {
    let yard = Yard::open();
    yard.script("deploy.sh", DEPLOY);
    for line in ["checkout production 1.0", "search production bad", "other production 1.0"] {
        yard.does(&format!("deploy {line}"));
    }
    let words = ["--service", "checkout", "--service", "search", "--once", "--", "./deploy.sh"];
    came(&mut yard.agent(&words)).ends(0).says("search/production#1: failed");
    assert_eq!(
        yard.read("deployed"),
        "checkout/production#1 1.0 deploy\nsearch/production#1 bad deploy\n"
    );
    let error = yard.deployment("search/production/1")["error"].clone();
    assert!(error.as_str().unwrap().ends_with("\ndeployed bad"), "{error}");
    assert_eq!(yard.deployment("other/production/1")["status"], "requested");
}

#[test]
fn of_two_agents_one_runs_each_deployment() {
    let yard = Yard::open();
    yard.script("deploy.sh", DEPLOY);
    let start = |name| Going::start(&mut yard.agent(&["--executor", name, "--", "./deploy.sh"]));
    let (mut one, mut two) = (start("one"), start("two"));
    for service in 0..8 {
        yard.does(&format!("deploy service-{service} production 1.0"));
        yard.does(&format!("deploy service-{service} production 1.1"));
    }
    // The other ones are theirs too, and have ended when nothing is taken any more.
    yard.does("deploy last-of-one production 1.0");
    let words = ["--executor", "three", "--once", "--", "./deploy.sh"];
    for agent in [&mut one, &mut two] {
        agent.signal("TERM");
    }
    assert_eq!((one.end().0.code(), two.end().0.code()), (Some(0), Some(0)));
    came(&mut yard.agent(&words)).ends(0);
    let deployed = yard.read("deployed");
    let different: BTreeSet<_> = deployed.lines().collect();
    assert_eq!((deployed.lines().count(), different.len()), (17, 17), "{deployed}");
    for service in 0..8 {
        for number in [1, 2] {
            let name = format!("service-{service}/production/{number}");
            let started = yard.events(&name);
            assert_eq!(started.iter().filter(|event| *event == "DeploymentStarted").count(), 1);
        }
    }
}

#[test]
fn a_lane_in_which_something_has_begun_is_waited_for() {
    let yard = Yard::open();
    yard.script("deploy.sh", DEPLOY);
    yard.does("deploy checkout production 1.0 --status started");
    yard.does("deploy checkout production 1.1");
    let once = || came(&mut yard.agent(&["--once", "--", "./deploy.sh"])).ends(0);
    once().says("checkout waits: checkout/production#1 has begun");
    assert_eq!(yard.read("deployed"), "");
    yard.does("succeed checkout/production#1");
    once();
    assert_eq!(yard.read("deployed"), "checkout/production#2 1.1 deploy\n");
}

#[test]
fn a_first_signal_lets_the_command_end_and_takes_nothing_new() {
    let yard = Yard::open();
    yard.pipe("gate");
    yard.script("deploy.sh", "echo ready; read line < gate");
    yard.does("deploy checkout production 1.0");
    yard.does("deploy search production 1.0");
    let mut agent = Going::start(&mut yard.agent(&["--", "./deploy.sh"]));
    agent.writes("ready");
    agent.signal("TERM");
    yard.release("gate");
    assert_eq!(agent.end().0.code(), Some(0));
    assert_eq!(yard.deployment("checkout/production/1")["status"], "succeeded");
    assert_eq!(yard.deployment("search/production/1")["status"], "requested");
}

#[test]
fn a_second_signal_reaches_the_command() {
    let yard = Yard::open();
    yard.pipe("gate");
    yard.script(
        "deploy.sh",
        "trap 'exit 3' INT; trap 'exit 4' TERM; echo ready; while :; do read line < gate; done",
    );
    yard.does("deploy checkout production 1.0");
    let mut agent = Going::start(&mut yard.agent(&["--", "./deploy.sh"]));
    agent.writes("ready");
    agent.signal("TERM");
    agent.says("taking nothing new");
    agent.signal("INT");
    assert_eq!(agent.end().0.code(), Some(0));
    let error = yard.deployment("checkout/production/1")["error"].clone();
    assert!(error.as_str().unwrap().starts_with("exit code 3 after "), "{error}");
}

#[test]
fn two_agents_never_share_what_they_keep() {
    let yard = Yard::open();
    yard.script("deploy.sh", DEPLOY);
    yard.does("deploy checkout production 1.0");
    let mut first = Going::start(&mut yard.agent(&["--", "./deploy.sh"]));
    first.says("checkout/production#1: succeeded");
    let second = came(&mut yard.agent(&["--once", "--", "./deploy.sh"])).ends(6);
    second.says("another agent works from ").says("--state");
}
