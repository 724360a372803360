//! The tables tell what the other read models tell, for every history.

use futures::TryStreamExt as _;
use jiff::{Timestamp, fmt::temporal::DateTimePrinter};
use proptest::prelude::*;
use serde_json::{Value, json};
use shiplog_domain::lane::Intent;
use shiplog_projections::{
    current::{self, AsOf, Brief, Current},
    history::{self, Entry, History, Place},
    page::Page,
    rollbacks::{self, Rollback, Rollbacks},
    runner::Runner,
};

use super::Tables;
use crate::{
    laws::{SERVICES, run, steps, steps_about_now},
    support::{RECORDING_BEGINS, World, lane},
};

fn text(at: Timestamp) -> String {
    DateTimePrinter::new().precision(Some(6)).timestamp_to_string(&at)
}

fn number(place: Option<&Place>) -> Value {
    json!(place.map(|place| place.number.0))
}

fn kind(intent: &Intent) -> Value {
    serde_json::to_value(intent).unwrap()["kind"].clone()
}

fn deployment(entry: &Entry) -> Vec<Value> {
    let Entry { lane, deployment, actor, classification, replaced, position, taken_back } = entry;
    vec![
        json!(lane.service.as_str()),
        json!(deployment.number().0),
        json!(deployment.release().version.as_str()),
        json!(deployment.status().as_str()),
        kind(deployment.intent()),
        json!(classification.as_str()),
        json!(actor.id),
        json!(text(deployment.requested.at)),
        json!(deployment.started.as_ref().map(|started| text(started.at))),
        json!(deployment.finished_at().map(text)),
        json!(deployment.duration_ms()),
        number(replaced.as_ref()),
        json!(u8::from(deployment.is_void())),
        json!(taken_back.as_ref().map(|rollback| rollback.number.0)),
        json!(position.0),
    ]
}

const DEPLOYMENTS: &str = "SELECT service, number, version, status, intent, classification, actor,
    requested_at, started_at, finished_at, duration_ms, replaced_number, void, taken_back_by, position
    FROM deployments";

fn rollback(rollback: &Rollback) -> Vec<Value> {
    let Rollback { entry, declared, from, to, reverts, left_at, ran_for_ms, .. } = rollback;
    let reverts: Vec<_> = reverts.iter().map(|one| one.number.0).collect();
    vec![
        json!(entry.lane.service.as_str()),
        json!(entry.deployment.number().0),
        json!(u8::from(*declared)),
        json!(entry.deployment.status().as_str()),
        number(from.as_ref()),
        number(to.as_ref()),
        json!(json!(reverts).to_string()),
        json!(left_at.map(text)),
        json!(ran_for_ms),
    ]
}

const ROLLBACKS: &str = "SELECT service, number, declared, status, from_number, to_number, reverts,
    left_at, ran_for_ms FROM rollbacks";

fn told(now: &current::LaneNow) -> Vec<Value> {
    let number = |brief: &Option<Brief>| json!(brief.as_ref().map(|brief| brief.number.0));
    let running = now.running.as_ref();
    vec![
        json!(now.lane.service.as_str()),
        number(&now.running),
        json!(running.map(|running| running.version.as_str())),
        json!(running.map(|running| text(running.at))),
        json!(running.map(|running| running.actor.id.as_str())),
        json!(now.in_progress.as_ref().map(|(brief, _)| brief.number.0)),
        number(&now.last_failed),
        json!(now.last_failed.as_ref().map(|failed| text(failed.at))),
        json!(u8::from(now.doubt.is_some())),
        json!(now.version.0),
    ]
}

const LANES: &str = "SELECT service, number, version, since, actor, in_progress, last_failed,
    last_failed_at, uncertain, stream_version FROM lanes";

fn sorted(mut rows: Vec<Vec<Value>>) -> Vec<Vec<Value>> {
    rows.sort_by_key(|row| json!(row).to_string());
    rows
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_tables_tell_what_the_other_read_models_tell(steps in steps()) {
        run(async {
            let world = World::new();
            for (service, command) in steps {
                world.tell(&lane(SERVICES[service]), command).await;
            }
            let mut tables = Tables::of(&world).await;
            let all = Page::first(1_000);
            let history = world.fold(History).await;
            let listed = history.look(|view| history::list(view, &history::Filter::default(), &all));
            let expected = listed.unwrap().items.iter().map(deployment).collect();
            prop_assert_eq!(sorted(tables.ask(DEPLOYMENTS)), sorted(expected));

            let audit = world.fold(Rollbacks).await;
            let listed = audit.look(|view| rollbacks::list(view, &rollbacks::Filter::default(), &all));
            let expected = listed.unwrap().items.iter().map(rollback).collect();
            prop_assert_eq!(sorted(tables.ask(ROLLBACKS)), sorted(expected));

            let model = world.fold(Current).await;
            for now in [Timestamp::from_second(RECORDING_BEGINS).unwrap(), Timestamp::MAX] {
                prop_assert_eq!(tables.lanes_at(now), expected_lanes(&model, now), "at {}", now);
            }
            Ok(())
        })?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lanes_are_told_as_of_now_whatever_is_recorded_for_later(steps in steps_about_now()) {
        run(async {
            let world = World::new();
            for (service, command) in steps {
                world.tell(&lane(SERVICES[service]), command).await;
            }
            let mut tables = Tables::of(&world).await;
            let model = world.fold(Current).await;
            let records: Vec<_> = world.log.read_all(None).try_collect().await.unwrap();
            let last = records.last().map_or(0, |record| record.recorded_at.as_second());
            let recorded = RECORDING_BEGINS.max(last);
            let instants = (recorded..recorded + 50).map(|at| Timestamp::from_second(at).unwrap());
            for now in instants.chain([Timestamp::MAX]) {
                prop_assert_eq!(tables.lanes_at(now), expected_lanes(&model, now), "at {}", now);
            }
            Ok(())
        })?;
    }
}

/// What the read model of what runs tells of every lane at an instant.
fn expected_lanes(model: &Runner<Current>, now: Timestamp) -> Vec<Vec<Value>> {
    let told_of = |service| {
        let lane = lane(service);
        model.look(|view| current::lane(view, &lane, AsOf::at(now)).unwrap())
    };
    sorted(SERVICES.into_iter().filter_map(told_of).map(|now| told(&now)).collect())
}

impl Tables {
    fn lanes_at(&mut self, now: Timestamp) -> Vec<Vec<Value>> {
        sorted(self.ask_at(LANES, now))
    }
}

#[test]
fn every_table_is_documented() {
    run(async {
        let mut tables = Tables::of(&World::new()).await;
        for name in ["events", "deployments", "lanes", "rollbacks"] {
            assert!(tables.ask(&format!("SELECT * FROM {name}")).is_empty());
            let schema = shiplog_projections::sql::schema();
            assert!(schema.contains(&format!("CREATE TABLE {name} (")), "{schema}");
        }
    });
}
