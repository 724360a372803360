//! The examples: each against a computation of its own, which knows nothing of Shiplog.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs,
    path::Path,
};

use jiff::{Timestamp, civil::Weekday, tz::TimeZone};
use serde_json::{Value, json};

use super::{define, partitions, state};
use crate::{
    histories::{
        data::{History, LaneName},
        fold::{Effect, Effects},
    },
    support::Client,
};

/// The environments that a history has, in the places of those that the examples name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Named {
    pub(crate) staging: &'static str,
    pub(crate) production: &'static str,
}

/// What an example comes to, computed from a history without it.
type Computation = fn(&Story<'_>) -> Value;

/// Defines every example, and compares what it comes to; the server has the whole of a history.
pub(crate) fn are_right(client: &Client, history: &History, effects: &Effects<'_>, named: Named) {
    let story = Story { order: in_order(history, effects), effects, named };
    let examples: [(&str, Computation); 8] = [
        ("deployments-per-week", per_week),
        ("lead-time", lead_time),
        ("rollbacks-by-actor", rollbacks_by_actor),
        ("longest-running", longest_running),
        ("friday-rollbacks", friday_rollbacks),
        ("drift", drift),
        ("busiest-hours", busiest_hours),
        ("widest-changes", widest_changes),
    ];
    for (name, _) in examples {
        define(client, name, &source(name, named)).expect(201);
    }
    for (name, compute) in examples {
        let (found, expected) = (result(client, name), compute(&story));
        assert!(is_same(&found, &expected), "{name}: {found:#} instead of {expected:#}");
    }
}

/// An example as it is, but for the names of environments.
pub(crate) fn source(name: &str, named: Named) -> String {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("examples/projections/{name}.js"));
    let Named { staging, production } = named;
    fs::read_to_string(file)
        .unwrap()
        .replace("\"production\"", &format!("\"{production}\""))
        .replace("\"staging\"", &format!("\"{staging}\""))
}

/// What a projection makes of its state or, with partitions, of each that it makes something of.
pub(crate) fn result(client: &Client, name: &str) -> Value {
    let partitions = partitions(client, name);
    if let [one] = &partitions[..]
        && one["partition"] == ""
    {
        return state(client, name)["result"].take();
    }
    let told = partitions.into_iter().filter(|one| !one["result"].is_null());
    let told =
        told.map(|mut one| (one["partition"].as_str().unwrap().to_owned(), one["result"].take()));
    Value::Object(told.collect())
}

/// The same but for the last digits of numbers.
pub(crate) fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            let (one, other) = (one.as_f64().unwrap(), other.as_f64().unwrap());
            (one - other).abs() <= 1e-9 * one.abs().max(1.0)
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let same = |(key, value): (&String, &Value)| {
                other.get(key).is_some_and(|other| is_same(value, other))
            };
            one.len() == other.len() && one.iter().all(same)
        }
        (one, other) => one == other,
    }
}

/// A history as the computations see it.
struct Story<'h> {
    /// Each line and what it came to, in the order of the lines.
    order: Vec<&'h Effect<'h>>,
    effects: &'h Effects<'h>,
    named: Named,
}

fn in_order<'h>(history: &History, effects: &'h Effects<'h>) -> Vec<&'h Effect<'h>> {
    let mut lanes: HashMap<LaneName, _> =
        effects.iter().map(|(lane, effects)| (lane.clone(), effects.iter())).collect();
    history.lines.iter().map(|line| lanes.get_mut(&line.lane()).unwrap().next().unwrap()).collect()
}

impl Story<'_> {
    fn deployments(&self) -> impl Iterator<Item = (&Effect<'_>, &str)> {
        self.order.iter().filter_map(|effect| Some((*effect, effect.line.version.as_deref()?)))
    }

    /// What each lane comes to, if it comes to something, by its stream.
    fn by_lane(&self, of: impl Fn(&[Effect<'_>]) -> Value) -> Value {
        let told = self.effects.iter().map(|((service, environment), effects)| {
            (format!("lane-{service}@{environment}"), of(effects))
        });
        Value::Object(told.filter(|(_, value)| !value.is_null()).collect())
    }
}

fn utc(at: Timestamp) -> jiff::Zoned {
    at.to_zoned(TimeZone::UTC)
}

fn between(from: Timestamp, to: Timestamp, seconds: f64) -> f64 {
    to.duration_since(from).as_secs_f64() / seconds
}

fn per_week(story: &Story<'_>) -> Value {
    let mut weeks: BTreeMap<String, BTreeMap<&str, u64>> = BTreeMap::new();
    for (effect, _) in story.deployments() {
        let week = utc(effect.at).date().iso_week_date();
        let week = format!("{}-W{:02}", week.year(), week.week());
        *weeks.entry(week).or_default().entry("no team").or_default() += 1;
    }
    json!(weeks)
}

fn lead_time(story: &Story<'_>) -> Value {
    let mut first: HashMap<(&str, &str), Timestamp> = HashMap::new();
    for (effect, version) in story.deployments() {
        let at = first.entry((&effect.line.service, version)).or_insert(effect.at);
        *at = (*at).min(effect.at);
    }
    let mut times: BTreeMap<&str, Vec<(&str, f64)>> = BTreeMap::new();
    for (effect, version) in story.deployments() {
        let service = effect.line.service.as_str();
        let times = times.entry(service).or_default();
        let is_first = times.iter().all(|(one, _)| *one != version);
        if effect.line.environment == story.named.production && is_first {
            times.push((version, between(first[&(service, version)], effect.at, 3600.0)));
        }
    }
    let told = times.into_iter().filter(|(_, times)| !times.is_empty()).map(|(service, times)| {
        let count = u32::try_from(times.len()).unwrap();
        let mean = times.iter().map(|(_, hours)| hours).sum::<f64>() / f64::from(count);
        let (version, hours) = times.iter().copied().reduce(longer).unwrap();
        let longest = json!({ "version": version, "hours": hours });
        (service.to_owned(), json!({ "count": count, "mean": mean, "longest": longest }))
    });
    Value::Object(told.collect())
}

/// Of two that are equally long, the first.
fn longer<'v>(one: (&'v str, f64), other: (&'v str, f64)) -> (&'v str, f64) {
    if other.1 > one.1 { other } else { one }
}

fn rollbacks_by_actor(story: &Story<'_>) -> Value {
    story.by_lane(|effects| {
        let mut people: BTreeMap<&str, u64> = BTreeMap::new();
        for effect in effects.iter().filter(|effect| effect.kind == "rollback") {
            *people.entry(&effect.line.actor).or_default() += 1;
        }
        if people.is_empty() { Value::Null } else { json!(people) }
    })
}

fn longest_running(story: &Story<'_>) -> Value {
    story.by_lane(|effects| {
        let mut running: Option<(&str, Timestamp)> = None;
        let mut longest: Option<(&str, Timestamp, f64)> = None;
        for effect in effects {
            let version = effect.line.version.as_deref();
            if running.map(|(version, _)| version) == version {
                continue;
            }
            if let Some((version, since)) = running {
                let days = between(since, effect.at, 86_400.0);
                if longest.is_none_or(|(_, _, longest)| days > longest) {
                    longest = Some((version, since, days));
                }
            }
            running = version.map(|version| (version, effect.at));
        }
        longest.map_or(Value::Null, |(version, since, days)| {
            json!({ "version": version, "since": since.to_string(), "days": days })
        })
    })
}

fn friday_rollbacks(story: &Story<'_>) -> Value {
    story.by_lane(|effects| {
        let put: Vec<_> = effects.iter().filter(|effect| effect.number.is_some()).collect();
        let friday = |effect: &Effect<'_>| utc(effect.at).weekday() == Weekday::Friday;
        let fridays = put.iter().filter(|effect| friday(effect)).count();
        if fridays == 0 {
            return Value::Null;
        }
        let back = put.windows(2).filter(|pair| friday(pair[0]) && pair[1].kind == "rollback");
        let back =
            back.map(|pair| json!({ "number": pair[0].number, "version": pair[0].line.version }));
        json!({ "fridays": fridays, "rolledBack": back.collect::<Vec<_>>() })
    })
}

fn drift(story: &Story<'_>) -> Value {
    let Named { staging, production } = story.named;
    let mut runs: BTreeMap<(&str, &str), (&str, Timestamp)> = BTreeMap::new();
    for effect in &story.order {
        let key = (effect.line.service.as_str(), effect.line.environment.as_str());
        match effect.line.version.as_deref() {
            None => drop(runs.remove(&key)),
            Some(version) if runs.get(&key).is_some_and(|(runs, _)| *runs == version) => {}
            Some(version) => drop(runs.insert(key, (version, effect.at))),
        }
    }
    let told = runs.iter().filter(|((_, environment), _)| *environment == staging);
    let told = told.filter_map(|((service, _), before)| {
        let after = runs.get(&(service, production)).filter(|after| after.0 != before.0)?;
        let shown = |(version, since): &(&str, Timestamp)| {
            json!({ "version": version, "since": since.to_string() })
        };
        Some(((*service).to_owned(), json!({ staging: shown(before), production: shown(after) })))
    });
    Value::Object(told.collect())
}

fn busiest_hours(story: &Story<'_>) -> Value {
    let mut hours = [[0_u64; 24]; 7];
    for (effect, _) in story.deployments() {
        let at = utc(effect.at);
        let day = usize::try_from(at.weekday().to_monday_zero_offset()).unwrap();
        hours[day][usize::try_from(at.hour()).unwrap()] += 1;
    }
    json!(hours)
}

fn widest_changes(story: &Story<'_>) -> Value {
    let mut changes: BTreeMap<&str, HashSet<LaneName>> = BTreeMap::new();
    for (effect, _) in story.deployments() {
        changes.entry(&effect.line.commit).or_default().insert(effect.line.lane());
    }
    let told = changes.into_iter().filter(|(_, lanes)| lanes.len() >= 10);
    Value::Object(told.map(|(commit, lanes)| (commit.to_owned(), json!(lanes.len()))).collect())
}
