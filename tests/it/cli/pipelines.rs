//! What pipelines send: every deployment of a job is recorded, and the same step again once.

use serde_json::Value;

use super::call::{Said, Shop};

/// A call in a job of a GitHub run, in its only step, or in the one that is named.
fn step(shop: &Shop, action: Option<&str>, words: &str) -> Said {
    let mut command = shop.command(words);
    command.env_remove("SHIPLOG_ACTOR").envs([
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_SHA", "3f2c9ab"),
        ("GITHUB_ACTOR", "ann"),
        ("GITHUB_RUN_ID", "77"),
        ("GITHUB_RUN_ATTEMPT", "1"),
        ("GITHUB_JOB", "deploy"),
    ]);
    Said::by(command.envs(action.map(|action| ("GITHUB_ACTION", action))))
}

/// What such a call in its only step prints.
#[track_caller]
fn prints(shop: &Shop, words: &str, expected: &str) -> Said {
    let said = step(shop, None, words).ends(0);
    assert_eq!(said.out, format!("{expected}\n"), "{words}: {said:?}");
    said
}

/// What runs in a lane, and how many deployments it has.
fn stands(shop: &Shop, lane: &str) -> (Value, usize) {
    let (service, environment) = lane.split_once('/').unwrap();
    let board = shop.call(&format!("status {environment} --service {service} --output json"));
    let history = shop.call(&format!("history --service {service} --output json")).json();
    let version = board.json()["lanes"][0]["current"]["release"]["version"].clone();
    (version, history.as_array().unwrap().len())
}

#[test]
fn a_job_that_goes_back_and_forth_has_as_many_deployments() {
    let shop = Shop::open();
    let deploys = ["2.0", "1.5", "2.0", "1.5", "2.0"];
    for (number, version) in (1..).zip(deploys) {
        let words = format!("deploy gh production {version} --status succeeded");
        prints(&shop, &words, &format!("gh/production#{number}"));
        // The same step again, before anything else.
        let again = prints(&shop, &words, &format!("gh/production#{number}"));
        assert!(again.err.contains("recorded before"), "{}", again.err);
    }
    assert_eq!(stands(&shop, "gh/production"), ("2.0".into(), 5));
}

#[test]
fn what_others_deploy_in_between_makes_no_late_repetition_a_new_deployment() {
    let shop = Shop::open();
    prints(&shop, "deploy gh production 2.0 --status succeeded", "gh/production#1");
    shop.does("deploy gh production 3.0 --status succeeded");
    let late = prints(&shop, "deploy gh production 2.0 --status succeeded", "gh/production#1");
    assert!(late.err.contains("nothing was added"), "{}", late.err);
    assert_eq!(stands(&shop, "gh/production"), ("3.0".into(), 2));
    // Who knows better says so.
    let words = "deploy gh production 2.0 --status succeeded --idempotency-key once-more";
    prints(&shop, words, "gh/production#3");
    assert_eq!(stands(&shop, "gh/production"), ("2.0".into(), 3));
}

#[test]
fn legs_of_a_matrix_differ_by_what_they_say_and_steps_by_their_names() {
    let shop = Shop::open();
    for (number, region) in [(1, "eu"), (2, "us"), (1, "eu"), (2, "us")] {
        let words = format!("deploy mx production 1 --status succeeded --label region={region}");
        prints(&shop, &words, &format!("mx/production#{number}"));
    }
    for (number, action) in [(3, "__run"), (4, "__run_2"), (3, "__run")] {
        let said = step(&shop, Some(action), "deploy mx production 1 --status succeeded").ends(0);
        assert_eq!(said.out, format!("mx/production#{number}\n"), "{action}");
    }
    assert_eq!(stands(&shop, "mx/production").1, 4);
}

#[test]
fn a_failure_with_another_error_and_a_rollback_with_another_reason_are_others() {
    let shop = Shop::open();
    shop.does("deploy er production 1 --status succeeded --at 2025-03-01");
    for (number, error) in [(2, "timed out"), (3, "image pull"), (2, "timed out")] {
        let words = format!("deploy er production 2 --status failed --error '{error}'");
        prints(&shop, &words, &format!("er/production#{number}"));
    }
    for (number, reason) in [(4, "it loses orders"), (4, "it loses orders"), (5, "still slow")] {
        let words = format!("rollback er production --reason '{reason}'");
        prints(&shop, &words, &format!("er/production#{number}"));
    }
}

#[test]
fn what_was_asked_for_and_came_to_nothing_is_asked_for_anew() {
    let shop = Shop::open();
    let ask = "deploy as production 1 --reason train";
    prints(&shop, ask, "as/production#1");
    prints(&shop, ask, "as/production#1");
    shop.does("fail as production --error 'no disk'");
    prints(&shop, ask, "as/production#2");
    prints(&shop, ask, "as/production#2");
    shop.does("cancel as production --reason 'too late'");
    prints(&shop, ask, "as/production#3");
    shop.does("succeed as production");
    prints(&shop, ask, "as/production#3");
}

#[test]
fn a_relative_time_means_what_it_meant_the_first_time() {
    let shop = Shop::open();
    let deploy = "deploy at production 1 --status started --at 10m --output json";
    let first = step(&shop, None, deploy).ends(0).json();
    let again = step(&shop, None, deploy).ends(0).json();
    assert_eq!(again, first);
    for words in [
        "succeed at/production#1 --at now",
        "fail at/production#1 --error 'after all' --at '5m ago'",
        "environments freeze production --reason peak --from 2m",
        "environments unfreeze production --at 1m",
    ] {
        step(&shop, None, words).ends(0);
        let before = shop.call("events --output json").json().as_array().unwrap().len();
        step(&shop, None, words).ends(0);
        let after = shop.call("events --output json").json().as_array().unwrap().len();
        assert_eq!(after, before, "{words}");
    }
    // A key that was given is a promise of the same words too, and of no others.
    let given = "deploy at production 2 --status succeeded --at 4m --idempotency-key mine";
    let number = shop.call(given).ends(0).out;
    assert_eq!(shop.call(given).ends(0).out, number);
    shop.call(&format!("{given} --reason why")).tells(4, &["`mine`"]);
    assert_eq!(stands(&shop, "at/production").1, 2);
}

#[test]
fn what_a_job_undoes_and_does_again_is_done_again() {
    let shop = Shop::open();
    shop.does("deploy fz production 1 --status succeeded");
    let frozen = || shop.call("environments production --output json").json()["frozen"].clone();
    for is_frozen in [true, false, true, false] {
        let words =
            if is_frozen { "freeze production --reason peak" } else { "unfreeze production" };
        step(&shop, None, &format!("environments {words}")).ends(0);
        assert_eq!(frozen().is_object(), is_frozen, "{words}");
    }
    let blocked = || shop.call("releases fz 1 --output json").json()["blocked"].clone();
    for verb in ["block", "unblock", "block"] {
        step(&shop, None, &format!("releases {verb} fz 1 --reason orders")).ends(0);
        assert_eq!(blocked().is_object(), verb == "block", "{verb}");
    }
    for (verb, status) in [("fail", "failed"), ("succeed", "succeeded"), ("fail", "failed")] {
        step(&shop, None, &format!("{verb} fz/production#1")).ends(0);
        let shown = shop.call("show fz/production#1 --output json").json();
        assert_eq!(shown["status"], status);
    }
}
