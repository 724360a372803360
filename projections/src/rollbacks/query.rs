//! What can be asked of it.

mod reach;
mod shared;

use jiff::Timestamp;
use rusqlite::{Result, ToSql, params_from_iter};
use shiplog_domain::{
    lane::{DeploymentNumber, Irreversible, Status},
    names::{EnvironmentName, ServiceName},
};

use self::shared::Shared;
use crate::{
    ledger::{ENTRY, ENTRY_COLUMNS, Entry, Place, read_entry, read_place},
    page::{Listed, Page},
    sort_key,
    view::View,
};

/// Which rollbacks are wanted; nothing set is all of them.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this service.
    pub service: Option<ServiceName>,
    /// In this environment.
    pub environment: Option<EnvironmentName>,
    /// Requested by the actor with this id.
    pub actor: Option<String>,
    /// Those that somebody asked for, or those that did not say.
    pub declared: Option<bool>,
    /// That have come this far.
    pub status: Option<Status>,
    /// Requested then or later.
    pub since: Option<Timestamp>,
    /// Requested before then.
    pub until: Option<Timestamp>,
    /// With this text in the reason, whatever its case.
    pub q: Option<String>,
    /// As corrected, or as it was recorded first.
    pub account: Account,
}

/// Whose account of a rollback counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Account {
    /// What is known now: corrections count.
    #[default]
    Corrected,
    /// What was said when it was asked for, whatever was corrected since.
    Reported,
}

/// One rollback, with what it reached.
#[derive(Clone, Debug)]
pub struct Rollback {
    /// The deployment; of its release only the version is here, and what it changes for good.
    pub entry: Entry,
    /// Whether somebody asked for it; else it is one by what it did.
    pub declared: bool,
    /// Whether it was recorded as one that somebody asked for, whatever was corrected since.
    pub reported: bool,
    /// What it left: what ran before it or, where that had been shaken by a failure, what failed.
    pub from: Option<Place>,
    /// What it brought back.
    pub to: Option<Place>,
    /// What it took back, newest first: at least 20, and all of it where the page has room.
    pub reverts: Vec<Place>,
    /// How many deployments it took back.
    pub reverts_count: usize,
    /// When what it left had come to its own end, well or not.
    pub left_at: Option<Timestamp>,
    /// How long what it took back had run.
    pub ran_for_ms: Option<i64>,
    /// The changes that what it brought back may not work after, newest first: at least 20, and all of it where the page has room.
    pub irreversible: Vec<Irreversible>,
    /// How many of these there are, as far as 1,000.
    pub irreversible_count: usize,
    /// Whether all of these had been shown to whoever asked; none if there is none.
    pub shown: Option<bool>,
    /// What became of what it took back; none until it has taken effect.
    pub afterwards: Option<Afterwards>,
    /// The events that all this was learned from.
    pub evidence: Vec<Evidence>,
}

/// An event that something was learned from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// What was learned from it.
    pub of: &'static str,
    /// Which deployment it happened to.
    pub number: DeploymentNumber,
    /// Its version in the lane's stream; none for the one event that requested the deployment.
    pub version: Option<u64>,
}

/// What became of a release that was taken back, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The very same version was put there again.
    DeployedAgain,
    /// A version took its place that had not run there before.
    Fixed,
    /// Neither, so far.
    NotRedeployed,
}

impl Rollback {
    /// From when what it left came to its end until this was asked for.
    pub fn to_request_ms(&self) -> Option<i64> {
        self.since_left(Some(self.entry.deployment.requested.at))
    }

    /// From when what it left came to its end until this had ended.
    pub fn to_end_ms(&self) -> Option<i64> {
        self.since_left(self.entry.deployment.finished_at())
    }

    /// None of what comes before that: something else was left than was there when it was asked for.
    fn since_left(&self, then: Option<Timestamp>) -> Option<i64> {
        let since = then?.as_millisecond() - self.left_at?.as_millisecond();
        (since >= 0).then_some(since)
    }
}

impl Afterwards {
    /// Whichever came first.
    pub fn fate(&self) -> Fate {
        let at = |later: &Option<(Place, Timestamp)>| later.as_ref().map(|(_, at)| *at);
        match (at(&self.deployed_again), at(&self.superseded_by)) {
            (Some(again), Some(other)) if again <= other => Fate::DeployedAgain,
            (_, Some(_)) => Fate::Fixed,
            (Some(_), None) => Fate::DeployedAgain,
            (None, None) => Fate::NotRedeployed,
        }
    }
}

/// What became of a release that was taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Afterwards {
    /// The first deployment that put the very same version there again, and when.
    pub deployed_again: Option<(Place, Timestamp)>,
    /// The first deployment of a version that had not run there before, and when.
    pub superseded_by: Option<(Place, Timestamp)>,
}

/// Lists rollbacks by when they were requested.
///
/// # Errors
///
/// What SQLite says.
pub fn list(view: &View<'_>, filter: &Filter, page: &Page) -> Result<Listed<Rollback>> {
    let declared = match filter.account {
        Account::Corrected => "r.declared",
        Account::Reported => "r.reported",
    };
    let (mut conditions, mut values) =
        (vec![format!("({declared} OR r.inferred)")], Vec::<Box<dyn ToSql>>::new());
    if let Some(wanted) = filter.declared {
        conditions.push(format!("{declared} = {}", u8::from(wanted)));
    }
    for (condition, value) in wanted(filter, page) {
        values.push(value);
        conditions.push(format!("{condition} ?{}", values.len()));
    }
    if let Some(q) = &filter.q {
        values.push(Box::new(q.to_lowercase()));
        conditions.push(format!(
            "instr(lower(d.document ->> '$.requested.reason'), ?{}) > 0",
            values.len()
        ));
    }
    let (account, (_, direction)) = (filter.account, page.direction());
    let statement = format!(
        "SELECT {ENTRY}, {declared}, r.reported, r.lane FROM rollbacks r
         CROSS JOIN deployments d ON d.id = r.id CROSS JOIN lanes l ON l.id = d.lane
         WHERE {} ORDER BY r.id {direction} LIMIT {}",
        conditions.join(" AND "),
        page.probe()
    );
    let found = view
        .0
        .prepare_cached(&statement)?
        .query_map(params_from_iter(values), |row| {
            let (key, entry) = read_entry(row)?;
            let before = read_place(row, 7)?;
            let [declared, reported, lane] = [0, 1, 2].map(|column| ENTRY_COLUMNS + column);
            let (declared, reported, lane) =
                (row.get(declared)?, row.get(reported)?, row.get(lane)?);
            Ok((key, reach::Found { entry, before, declared, reported, lane, account }))
        })?
        .collect::<Result<Vec<_>>>()?;
    let Listed { items, next } = page.cut(found);
    let shared = Shared::default();
    let items = items.into_iter().map(|found| found.reach(view, &shared));
    let items = items.collect::<Result<Vec<_>>>()?;
    Ok(Listed { items, next })
}

fn wanted(filter: &Filter, page: &Page) -> Vec<(&'static str, Box<dyn ToSql>)> {
    let mut wanted: Vec<(&'static str, Box<dyn ToSql>)> = Vec::new();
    let texts = [
        ("r.service =", filter.service.as_ref().map(ServiceName::as_str)),
        ("r.environment =", filter.environment.as_ref().map(EnvironmentName::as_str)),
        ("r.actor =", filter.actor.as_deref()),
        ("r.status =", filter.status.map(Status::as_str)),
    ];
    for (condition, text) in texts {
        wanted.extend(text.map(|text| (condition, Box::new(text.to_owned()) as Box<dyn ToSql>)));
    }
    let times = [
        ("r.id >=", filter.since.map(sort_key::floor)),
        ("r.requested_at >=", filter.since.map(Timestamp::as_microsecond)),
        ("r.id <", filter.until.map(sort_key::after)),
        ("r.requested_at <", filter.until.map(Timestamp::as_microsecond)),
        (
            if page.direction().0 == "<" { "r.id <" } else { "r.id >" },
            page.after.map(|after| after.0),
        ),
    ];
    for (condition, number) in times {
        wanted.extend(number.map(|number| (condition, Box::new(number) as Box<dyn ToSql>)));
    }
    wanted
}
