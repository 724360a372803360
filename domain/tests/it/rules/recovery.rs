//! What a lane knows of the ways out of a deployment.

use std::collections::BTreeSet;

use shiplog_domain::{
    decider::fold,
    lane::{Event, Failed, Intent, Lane, State, recovery},
    release::{Change, Manifest},
};

use crate::samples::{at, deploy, failed, number, ran, release, requested, started, succeeded};

fn changing(version: &str, id: &str, kind: &str, reversible: Option<bool>) -> Manifest {
    let change =
        Change { id: Some(id.into()), kind: kind.into(), description: None, reversible, url: None };
    Manifest { changes: vec![change], ..release(version) }
}

fn ran_release(of: u32, release: Manifest, time: &str) -> [Event; 2] {
    [requested(of, Intent::Deploy, release, time), succeeded(of, time)]
}

/// 1.0 and 1.1, which migrates, ran; 1.2 failed.
fn incident() -> State {
    let migration = changing("1.1", "0042", "migration", Some(false));
    fold::<Lane>(
        &[
            ran(1, "1.0", "10:00").to_vec(),
            ran_release(2, migration, "10:10").to_vec(),
            vec![deploy(3, "1.2", "10:30"), started(3, "10:31"), failed(3, "10:35")],
        ]
        .concat(),
    )
}

/// Each candidate: its number, and the ids of the irreversible changes since.
fn candidates(state: &State, of: u32) -> Vec<(u32, Vec<String>)> {
    let deployment = state.deployment(number(of)).unwrap();
    let found = recovery(state, deployment, &BTreeSet::new()).candidates;
    found
        .into_iter()
        .map(|one| {
            let ids = one.irreversible.into_iter().filter_map(|change| change.id);
            (one.deployment.number().0, ids.collect())
        })
        .collect()
}

#[test]
fn the_last_success_comes_first_and_what_lies_between_is_told() {
    let expected = [(2, vec![]), (1, vec!["0042".to_owned()])];
    let state = incident();
    assert_eq!(candidates(&state, 3), expected);
    let told = recovery(&state, state.deployment(number(3)).unwrap(), &BTreeSet::new());
    assert_eq!(told.previous, Some(number(2)));
}

#[test]
fn what_still_runs_has_run_until_the_failed_one_began() {
    let state = incident();
    let told = recovery(&state, state.deployment(number(3)).unwrap(), &BTreeSet::new());
    assert_eq!(told.candidates[0].until, Some(at("10:31")));
    assert_eq!(told.candidates[0].ran_for_ms(at("12:00")), 21 * 60 * 1000);
    assert_eq!(told.candidates[1].ran_for_ms(at("12:00")), 10 * 60 * 1000);
    assert_eq!(told.before.unwrap().number(), number(2));
    assert!(told.settled_by.is_none());
}

#[test]
fn what_runs_untroubled_is_nothing_to_go_back_to() {
    let state = fold::<Lane>(&[ran(1, "1", "10:00"), ran(2, "2", "10:10")].concat());
    assert_eq!(candidates(&state, 2), [(1, vec![])]);
}

#[test]
fn each_release_is_told_of_once_by_its_last_success() {
    let history =
        [ran(1, "1", "10:00"), ran(2, "2", "10:10"), ran(3, "1", "10:20"), ran(4, "3", "10:30")];
    let state = fold::<Lane>(&history.concat());
    assert_eq!(candidates(&state, 4), [(3, vec![]), (2, vec![])]);
}

#[test]
fn what_a_release_has_run_after_before_is_not_crossed_again() {
    let migration = || changing("2", "0042", "migration", Some(false));
    let history = [
        ran(1, "1", "10:00"),
        ran_release(2, migration(), "10:10"),
        ran(3, "1", "10:20"),
        ran(4, "3", "10:30"),
    ];
    let state = fold::<Lane>(&history.concat());
    assert_eq!(candidates(&state, 4)[0], (3, vec![]));
}

#[test]
fn what_failed_half_way_may_have_changed_something_too() {
    let migration = changing("2", "0042", "migration", Some(false));
    let history = [
        ran(1, "1", "10:00").to_vec(),
        vec![requested(2, Intent::Deploy, migration, "10:10"), failed(2, "10:15")],
    ];
    let state = fold::<Lane>(&history.concat());
    assert_eq!(candidates(&state, 2), [(1, vec!["0042".to_owned()])]);
}

#[test]
fn a_migration_of_which_nobody_said_is_told_apart() {
    let history = [
        ran(1, "1", "10:00"),
        ran_release(2, changing("2", "0042", "migration", None), "10:10"),
        ran_release(3, changing("3", "SHOP-7", "feature", None), "10:20"),
        ran_release(4, changing("4", "0043", "migration", Some(true)), "10:30"),
        ran(5, "5", "10:40"),
    ];
    let state = fold::<Lane>(&history.concat());
    let told = recovery(&state, state.deployment(number(5)).unwrap(), &BTreeSet::new());
    let first = told.candidates.last().unwrap();
    assert!(first.irreversible.is_empty());
    let unstated: Vec<_> = first.unstated.iter().map(|one| one.id.as_deref().unwrap()).collect();
    assert_eq!(unstated, ["0042"]);
}

#[test]
fn a_lane_that_has_moved_on_says_so() {
    let history =
        [vec![deploy(1, "1", "10:00"), failed(1, "10:05")], ran(2, "2", "10:10").to_vec()];
    let state = fold::<Lane>(&history.concat());
    let told = recovery(&state, state.deployment(number(1)).unwrap(), &BTreeSet::new());
    assert_eq!(told.settled_by.unwrap().number(), number(2));
}

#[test]
fn tries_of_the_same_release_and_failures_alike_are_told_newest_first() {
    let fails = |of, error: &str, time: &str| {
        let (error, failed_step) = (Some(error.to_owned()), None);
        let number = number(of);
        Event::Failed(Failed { number, at: at(time), error, failed_step, log_url: None })
    };
    let history = [
        vec![deploy(1, "1", "10:00"), fails(1, "no space left", "10:05")],
        vec![deploy(2, "2", "10:10"), fails(2, "timed out", "10:15")],
        vec![deploy(3, "2", "10:20"), fails(3, "no space left", "10:25")],
    ];
    let state = fold::<Lane>(&history.concat());
    let told = recovery(&state, state.deployment(number(3)).unwrap(), &BTreeSet::new());
    let numbers = |list: &[&shiplog_domain::lane::Deployment]| {
        list.iter().map(|one| one.number().0).collect::<Vec<_>>()
    };
    assert_eq!((numbers(&told.attempts), told.attempted), (vec![3, 2], 2));
    assert_eq!(numbers(&told.failed_alike), [1]);
}
