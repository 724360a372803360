//! `shiplog run`: what the command is given, and what is recorded of it.

use serde_json::{Value, json};

use super::yard::{Going, Yard, came};

#[test]
fn a_command_that_works_is_recorded_from_the_request_to_the_end() {
    let yard = Yard::open();
    let script = r#"
        printf 'out\n'; printf 'err\n' >&2; printf '%s|' "$@"
        cp "$SHIPLOG_MANIFEST" manifest
        cp "$SHIPLOG_CONFIGURATION" configuration
        printf '%s ' "$SHIPLOG_DEPLOYMENT" "$SHIPLOG_NUMBER" "$SHIPLOG_SERVICE" \
            "$SHIPLOG_ENVIRONMENT" "$SHIPLOG_VERSION" "$SHIPLOG_COMMIT" "$SHIPLOG_INTENT" > variables
        echo "started web-1" >> "$SHIPLOG_TARGETS"
        echo "succeeded web-1" >> "$SHIPLOG_TARGETS"
    "#;
    yard.script("deploy.sh", script);
    let words = [
        "--commit",
        "3f2c9ab",
        "--change",
        "fix=rounding",
        "--label",
        "train=31",
        "--config",
        "app.yaml=sha256:4d",
    ];
    let arguments = ["--", "./deploy.sh", "a b", "$(reboot); 'c'", ""];
    let ran = came(yard.run("1.4.2", &words).args(arguments)).ends(0);
    assert_eq!(ran.out, "out\na b|$(reboot); 'c'||");
    assert_eq!(ran.err, "err\nshiplog: checkout/production#1: succeeded\n");
    assert_eq!(
        yard.read("variables"),
        "checkout/production#1 1 checkout production 1.4.2 3f2c9ab deploy "
    );
    let manifest: Value = serde_json::from_str(&yard.read("manifest")).unwrap();
    assert_eq!((&manifest["version"], &manifest["commit"]), (&json!("1.4.2"), &json!("3f2c9ab")));
    assert_eq!(manifest["changes"][0]["description"], "rounding");
    let configuration: Value = serde_json::from_str(&yard.read("configuration")).unwrap();
    assert_eq!(configuration, json!({"app.yaml": "sha256:4d"}));

    let told = yard.deployment("checkout/production/1");
    assert_eq!(told["status"], "succeeded");
    assert_eq!(
        (&told["executor"], &told["labels"]["train"]),
        (&json!("shiplog run"), &json!("31"))
    );
    assert_eq!(told["actor"]["id"], "ann");
    assert!(told["duration_ms"].as_u64().is_some(), "{told}");
    assert_eq!(
        yard.events("checkout/production/1"),
        [
            "DeploymentRequested",
            "DeploymentStarted",
            "TargetStarted",
            "TargetSucceeded",
            "DeploymentSucceeded"
        ]
    );
    assert!(yard.journals().is_empty());
}

#[test]
fn a_command_that_fails_is_recorded_with_its_code_and_the_last_lines_of_its_output() {
    let yard = Yard::open();
    let script = r#"
        i=0; while [ $i -lt 40 ]; do echo "line $i"; i=$((i + 1)); done
        printf '\033[31mred\033[0m\n10 %%\r100 %%\n'; printf 'no end' >&2; exit 7
    "#;
    yard.script("deploy.sh", script);
    let ran = came(&mut yard.run("1.5.0", &["--", "./deploy.sh"])).ends(7);
    assert!(ran.out.ends_with("\u{1b}[31mred\u{1b}[0m\n10 %\r100 %\n"), "{ran:?}");
    let told = yard.deployment("checkout/production/1");
    assert_eq!(told["status"], "failed");
    let error = told["error"].as_str().unwrap();
    assert!(error.starts_with("exit code 7 after "), "{error}");
    assert_eq!(error.lines().count(), 21, "{error}");
    // Which of two streams is read first is for the system to say.
    for line in ["line 39", "red", "100 %", "no end"] {
        assert!(error.lines().any(|one| one == line), "{line}: {error}");
    }
    for asks in ["show checkout/production#1", "recover checkout/production#1"] {
        let shown = yard.does(asks);
        let (above, output) = shown.split_once("\nthe end of its output:\n").unwrap();
        assert!(above.contains("exit code 7 after") && !above.contains("line 39"), "{above}");
        let lines: Vec<_> = output.lines().take_while(|line| !line.is_empty()).collect();
        assert_eq!(lines.len(), 20, "{output}");
        assert!(lines.contains(&"  line 39") && lines.contains(&"  100 %"), "{output}");
        assert!(!output.lines().skip(20).any(|line| line.contains("line 39")), "once: {output}");
    }
}

#[test]
fn whoever_is_to_be_run_on_failure_is_told_of_each_target_and_of_the_deployment() {
    let yard = Yard::open();
    yard.script(
        "deploy.sh",
        "echo 'failed web-2 no answer: $(reboot)' >> $SHIPLOG_TARGETS; echo gone; exit 1",
    );
    yard.script("failed.sh", "cat >> known; echo \" $SHIPLOG_DEPLOYMENT\" >> known; exit 9");
    let words = ["--on-failure", "./failed.sh", "--", "./deploy.sh"];
    came(&mut yard.run("1.5.0", &words)).ends(1).says("--on-failure ./failed.sh: ended with");
    let known = yard.read("known");
    let known: Vec<Value> = known
        .lines()
        .map(|line| serde_json::from_str(line.strip_suffix(" checkout/production#1").unwrap()))
        .collect::<Result<_, _>>()
        .unwrap();
    let [target, deployment] = known.as_slice() else { panic!("{known:?}") };
    let failed = json!({"target": "web-2", "status": "failed", "error": "no answer: $(reboot)"});
    assert_eq!((&target["scope"], &target["target"]), (&json!("target"), &failed));
    assert_eq!((&deployment["scope"], &deployment["target"]), (&json!("deployment"), &Value::Null));
    assert_eq!(deployment["recovery"], target["recovery"]);
    assert_eq!(deployment["recovery"]["deployment"]["number"], 1);
    assert_eq!(deployment["recovery"]["retry"]["call"]["method"], "POST");
    assert_eq!(yard.deployment("checkout/production/1")["status"], "failed");

    came(&mut yard.run("1.5.1", &["--on-failure", "./failed.sh", "--", "true"])).ends(0);
    assert_eq!(yard.read("known").lines().count(), 2, "nothing failed, and it was run");
}

#[test]
fn signals_reach_the_command_and_its_own_code_comes_back() {
    for (signal, code) in [("TERM", 30), ("INT", 31), ("HUP", 32)] {
        let yard = Yard::open();
        yard.pipe("gate");
        yard.script(
            "deploy.sh",
            "trap 'exit 30' TERM; trap 'exit 31' INT; trap 'exit 32' HUP; echo ready
            while :; do read line < gate; done",
        );
        let words = ["run", "--service", "checkout", "--environment", "production"];
        let words = [&words[..], &["--version", "1.0", "--", "./deploy.sh"]].concat();
        let mut run = Going::start(&mut yard.heeding(&words));
        run.writes("ready");
        run.signal(signal);
        assert_eq!(run.end().0.code(), Some(code), "{signal}");
        let told = yard.deployment("checkout/production/1");
        assert!(told["error"].as_str().unwrap().starts_with(&format!("exit code {code} ")));
    }
}

#[test]
fn what_dies_or_cannot_be_run_ends_as_a_shell_would_say() {
    let yard = Yard::open();
    yard.script("dies.sh", "kill -KILL $$");
    came(&mut yard.run("1.0", &["--", "./dies.sh"])).ends(137);
    let error = yard.deployment("checkout/production/1")["error"].clone();
    assert!(error.as_str().unwrap().starts_with("killed by SIGKILL after "), "{error}");

    let missing = came(&mut yard.run("1.1", &["--", "./missing.sh"])).ends(127);
    missing.says("shiplog: cannot run `./missing.sh`: No such file");
    let error = yard.deployment("checkout/production/2")["error"].clone();
    assert!(error.as_str().unwrap().starts_with("cannot run `./missing.sh`: "), "{error}");
    came(&mut yard.run("1.2", &["--", "./data"])).ends(126);
}

#[test]
fn what_the_command_leaves_in_the_background_is_not_waited_for() {
    let yard = Yard::open();
    yard.pipe("gate");
    yard.script("deploy.sh", "(read line < gate) & echo 'started in the background'");
    let ran = came(&mut yard.run("1.0", &["--", "./deploy.sh"])).ends(0);
    assert_eq!(ran.out, "started in the background\n");
    yard.release("gate");
}

#[test]
fn what_is_wrong_or_refused_ends_before_anything_is_run() {
    let yard = Yard::open();
    yard.script("deploy.sh", "touch ran");
    came(&mut yard.run("", &["--", "./deploy.sh"])).ends(2).says("nothing was run");
    came(&mut yard.run("1.0", &[])).ends(2).says("<COMMAND>");
    assert_eq!(yard.count(), 0);
    assert!(!yard.path("ran").exists());
    assert!(yard.journals().is_empty());
}
