//! What can be asked of it.

mod reach;

use jiff::Timestamp;
use rusqlite::{Result, ToSql, params_from_iter};
use shiplog_domain::{
    lane::{DeploymentNumber, LaneId, Status},
    metadata::Actor,
    names::{EnvironmentName, ServiceName},
};

use crate::{
    ledger::{ENTRY, Place, read_entry, read_place},
    page::{Listed, Page},
    projection::View,
    sort_key,
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
}

/// One rollback, with what it reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollback {
    /// Where.
    pub lane: LaneId,
    /// Its place there.
    pub number: DeploymentNumber,
    /// Whether somebody asked for it; else it is one by what it did.
    pub declared: bool,
    /// What it left: what ran before it or, where that had been shaken by a failure, what failed.
    pub from: Option<Place>,
    /// What it brought back.
    pub to: Option<Place>,
    /// What it took back, newest first.
    pub reverts: Vec<Place>,
    /// In the words of who asked.
    pub reason: Option<String>,
    /// Who asked.
    pub actor: Actor,
    /// When.
    pub requested_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// How far it has come.
    pub status: Status,
    /// How long what it took back had run.
    pub ran_for_ms: Option<i64>,
    /// What became of what it took back; none until it has taken effect.
    pub afterwards: Option<Afterwards>,
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
    let (mut conditions, mut values) = (vec!["1".to_owned()], Vec::<Box<dyn ToSql>>::new());
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
    let (_, direction) = page.direction();
    let statement = format!(
        "SELECT {ENTRY}, r.declared, r.lane FROM rollbacks r
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
            Ok((key, reach::Found { entry, before, declared: row.get(9)?, lane: row.get(10)? }))
        })?
        .collect::<Result<Vec<_>>>()?;
    let Listed { items, next } = page.cut(found);
    let items = items.into_iter().map(|found| found.reach(view)).collect::<Result<Vec<_>>>()?;
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
        ("r.declared =", filter.declared.map(i64::from)),
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
