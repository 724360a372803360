//! What the files alone come to.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, Zoned, tz::TimeZone};
use serde_json::{Value, json};

use crate::histories::{
    data::{History, LaneName},
    fold::{Effect, Effects},
};

/// When it is asked: after all that the files tell of.
pub(super) const NOW: &str = "2026-10-01T00:00:00.000000Z";

/// An instant in between.
pub(super) const AT: &str = "2024-06-01T12:00:00.000000Z";

type Rows = Vec<Vec<Value>>;

/// A history, and the two environments that are compared.
pub(super) struct Asked<'h> {
    pub(super) effects: &'h Effects<'h>,
    pub(super) history: &'h History,
    pub(super) from: &'h str,
    pub(super) to: &'h str,
}

fn utc(at: Timestamp) -> Zoned {
    at.to_zoned(TimeZone::UTC)
}

fn week(at: Timestamp) -> String {
    let week = utc(at).date().iso_week_date();
    format!("{:04}-W{:02}", week.year(), week.week())
}

fn text(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

fn weekday(at: Timestamp) -> i8 {
    utc(at).weekday().to_sunday_zero_offset()
}

fn rounded(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

#[expect(clippy::cast_precision_loss, reason = "they are few")]
fn share(part: usize, whole: usize) -> f64 {
    rounded(100.0 * part as f64 / whole as f64)
}

impl<'h> Asked<'h> {
    pub(super) fn answers(&self) -> BTreeMap<&'static str, Rows> {
        BTreeMap::from([
            ("Deployments per week and team", self.per_week()),
            ("Lead time by service", self.lead_time()),
            ("Rollbacks by week and actor", self.rollbacks_per_week()),
            ("The releases that ran longest", self.longest()),
            ("Friday deployments that were rolled back", self.fridays()),
            ("Drift between two environments", self.drift()),
            ("The share of deployments that were taken back", self.taken_back()),
            ("How long it took until it was taken back", self.until_taken_back()),
            ("What has not been deployed for a long time", self.stale()),
            ("The busiest hours of the week", self.busiest()),
            ("Who deploys what", self.who()),
            ("What ran at an instant", self.at()),
        ])
    }

    fn all(&self) -> impl Iterator<Item = (&'h LaneName, &'h Effect<'h>)> {
        self.effects.iter().flat_map(|(lane, effects)| effects.iter().map(move |one| (lane, one)))
    }

    fn deployments(&self) -> impl Iterator<Item = (&'h LaneName, &'h Effect<'h>)> {
        self.all().filter(|(_, effect)| effect.number.is_some())
    }

    fn rollbacks(&self) -> impl Iterator<Item = (&'h LaneName, &'h Effect<'h>)> {
        self.all().filter(|(_, effect)| effect.kind == "rollback")
    }

    fn of_number(&self, lane: &LaneName, number: usize) -> &'h Effect<'h> {
        self.effects[lane].iter().find(|effect| effect.number == Some(number)).unwrap()
    }

    fn per_week(&self) -> Rows {
        let mut weeks = BTreeMap::new();
        for (_, effect) in self.deployments() {
            *weeks.entry(week(effect.at)).or_insert(0) += 1;
        }
        weeks
            .into_iter()
            .map(|(week, count)| vec![json!(week), Value::Null, json!(count)])
            .collect()
    }

    #[expect(clippy::cast_precision_loss, reason = "they are few")]
    fn lead_time(&self) -> Rows {
        let mut first = BTreeMap::new();
        for ((service, environment), effect) in self.deployments() {
            let version = effect.line.version.as_ref().unwrap();
            first
                .entry((service, version, environment.as_str()))
                .and_modify(|at: &mut Timestamp| *at = effect.at.min(*at))
                .or_insert(effect.at);
        }
        let mut took: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
        for ((service, version, environment), earlier) in &first {
            let later = first.get(&(*service, *version, self.to));
            if let Some(later) =
                later.filter(|later| *environment == self.from && *later >= earlier)
            {
                took.entry(service).or_default().push(later.as_second() - earlier.as_second());
            }
        }
        let mut rows: Vec<_> = took
            .into_iter()
            .map(|(service, took)| {
                let mean = took.iter().sum::<i64>() as f64 / took.len() as f64 / 3_600.0;
                (service, took.len(), rounded(mean))
            })
            .collect();
        rows.sort_by(|one, other| other.2.total_cmp(&one.2).then(one.0.cmp(other.0)));
        rows.into_iter()
            .map(|(service, count, mean)| vec![json!(service), json!(count), json!(mean)])
            .collect()
    }

    fn rollbacks_per_week(&self) -> Rows {
        let mut weeks = BTreeMap::new();
        for (_, effect) in self.rollbacks() {
            *weeks.entry((week(effect.at), &effect.line.actor)).or_insert(0) += 1;
        }
        weeks
            .into_iter()
            .map(|((week, actor), count)| vec![json!(week), json!(actor), json!(count)])
            .collect()
    }

    fn longest(&self) -> Rows {
        let now: Timestamp = NOW.parse().unwrap();
        let mut stays = Vec::new();
        for ((service, environment), effects) in self.effects {
            for (nth, effect) in effects.iter().enumerate() {
                let until = effects.get(nth + 1).map_or(now, |next| next.at);
                if let Some(version) = &effect.line.version {
                    let lasted = until.as_second() - effect.at.as_second();
                    stays.push((-lasted, service, environment, version, effect.at, until));
                }
            }
        }
        stays.sort();
        let row = |(lasted, service, environment, version, since, until): (i64, _, _, _, _, _)| {
            vec![
                json!(service),
                json!(environment),
                json!(version),
                json!(text(since)),
                json!(text(until)),
                json!(-lasted / 86_400),
            ]
        };
        stays.into_iter().take(20).map(row).collect()
    }

    fn fridays(&self) -> Rows {
        let mut rows = Vec::new();
        for (lane, effect) in self.rollbacks() {
            for (number, version) in &effect.reverts {
                if weekday(self.of_number(lane, *number).at) == 5 {
                    rows.push((lane, *number, version, effect.number.unwrap()));
                }
            }
        }
        rows.sort();
        let row = |(lane, number, version, by): (&LaneName, _, _, _)| {
            vec![json!(lane.0), json!(lane.1), json!(number), json!(version), json!(by)]
        };
        rows.into_iter().map(row).collect()
    }

    fn drift(&self) -> Rows {
        let runs = |service: &str, environment: &str| {
            self.history.state.get(environment).and_then(|lanes| lanes.get(service)).cloned()
        };
        let is_there = |service: &String, environment: &str| {
            self.effects.contains_key(&(service.clone(), environment.to_owned()))
        };
        let services: BTreeSet<_> = self.effects.keys().map(|(service, _)| service).collect();
        services
            .into_iter()
            .filter(|service| is_there(service, self.from) && is_there(service, self.to))
            .map(|service| (service, runs(service, self.from), runs(service, self.to)))
            .filter(|(_, from, to)| from != to)
            .map(|(service, from, to)| vec![json!(service), json!(from), json!(to)])
            .collect()
    }

    fn taken_back(&self) -> Rows {
        let taken: BTreeSet<_> = self
            .rollbacks()
            .flat_map(|(lane, effect)| {
                effect.reverts.iter().map(move |(number, _)| (lane, *number))
            })
            .collect();
        let mut services: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for (lane, effect) in self.deployments() {
            let (all, back) = services.entry(&lane.0).or_default();
            *all += 1;
            *back += usize::from(taken.contains(&(lane, effect.number.unwrap())));
        }
        let mut rows: Vec<_> = services.into_iter().collect();
        rows.sort_by(|(one, (all, back)), (other, (others, theirs))| {
            share(*theirs, *others).total_cmp(&share(*back, *all)).then(one.cmp(other))
        });
        let row = |(service, (all, back))| {
            vec![json!(service), json!(all), json!(back), json!(share(back, all))]
        };
        rows.into_iter().map(row).collect()
    }

    fn until_taken_back(&self) -> Rows {
        let mut lanes: BTreeMap<&LaneName, Vec<i64>> = BTreeMap::new();
        for (lane, effect) in self.rollbacks() {
            let Some((left, _)) = &effect.from else { continue };
            let ran = effect.at.as_second() - self.of_number(lane, *left).at.as_second();
            lanes.entry(lane).or_default().push(ran / 60);
        }
        let mut rows: Vec<_> = lanes.into_iter().collect();
        rows.sort_by_key(|(lane, ran)| (std::cmp::Reverse(ran.len()), *lane));
        let row = |(lane, ran): (&LaneName, Vec<i64>)| {
            vec![
                json!(lane.0),
                json!(lane.1),
                json!(ran.len()),
                json!(ran.iter().min()),
                json!(ran.iter().max()),
            ]
        };
        rows.into_iter().map(row).collect()
    }

    fn stale(&self) -> Rows {
        let now: Timestamp = NOW.parse().unwrap();
        let limit = now - jiff::SignedDuration::from_hours(180 * 24);
        let last = |effects: &'h Vec<Effect<'h>>| effects.last().unwrap();
        let mut rows: Vec<_> = self
            .effects
            .iter()
            .map(|(lane, effects)| (last(effects).at, lane, last(effects).line.version.as_ref()))
            .filter(|(at, _, version)| *at < limit && version.is_some())
            .collect();
        rows.sort();
        let row = |(at, lane, version): (Timestamp, &LaneName, _)| {
            let days = (now.as_second() - at.as_second()) / 86_400;
            vec![json!(lane.0), json!(lane.1), json!(version), json!(days)]
        };
        rows.into_iter().map(row).collect()
    }

    fn busiest(&self) -> Rows {
        let mut hours = BTreeMap::new();
        for (_, effect) in self.deployments() {
            *hours.entry((weekday(effect.at), utc(effect.at).hour())).or_insert(0) += 1;
        }
        let mut rows: Vec<_> = hours.into_iter().collect();
        rows.sort_by_key(|((weekday, hour), count)| (-*count, *weekday, *hour));
        let row = |((weekday, hour), count): ((i8, i8), i32)| {
            vec![json!(weekday.to_string()), json!(format!("{hour:02}")), json!(count)]
        };
        rows.into_iter().map(row).collect()
    }

    fn who(&self) -> Rows {
        let mut actors: BTreeMap<&str, (i32, BTreeSet<&str>, Timestamp)> = BTreeMap::new();
        for (lane, effect) in self.deployments() {
            let (count, services, last) =
                actors.entry(&effect.line.actor).or_insert((0, BTreeSet::new(), effect.at));
            *count += 1;
            services.insert(&lane.0);
            *last = effect.at.max(*last);
        }
        let mut rows: Vec<_> = actors.into_iter().collect();
        rows.sort_by_key(|(actor, (count, ..))| (-*count, *actor));
        let row = |(actor, (count, services, last)): (&str, (i32, BTreeSet<&str>, _))| {
            vec![json!(actor), json!(count), json!(services.len()), json!(text(last))]
        };
        rows.into_iter().take(50).map(row).collect()
    }

    fn at(&self) -> Rows {
        let at: Timestamp = AT.parse().unwrap();
        let mut rows = Vec::new();
        for ((service, environment), effects) in self.effects {
            let last = effects.iter().rfind(|effect| effect.at <= at);
            if let Some(version) = last.and_then(|effect| effect.line.version.as_ref()) {
                rows.push((environment, service, version));
            }
        }
        rows.sort();
        let row = |(environment, service, version)| {
            vec![json!(environment), json!(service), json!(version)]
        };
        rows.into_iter().map(row).collect()
    }
}
