//! What was rebuilt, beside what is kept: where they differ, and because of which event.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::Connection;
use shiplog_domain::lane::Outcome;
use shiplog_projections::{
    history::History,
    models::ReadModels,
    replay::{Explained, Explanation, Why, explain, part, past},
    runner::Until,
};
use shiplog_store::position::GlobalPosition;

use crate::support::{RECORDING_BEGINS, World, lane, report};

/// Five deployments, of two events each.
async fn five() -> World {
    let world = World::new();
    for at in 0..5 {
        world.tell(&lane("checkout"), report(at, &at.to_string(), Outcome::Succeeded)).await;
    }
    world
}

/// A read model that was kept level and that somebody has changed since.
async fn changed(world: &World, statement: &str) -> Explanation {
    let (directory, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let models = ReadModels::start(&world.log, directory.path()).await.unwrap();
    let head = world.log.head().await.unwrap().unwrap();
    models.history.at_least(head, std::time::Duration::from_mins(1)).await.unwrap();
    models.stop().await;
    change(directory.path(), statement);
    explain(History, &*world.log, directory.path(), scratch.path()).await.unwrap()
}

fn change(directory: &Path, statement: &str) {
    let path = directory.join("history-v3-g1.sqlite");
    assert!(path.exists(), "the version has been raised: say which one here");
    let changed = Connection::open(path).unwrap().execute(statement, []).unwrap();
    assert_eq!(changed, 1, "{statement}");
}

fn only(explanation: Explanation) -> Explained {
    let Explanation { comparison, mut rows } = explanation;
    assert_ne!(comparison.rebuilt, comparison.live);
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_changed_is_the_same() {
    let explanation = changed(&five().await, "UPDATE checkpoint SET skipped = 0").await;
    assert_eq!(explanation.comparison.rebuilt, explanation.comparison.live);
    assert_eq!(explanation.rows, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_missed_an_event_names_that_event() {
    let third =
        "UPDATE entries SET status = 'requested', classification = 'new' WHERE version = '2'";
    let row = only(changed(&five().await, third).await);
    assert_eq!((row.difference.table.as_str(), row.why), ("entries", Why::NotFolded));
    let event = row.event.unwrap();
    assert_eq!((event.position.0, event.event_type.as_str()), (6, "DeploymentSucceeded"));
    let columns = row.difference.columns;
    assert_eq!((columns[0].column.as_str(), columns[0].live.as_str()), ("status", "'requested'"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_missing_names_the_event_that_made_it() {
    let row = only(changed(&five().await, "DELETE FROM entries WHERE version = '1'").await);
    assert!(row.difference.in_rebuilt && !row.difference.in_live);
    let event = row.event.unwrap();
    assert_eq!((event.position.0, event.event_type.as_str()), (3, "DeploymentRequested"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_no_event_makes_says_so() {
    let world = five().await;
    let row = only(changed(&world, "UPDATE entries SET actor = 'me' WHERE version = '4'").await);
    assert_eq!(row.why, Why::NeverSo);
    assert_eq!(row.event.unwrap().position.0, 10, "the last to change it");
    let more = "INSERT INTO labels VALUES ('team', 'none', 1)";
    let row = only(changed(&world, more).await);
    assert!(!row.difference.in_rebuilt && row.difference.in_live);
    assert_eq!((row.why, row.event), (Why::NeverSo, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_is_what_the_log_made_of_it_then() {
    let world = five().await;
    let mut digests = Vec::new();
    for until in [
        Until::Events(4),
        Until::Position(GlobalPosition(4)),
        Until::Time(Timestamp::from_second(RECORDING_BEGINS + 1).unwrap()),
    ] {
        let scratch = tempfile::tempdir().unwrap();
        let past = past(History, &*world.log, until, scratch.path()).await.unwrap();
        assert_eq!((past.events, past.position), (4, Some(GlobalPosition(4))), "{until:?}");
        digests.push(past.digest);
    }
    assert!(digests.windows(2).all(|pair| pair[0] == pair[1]), "{digests:?}");
    let scratch = tempfile::tempdir().unwrap();
    let nothing = past(History, &*world.log, Until::Position(GlobalPosition(0)), scratch.path());
    assert_eq!(nothing.await.unwrap().events, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_logs_part_at_the_first_event_that_is_not_the_same() {
    for same in 0..=4 {
        let (one, other) = (five().await, World::new());
        for at in 0..5 {
            let version = if at < same { at.to_string() } else { format!("{at}-other") };
            other.tell(&lane("checkout"), report(at, &version, Outcome::Succeeded)).await;
        }
        let scratch = tempfile::tempdir().unwrap();
        let logs = (&*one.log, &*other.log);
        let parting = part(History, logs, Until::Head, scratch.path()).await.unwrap();
        assert_eq!(parting.events, u64::try_from(same).unwrap() * 2);
        let (first, second) = (parting.first.unwrap(), parting.second.unwrap());
        assert_eq!(first.event_type, "DeploymentRequested");
        assert_eq!(first.position, second.position);
        assert!(parting.rows.iter().any(|row| row.table == "entries"), "{:?}", parting.rows);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_goes_on_parts_where_the_other_one_ends() {
    let (one, other) = (five().await, five().await);
    let scratch = tempfile::tempdir().unwrap();
    let logs = (&*one.log, &*other.log);
    let same = part(History, logs, Until::Head, scratch.path()).await.unwrap();
    assert!(same.is_none() && same.events == 10, "{same:?}");
    one.tell(&lane("checkout"), report(9, "9", Outcome::Succeeded)).await;
    let scratch = tempfile::tempdir().unwrap();
    let parting = part(History, logs, Until::Head, scratch.path()).await.unwrap();
    assert_eq!((parting.events, parting.second), (10, None));
    assert_eq!(parting.first.unwrap().position.0, 11);
}
