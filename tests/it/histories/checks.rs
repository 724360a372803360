//! Compares what a server answers with what a history comes to.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    data::{History, LaneName, State},
    fold::{Effect, Effects, Place},
};
use crate::support::{Client, encode};

/// All of it: every line's kind, what runs at the end, and every rollback.
pub(crate) fn is_whole(client: &Client, history: &History, effects: &Effects<'_>) {
    fold_is_as_expected(history, effects);
    let position = client.position();
    deployments_are(client, &position, effects, history.deployments());
    state_is(client, &position, &history.state);
    let rollbacks = rollbacks_are(client, &position, effects);
    assert_eq!(rollbacks, history.count("rollback"));
}

/// That the fold of this test tells what the files tell.
fn fold_is_as_expected(history: &History, effects: &Effects<'_>) {
    let mut lanes: BTreeMap<_, _> =
        effects.iter().map(|(lane, effects)| (lane.clone(), effects.iter())).collect();
    for (line, expected) in history.lines.iter().zip(&history.expected) {
        let effect = lanes.get_mut(&line.lane()).unwrap().next().unwrap();
        assert_eq!(effect.kind, expected.kind, "{line:?}");
        assert_eq!(effect.from.as_ref().map(|(_, version)| version), expected.from.as_ref());
    }
}

/// Every deployment there is, page by page, in every lane that is expected.
pub(crate) fn deployments_are(
    client: &Client,
    position: &str,
    effects: &Effects<'_>,
    total: usize,
) {
    let mut lanes: BTreeMap<LaneName, BTreeMap<u64, Value>> = BTreeMap::new();
    let items = client.pages("/v1/deployments?order=oldest", position);
    assert_eq!(items.len(), total);
    let seconds: Vec<_> = items.iter().map(|item| at(&item["requested_at"]).as_second()).collect();
    assert!(seconds.is_sorted(), "the oldest are not first");
    for item in items {
        let number = item["number"].as_u64().unwrap();
        let before = lanes.entry(lane_of(&item)).or_default().insert(number, item);
        assert!(before.is_none(), "a deployment is listed twice: {before:?}");
    }
    for (lane, effects) in effects {
        let mut found = lanes.remove(lane).unwrap_or_default();
        for effect in effects {
            let Some(number) = effect.number else { continue };
            let item = found.remove(&(number as u64));
            deployment_is(&item.unwrap_or_else(|| panic!("{lane:?} has no #{number}")), effect);
        }
        assert!(found.is_empty(), "{lane:?} has {found:?}");
    }
}

fn deployment_is(item: &Value, effect: &Effect<'_>) {
    let line = effect.line;
    assert_eq!(item["classification"], effect.kind, "{item} for {line:?}");
    assert_eq!(item["replaced"], place(effect.from.as_ref()), "{item} for {line:?}");
    assert_eq!(item["release"]["version"], json!(line.version), "{item} for {line:?}");
    assert_eq!(item["release"]["commit"], *line.commit, "{item} for {line:?}");
    assert_eq!(item["actor"]["id"], *line.actor, "{item} for {line:?}");
    assert_eq!(item["status"], "succeeded", "{item} for {line:?}");
    assert_eq!(at(&item["requested_at"]), effect.at, "{item} for {line:?}");
    assert_eq!(at(&item["finished_at"]), effect.at, "{item} for {line:?}");
}

/// What runs, in every environment that there is.
pub(crate) fn state_is(client: &Client, position: &str, expected: &State) {
    let list = client.get_at("/v1/environments", position);
    let listed: BTreeMap<_, _> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (text(&one["environment"]), one["lanes"].as_u64().unwrap()))
        .collect();
    let expected_lanes: BTreeMap<_, _> =
        expected.iter().map(|(name, lanes)| (name.clone(), lanes.len() as u64)).collect();
    assert_eq!(listed, expected_lanes);
    for (environment, expected) in expected {
        let board = client.get_at(&format!("/v1/environments/{}", encode(environment)), position);
        assert_eq!(running(&board), *expected, "{environment}");
    }
}

/// What runs on a board, by service.
pub(crate) fn running(board: &Value) -> BTreeMap<String, String> {
    let lanes = board["lanes"].as_array().unwrap().iter();
    lanes
        .filter(|lane| !lane["current"].is_null())
        .map(|lane| (text(&lane["service"]), text(&lane["current"]["release"]["version"])))
        .collect()
}

/// The rollbacks of the lanes that are expected, with what they took back; tells how many.
pub(crate) fn rollbacks_are(client: &Client, position: &str, effects: &Effects<'_>) -> usize {
    let mut expected = BTreeMap::new();
    for (lane, effects) in effects {
        for effect in effects.iter().filter(|effect| effect.kind == "rollback") {
            let reverts: Vec<_> = effect.reverts.iter().map(|one| place(Some(one))).collect();
            let told = json!([
                place(effect.from.as_ref()),
                place(effect.back_to.as_ref()),
                reverts,
                effect.line.actor,
            ]);
            expected.insert((lane.clone(), effect.number.unwrap() as u64), told);
        }
    }
    let items = client.pages("/v1/rollbacks?order=oldest", position).into_iter();
    let items = items.filter(|item| effects.contains_key(&lane_of(item)));
    let mut found = BTreeMap::new();
    for item in items {
        assert_eq!(item["declared"], false, "{item}");
        assert_eq!(item["status"], "succeeded", "{item}");
        let told = json!([item["from"], item["to"], item["reverts"], item["actor"]["id"]]);
        let before = found.insert((lane_of(&item), item["number"].as_u64().unwrap()), told);
        assert!(before.is_none(), "a rollback is listed twice: {item}");
    }
    for (which, expected) in &expected {
        assert_eq!(found.get(which), Some(expected), "{which:?}");
    }
    assert_eq!(found.len(), expected.len());
    found.len()
}

fn place(place: Option<&Place>) -> Value {
    place.map_or(Value::Null, |(number, version)| json!({"number": number, "version": version}))
}

fn lane_of(item: &Value) -> LaneName {
    (text(&item["service"]), text(&item["environment"]))
}

fn at(value: &Value) -> Timestamp {
    text(value).parse().unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
