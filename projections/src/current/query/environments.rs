//! What was declared of environments, as of an instant.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Result, types::Type};
use shiplog_domain::{
    decider::Decider,
    environment::{Environment, State, Tier, stream},
    names::EnvironmentName,
    wire::{Decoded, DomainEvent, EncodedEvent},
};

use super::{
    AsOf, EnvironmentRow,
    lanes::{self, Instant},
};
use crate::{
    columns::name,
    page::{ListedByName, PageByName},
    view::View,
};

/// A page of the environments that were ever deployed to or declared, by name, as they are at an
/// instant, each with how many services run there.
///
/// # Errors
///
/// What SQLite says.
pub fn environments(
    view: &View<'_>,
    now: Timestamp,
    page: &PageByName,
) -> Result<ListedByName<(EnvironmentRow, u64)>> {
    let instant = Instant::from(AsOf::at(now));
    let names = names(view, page.after.as_deref(), page.probe())?;
    let ListedByName { items, next } = page.cut(names, EnvironmentName::as_str);
    let items = view.each(items, |view, name| {
        let mut running = 0;
        lanes::for_each(view, Some(&name), |lane| {
            let runs = lane.at(view, instant)?.is_some_and(|lane| lane.runs());
            running += u64::from(runs);
            Ok(())
        })?;
        Ok((row(view, &name, instant)?, running))
    })?;
    Ok(ListedByName { items, next })
}

/// Every environment that was ever deployed to or declared, by name, and what was declared of each
/// by an instant.
///
/// # Errors
///
/// What SQLite says.
pub fn declared_environments(view: &View<'_>, as_of: AsOf) -> Result<Vec<EnvironmentRow>> {
    let names = names(view, None, usize::MAX)?;
    view.each(names, |view, name| row(view, &name, as_of.into()))
}

/// Whether an environment was ever deployed to or declared.
///
/// # Errors
///
/// What SQLite says.
pub fn is_heard_of(view: &View<'_>, name: &EnvironmentName) -> Result<bool> {
    let known = view
        .0
        .prepare_cached("SELECT 1 FROM environments WHERE name = ?")?
        .query_row([name.as_str()], |_| Ok(()))
        .optional()?;
    Ok(known.is_some())
}

/// The environments that were ever heard of by name, after one of them, and no more than `limit`.
fn names(view: &View<'_>, after: Option<&str>, limit: usize) -> Result<Vec<EnvironmentName>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    view.0
        .prepare_cached("SELECT name FROM environments WHERE name > ?1 ORDER BY name LIMIT ?2")?
        .query_map((after.unwrap_or(""), limit), |row| name(0, row.get_ref(0)?.as_str()?))?
        .collect()
}

/// The environment's row.
pub(super) fn row(
    view: &View<'_>,
    environment: &EnvironmentName,
    instant: Instant,
) -> Result<EnvironmentRow> {
    let state = state(view, environment, instant)?;
    Ok(EnvironmentRow {
        environment: environment.clone(),
        tier: state.rules.map_or_else(|| Tier::guess(environment), |rules| rules.tier),
        declared: state.rules.is_some(),
        retired: state.retired,
        rules: state.rules,
        freezes: state.freezes,
    })
}

/// What was declared by then, and the freezes that were planned by then for later.
fn state(view: &View<'_>, environment: &EnvironmentName, instant: Instant) -> Result<State> {
    let mut statement = view.0.prepare_cached(
        "SELECT type, schema, data FROM declarations
         WHERE environment = ?1 AND recorded_at <= ?3
           AND (at <= ?2
                OR recorded_at <= ?2 AND type IN ('EnvironmentFrozen', 'EnvironmentUnfrozen'))
         ORDER BY at, position",
    )?;
    let mut rows = statement.query((environment.as_str(), instant.at, instant.known_until()))?;
    let mut state = State::default();
    while let Some(row) = rows.next()? {
        let stored = EncodedEvent {
            event_type: row.get::<_, String>(0)?.into(),
            schema: row.get(1)?,
            readable_from: 1,
            ignorable: true,
            data: row.get::<_, String>(2)?.into(),
        };
        let decoded = DomainEvent::decode(&stream(environment), &stored).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(2, Type::Text, Box::new(error))
        })?;
        if let Decoded::Known(DomainEvent::Environment(event)) = decoded {
            state = Environment::evolve(state, &event);
        }
    }
    Ok(state)
}
