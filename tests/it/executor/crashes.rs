//! Whoever runs a command is killed while it runs, or the server is.

use std::fs;

use super::yard::{Going, Yard, came};

/// Says that it runs, and goes on when it may.
const SLOW: &str = r#"echo "$SHIPLOG_DEPLOYMENT" >> begun; echo ready
    [ "$SHIPLOG_VERSION" = quick ] || read line < gate
    echo "failed web-9 too late" >> "$SHIPLOG_TARGETS"; echo "$SHIPLOG_DEPLOYMENT" >> ended
    echo over > over"#;

/// A yard with that script, and a second pipe that says when it is over.
fn slow_yard() -> Yard {
    let yard = Yard::open();
    yard.pipe("gate");
    yard.pipe("over");
    yard.script("deploy.sh", SLOW);
    yard
}

#[test]
fn after_a_run_was_killed_nobody_guesses_how_its_command_ended() {
    let yard = slow_yard();
    let mut run = Going::start(&mut yard.run("1.0", &["--", "./deploy.sh"]));
    run.writes("ready");
    // The script has nobody to write to after this, and ends when it tries: so does not it.
    run.kill();
    yard.release("gate");
    assert_eq!(yard.read("over"), "over\n");
    let flushed = came(&mut yard.command(&["flush", "--output", "jsonl"])).ends(0);
    assert!(flushed.out.contains("\"fate\":\"unknown\""), "{flushed:?}");
    let told = yard.deployment("checkout/production/1");
    assert_eq!(
        (&told["status"], &told["targets"][0]["error"]),
        (&"started".into(), &"too late".into())
    );
    let note = told["notes"][0]["text"].as_str().unwrap();
    assert!(note.starts_with("`shiplog run` was stopped while its command ran"), "{note}");
    came(&mut yard.command(&["flush"])).ends(0).says("there is nothing to deliver");
    assert_eq!(yard.deployment("checkout/production/1")["notes"].as_array().unwrap().len(), 1);
}

#[test]
fn after_an_agent_was_killed_nothing_is_run_twice_and_its_lane_waits_for_a_person() {
    let yard = slow_yard();
    yard.does("deploy checkout production slow");
    let mut agent = Going::start(&mut yard.agent(&["--", "./deploy.sh"]));
    agent.writes("ready");
    agent.kill();
    yard.does("deploy checkout production next");
    yard.release("gate");
    assert_eq!(yard.read("over"), "over\n");

    let once = || came(&mut yard.agent(&["--once", "--", "./deploy.sh"])).ends(0);
    let said = once();
    let unknown = "checkout/production#1: the agent was stopped while its command ran";
    said.says(unknown).says("`shiplog fail checkout/production#1`");
    once().says(unknown);
    assert_eq!(yard.read("begun"), "checkout/production#1\n");
    let told = yard.deployment("checkout/production/1");
    assert_eq!(
        (&told["status"], &told["targets"][0]["error"]),
        (&"started".into(), &"too late".into())
    );
    assert_eq!(told["notes"].as_array().unwrap().len(), 1, "{told}");
    let note = told["notes"][0]["text"].as_str().unwrap();
    assert!(note.contains("how it ended is unknown"), "{note}");

    yard.does("fail checkout/production#1 --error looked");
    yard.does("cancel checkout/production#2");
    yard.does("deploy checkout production quick");
    let mut agent = Going::start(&mut yard.agent(&["--once", "--", "./deploy.sh"]));
    agent.writes("ready");
    assert_eq!(yard.read("over"), "over\n");
    assert_eq!(agent.end().0.code(), Some(0));
    assert_eq!(yard.read("begun"), "checkout/production#1\ncheckout/production#3\n");
    assert_eq!(yard.deployment("checkout/production/3")["status"], "succeeded");
    assert!(yard.journals().is_empty());
}

#[test]
fn a_server_that_is_killed_while_an_agents_command_runs_hears_the_end_when_it_is_back() {
    let mut yard = slow_yard();
    yard.does("deploy checkout production slow");
    let mut agent = Going::start(&mut yard.agent(&["--", "./deploy.sh"]));
    agent.writes("ready");
    yard.away();
    yard.release("gate");
    assert_eq!(yard.read("over"), "over\n");
    agent.says("cannot reach the server");
    yard.back();
    agent.says("checkout/production#1: succeeded");
    yard.does("deploy search production quick");
    agent.writes("ready");
    assert_eq!(yard.read("over"), "over\n");
    agent.says("search/production#1: succeeded");
    agent.signal("TERM");
    assert_eq!(agent.end().0.code(), Some(0));
    assert_eq!(
        yard.events("checkout/production/1"),
        ["DeploymentRequested", "DeploymentStarted", "TargetFailed", "DeploymentSucceeded"]
    );
    assert_eq!(yard.read("begun"), "checkout/production#1\nsearch/production#1\n");
}

#[test]
fn a_run_that_was_killed_at_any_point_is_told_once_and_as_far_as_it_is_known() {
    let mut yard = Yard::open();
    yard.away();
    let command = ["--", "sh", "-c", "echo 'succeeded web-1' > $SHIPLOG_TARGETS"];
    came(&mut yard.run("1.0", &command)).ends(0);
    let path = yard.journals().remove(0);
    let whole = fs::read_to_string(&path).unwrap();
    fs::remove_file(&path).unwrap();
    yard.back();

    let ends: Vec<_> = whole.match_indices('\n').map(|(place, _)| place + 1).collect();
    // The head, the request, the start, that the command begins, the target, the end.
    let expected = [
        None,
        Some(("cancelled", 0)),
        Some(("cancelled", 0)),
        Some(("started", 1)),
        Some(("started", 1)),
        Some(("succeeded", 0)),
    ];
    assert_eq!(ends.len(), expected.len(), "{whole}");
    for (index, (end, expected)) in ends.iter().zip(expected).enumerate() {
        // A line that was cut short, and half of one, count for nothing.
        for (kind, cut) in [("whole", *end), ("torn", (end + 20).min(whole.len()))] {
            let service = format!("{kind}-{index}");
            let left = whole[..cut].replace("\"checkout\"", &format!("\"{service}\""));
            fs::write(&path, left).unwrap();
            for _ in 0..2 {
                came(&mut yard.command(&["flush"])).ends(0);
            }
            let listed = yard.get(&format!("/v1/deployments?service={service}"));
            let told = listed["items"].as_array().unwrap();
            assert_eq!(told.len(), usize::from(expected.is_some()), "{service}: {told:?}");
            let Some((status, notes)) = expected else { continue };
            let told = yard.deployment(&format!("{service}/production/1"));
            assert_eq!(told["status"], status, "{service}: {told}");
            assert_eq!(told["notes"].as_array().unwrap().len(), notes, "{service}: {told}");
        }
    }
}
