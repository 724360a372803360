//! All that a server tells of what runs, ran and was taken back, and whether two servers agree.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::support::{Client, encode};

/// Fields that answers have got since some release; no earlier one has them.
const ADDED: [&str; 14] = [
    "approvals",
    "configuration",
    "contents_count",
    "damaged",
    "damaged_total",
    "irreversible_count",
    "mediaType",
    "next",
    "progress",
    "queued",
    "queued_count",
    "reverts_count",
    "taken_back_by",
    "upcoming",
];

/// Words that are others since some release, each with what it was.
const RENAMED: [(&str, &str); 1] = [("not_redeployed", "abandoned")];

/// What the audit of a rollback tells of the moment at which that took effect, counted since the first
/// of the deployments in a row that put the same there: earlier releases told what it was asked for
/// with, and counted since the last of them (ADR 0027).
const OF_ONE_MOMENT: [&str; 8] = [
    "evidence",
    "irreversible",
    "left_at",
    "ran_for_ms",
    "reverts",
    "shown",
    "to_end_ms",
    "to_request_ms",
];

/// What a board says of when it was asked for.
const ASKED: [&str; 2] = ["at", "known_at"];

/// Everything that is at least as new as the log is now.
pub(crate) fn all(client: &Client) -> Value {
    let position = client.position();
    let list = |path: &str| Value::Array(client.pages(path, &position));
    let environments = client.get_at("/v1/environments", &position)["items"].take();
    let names = environments.as_array().unwrap().iter().map(|one| &one["environment"]);
    let boards: Map<_, _> = names
        .map(|name| {
            let name = name.as_str().unwrap();
            let mut board = client.get_at(&format!("/v1/environments/{}", encode(name)), &position);
            let fields = board.as_object_mut().unwrap();
            fields.retain(|field, _| !ASKED.contains(&field.as_str()));
            (name.to_owned(), board)
        })
        .collect();
    let lanes = boards.values().flat_map(|board| board["lanes"].as_array().unwrap());
    let lanes: Vec<_> = lanes.map(|lane| client.get_at(&path_of(lane), &position)).collect();
    serde_json::json!({
        "lanes": lanes,
        "boards": boards,
        "environments": environments,
        "deployments": list("/v1/deployments?order=oldest"),
        "rollbacks": list("/v1/rollbacks?order=oldest"),
        "releases": list("/v1/releases?order=oldest"),
    })
}

/// Where a lane is read alone.
pub(crate) fn path_of(lane: &Value) -> String {
    let part = |field: &str| encode(lane[field].as_str().unwrap());
    format!("/v1/lanes/{}/{}", part("service"), part("environment"))
}

/// That the newer code tells all that the older one tells, and beside it nothing but what was added
/// since; says which of that it tells.
#[track_caller]
pub(crate) fn agree(older: &Value, newer: &Value) -> BTreeSet<String> {
    let mut added = BTreeSet::new();
    if let Some(difference) = difference(older, newer, "", &mut added) {
        panic!("{difference}");
    }
    added
}

/// Where two answers are not the same first, and how; and what the newer one tells alone until there.
fn difference(
    older: &Value,
    newer: &Value,
    place: &str,
    added: &mut BTreeSet<String>,
) -> Option<String> {
    match (older, newer) {
        (Value::Object(old), Value::Object(new)) => {
            for field in new.keys().filter(|field| !old.contains_key(*field)) {
                if !ADDED.contains(&field.as_str()) {
                    return Some(format!(
                        "{place}/{field} is told by the newer one alone: is it in `ADDED`?"
                    ));
                }
                added.insert(field.clone());
            }
            old.iter().find_map(|(field, value)| {
                let is_of_one_moment = OF_ONE_MOMENT.contains(&field.as_str());
                if is_of_one_moment && place.starts_with("/rollbacks/") && tells_more(older, newer)
                {
                    return None;
                }
                let place = format!("{place}/{field}");
                match new.get(field) {
                    Some(same) => difference(value, same, &place, added),
                    None => Some(format!("{place} is told by the older one alone")),
                }
            })
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            let mut pairs = old.iter().zip(new).enumerate();
            pairs.find_map(|(index, (old, new))| {
                difference(old, new, &format!("{place}/{index}"), added)
            })
        }
        (old, new) if old == new => None,
        (Value::String(old), Value::String(new))
            if RENAMED.contains(&(new.as_str(), old.as_str())) =>
        {
            None
        }
        (old, new) => Some(format!("{place} is {old} for the older, {new} for the newer one")),
    }
}

/// Whether the newer code tells that a rollback took more back, or what had run longer.
fn tells_more(older: &Value, newer: &Value) -> bool {
    let ran = |rollback: &Value| rollback["ran_for_ms"].as_i64();
    let reverts = |rollback: &Value| rollback["reverts"].as_array().map(Vec::len);
    ran(older).zip(ran(newer)).is_some_and(|(older, newer)| newer > older)
        || reverts(older) < reverts(newer)
}
