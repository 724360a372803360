//! The hour in which a deployment fails, from the first release to the audit, with real processes.

use serde_json::{Value, json};

use super::yard::{Came, Going, Yard, came};

/// Five targets. 1.2 fails on two of them; a rollback waits at the gate, if there is one.
const DEPLOY: &str = r#"
if [ "$SHIPLOG_INTENT" = rollback ] && [ -p gate ]; then echo ready; read line < gate; fi
echo "$SHIPLOG_DEPLOYMENT $SHIPLOG_VERSION" >> deployed
for target in 1 2 3; do echo "succeeded web-$target" >> "$SHIPLOG_TARGETS"; done
for target in 4 5; do
    if [ "$SHIPLOG_VERSION" = 1.2 ]; then echo "failed web-$target disk full" >> "$SHIPLOG_TARGETS"
    else echo "succeeded web-$target" >> "$SHIPLOG_TARGETS"; fi
done
if [ "$SHIPLOG_INTENT" = rollback ] && [ -p gate ]; then echo over > over; fi
[ "$SHIPLOG_VERSION" != 1.2 ]"#;

/// Keeps what it is told.
const FAILED: &str = r#"line=$(cat); printf '%s\n' "$line" >> failures"#;

/// Where the lane's rollbacks wait for whoever tests.
fn gate(yard: &Yard) {
    yard.pipe("gate");
    yard.pipe("over");
}

fn by(yard: &Yard, actor: &str, words: &[&str]) -> Came {
    came(yard.command(words).env("SHIPLOG_ACTOR", actor))
}

fn approve(yard: &Yard, actor: &str, number: u32) -> Came {
    by(yard, actor, &["approve", &format!("checkout/production#{number}")])
}

fn start(yard: &Yard) -> Going {
    let words = ["--executor", "one", "--on-failure", "./deploy-failed.sh", "--", "./deploy.sh"];
    Going::start(&mut yard.agent(&words))
}

/// Asks for a release as ann, has ben agree, and waits for its end.
fn deploy(
    yard: &Yard,
    agent: &mut Going,
    (number, version, end): (u32, &str, &str),
    more: &[&str],
) {
    let words = [&["deploy", "checkout", "production", version], more].concat();
    by(yard, "ann", &words).ends(0);
    approve(yard, "ben", number).ends(0);
    agent.says(&format!("checkout/production#{number}: {end}"));
}

/// 1.0 and 1.1, which migrates, run one after the other; 1.2 fails on two of five targets.
fn until_it_fails() -> (Yard, Going) {
    let yard = Yard::open();
    yard.script("deploy.sh", DEPLOY);
    yard.script("deploy-failed.sh", FAILED);
    yard.does(
        "environments declare production --tier production --approvals 1 --one-at-a-time true",
    );
    let mut agent = start(&yard);
    deploy(&yard, &mut agent, (1, "1.0", "succeeded"), &[]);
    let migrates = ["--irreversible-change", "migration=0042 renames a column"];
    deploy(&yard, &mut agent, (2, "1.1", "succeeded"), &migrates);
    deploy(&yard, &mut agent, (3, "1.2", "failed"), &[]);
    (yard, agent)
}

/// Asks for 1.0 again as ann; tells what was said.
fn roll_back(yard: &Yard, more: &[&str]) -> Came {
    let words = ["rollback", "checkout", "production", "--to", "1", "--reason", "orders are lost"];
    by(yard, "ann", &[&words, more].concat())
}

/// 1.3 mends it, and the audit tells all that happened.
fn until_it_is_mended(yard: &Yard, mut agent: Going) -> Value {
    deploy(yard, &mut agent, (5, "1.3", "succeeded"), &["--intent", "roll-forward"]);
    agent.signal("TERM");
    assert_eq!(agent.end().0.code(), Some(0));
    let lane = yard.get("/v1/lanes/checkout/production");
    assert_eq!(lane["current"]["release"]["version"], "1.3");
    assert_eq!(lane["uncertain"], Value::Null);
    let audit = yard.get("/v1/rollbacks")["items"].take();
    let [rollback] = audit.as_array().unwrap().as_slice() else { panic!("{audit}") };
    assert_eq!(rollback["status"], "succeeded");
    assert_eq!(rollback["from"], json!({"number": 3, "version": "1.2"}));
    assert_eq!(rollback["to"], json!({"number": 1, "version": "1.0"}));
    let reverts = json!([{"number": 3, "version": "1.2"}, {"number": 2, "version": "1.1"}]);
    assert_eq!(rollback["reverts"], reverts);
    assert_eq!(
        (&rollback["actor"]["id"], &rollback["approvals"][0]["by"]),
        (&"ann".into(), &"ben".into())
    );
    assert_eq!(rollback["irreversible"][0]["description"], "0042 renames a column");
    assert_eq!((&rollback["shown"], &rollback["fate"]), (&true.into(), &"fixed".into()));
    let deployed = yard.read("deployed");
    let versions: Vec<_> = deployed.lines().map(|line| line.split_once(' ').unwrap().1).collect();
    assert_eq!(versions, ["1.0", "1.1", "1.2", "1.0", "1.3"], "each once");
    rollback.clone()
}

#[test]
fn a_failed_deployment_is_understood_rolled_back_audited_and_mended() {
    let (yard, mut agent) = until_it_fails();
    let failures = yard.read("failures");
    let told: Vec<Value> =
        failures.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let scopes: Vec<_> = told.iter().map(|one| one["scope"].as_str().unwrap()).collect();
    assert_eq!(scopes, ["target", "target", "deployment"]);
    assert_eq!(told[0]["target"]["error"], "disk full");
    let back = &told[2]["recovery"]["rollback"]["candidates"];
    assert_eq!(back[1]["irreversible"][0]["description"], "0042 renames a column");

    let recover = by(&yard, "ann", &["recover", "checkout", "production"]).ends(0).out;
    for fact in [
        "2 of 5 failed: web-4 (disk full), web-5 (disk full)",
        "changed against what ran before, 1.1 (#2)",
        "1.1 0042 renames a column (cannot be undone)",
        "shiplog rollback checkout/production --to '#1' --reason WHY",
    ] {
        assert!(recover.contains(fact), "`{fact}` is missing:\n{recover}");
    }

    roll_back(&yard, &[]).ends(0).says("cannot be undone: 1.1 0042 renames a column; 1.0 (#1)");
    approve(&yard, "ann", 4).ends(4).says("somebody else has to agree to it");
    approve(&yard, "ben", 4).ends(0);
    agent.says("checkout/production#4: succeeded");
    assert_eq!(until_it_is_mended(&yard, agent)["override"], Value::Null);
}

#[test]
fn an_agent_that_is_killed_half_way_through_a_rollback_leaves_the_word_to_a_person() {
    let (yard, mut agent) = until_it_fails();
    gate(&yard);
    roll_back(&yard, &[]).ends(0);
    approve(&yard, "ben", 4).ends(0);
    agent.writes("ready");
    agent.kill();
    yard.release("gate");
    assert_eq!(yard.read("over"), "over\n");
    let mut agent = start(&yard);
    agent.says("checkout/production#4: the agent was stopped while its command ran");
    assert_eq!(yard.deployment("checkout/production/4")["status"], "started");
    by(&yard, "ben", &["succeed", "checkout/production#4"]).ends(0);
    until_it_is_mended(&yard, agent);
}

#[test]
fn a_server_that_is_killed_half_way_through_a_rollback_hears_of_its_end() {
    let (mut yard, mut agent) = until_it_fails();
    gate(&yard);
    roll_back(&yard, &[]).ends(0);
    approve(&yard, "ben", 4).ends(0);
    agent.writes("ready");
    yard.away();
    yard.release("gate");
    assert_eq!(yard.read("over"), "over\n");
    agent.says("cannot reach the server");
    yard.back();
    agent.says("checkout/production#4: succeeded");
    until_it_is_mended(&yard, agent);
}

#[test]
fn of_two_people_who_roll_back_at_once_one_is_told_what_happened() {
    let (yard, mut agent) = until_it_fails();
    let both = [(); 2].map(|()| {
        let words =
            ["rollback", "checkout", "production", "--to", "1", "--reason", "orders are lost"];
        Going::start(yard.command(&words).env("SHIPLOG_ACTOR", "ann"))
    });
    let mut ends: Vec<_> = both.into_iter().map(Going::end).collect();
    ends.sort_by_key(|(status, _)| status.code());
    assert_eq!(ends[0].0.code(), Some(0), "{ends:?}");
    // Whoever looked before the other one wrote is told of it, whoever looked after it is refused.
    let (code, said) = (ends[1].0.code(), &ends[1].1);
    assert!(
        code == Some(5) && said.contains("changed since you looked")
            || code == Some(4) && said.contains("takes one at a time"),
        "{ends:?}"
    );
    approve(&yard, "ben", 4).ends(0);
    agent.says("checkout/production#4: succeeded");
    until_it_is_mended(&yard, agent);
}

#[test]
fn a_freeze_is_overridden_by_name_and_with_a_reason_for_the_record() {
    let (yard, mut agent) = until_it_fails();
    by(&yard, "ben", &["environments", "freeze", "production", "--reason", "peak hour"]).ends(0);
    roll_back(&yard, &[]).ends(4).says("the environment is frozen: peak hour");
    let words = ["--override", "freeze", "--override-reason", "it is the fix"];
    roll_back(&yard, &words).ends(0);
    approve(&yard, "ben", 4).ends(0);
    agent.says("checkout/production#4: succeeded");
    by(&yard, "ben", &["environments", "unfreeze", "production"]).ends(0);
    let crossed = json!({"rails": ["freeze"], "reason": "it is the fix"});
    assert_eq!(until_it_is_mended(&yard, agent)["override"], crossed);
}
