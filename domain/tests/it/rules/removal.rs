//! What comes of taking a service out of an environment.

use shiplog_domain::{
    decider::fold,
    lane::{Classification, Command, Deployment, Lane, Removed, When},
    testing::given,
};

use crate::samples::{at, now, number, ran, removed, stated};

fn remove(when: When) -> Command {
    Command::Remove { when, reason: None }
}

#[test]
fn what_runs_can_be_removed_with_a_reason() {
    let reason = || Some("it is not needed any more".to_owned());
    given::<Lane>(ran(1, "1", "10:00"))
        .when(Command::Remove { when: now("11:00"), reason: reason() })
        .then([shiplog_domain::lane::Event::Removed(Removed {
            at: at("11:00"),
            reason: reason(),
        })]);
}

#[test]
fn removing_what_does_not_run_changes_nothing() {
    given::<Lane>([]).when(remove(now("11:00"))).then([]);
    given::<Lane>([ran(1, "1", "10:00").to_vec(), vec![removed("10:30")]].concat())
        .when(remove(now("11:00")))
        .then([]);
}

#[test]
fn a_removal_at_another_stated_time_is_recorded() {
    let history = [ran(1, "1", "10:00").to_vec(), vec![removed("10:30")]].concat();
    given::<Lane>(history.clone()).when(remove(stated("10:30"))).then([]);
    given::<Lane>(history).when(remove(stated("10:20"))).then([removed("10:20")]);
    given::<Lane>([]).when(remove(stated("10:20"))).then([removed("10:20")]);
}

#[test]
fn a_removal_in_the_minute_of_a_success_is_recorded_and_comes_after_it() {
    let history = ran(1, "1", "10:00").to_vec();
    given::<Lane>(history.clone()).when(remove(stated("10:00"))).then([removed("10:00")]);
    assert_eq!(fold::<Lane>(&[history, vec![removed("10:00")]].concat()).running(), None);
}

#[test]
fn a_removal_that_is_told_late_does_not_remove_what_came_after_it() {
    let history = [ran(1, "1", "10:00"), ran(2, "2", "10:10")].concat();
    let state = fold::<Lane>(&[history, vec![removed("10:05")]].concat());
    assert_eq!(state.running().map(Deployment::number), Some(number(2)));
    assert_eq!(state.replaced(number(2)), None);
}

#[test]
fn after_a_removal_nothing_runs_until_something_is_deployed() {
    let history = [ran(1, "1", "10:00").to_vec(), vec![removed("10:30")]].concat();
    assert_eq!(fold::<Lane>(&history).running(), None);
    let state = fold::<Lane>(&[history, ran(2, "1", "11:00").to_vec()].concat());
    assert_eq!(state.running().map(Deployment::number), Some(number(2)));
    assert_eq!(state.classification(number(2)), Some(Classification::Restore));
}
