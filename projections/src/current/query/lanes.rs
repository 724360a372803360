//! One lane's row, and what it was at an instant.

use std::{collections::BTreeMap, iter, ops::RangeInclusive};

use jiff::Timestamp;
use rusqlite::{Error, OptionalExtension, Result, Row};
use shiplog_domain::{
    lane::LaneId,
    names::{EnvironmentName, ServiceName, Version},
};

use super::{AsOf, lane_at::LaneAt};
use crate::{
    columns::name,
    current::{
        rows::{read_fact, read_standing},
        same::Contents,
        timeline::{self, Dated, Standing},
    },
    view::View,
};

/// An instant on both clocks, in microseconds; nothing is "all there is".
#[derive(Clone, Copy, Debug)]
pub(in crate::current) struct Instant {
    pub(in crate::current) at: i64,
    known_at: Option<i64>,
}

impl From<AsOf> for Instant {
    fn from(AsOf { at, known_at }: AsOf) -> Self {
        Self { at: at.as_microsecond(), known_at: known_at.map(Timestamp::as_microsecond) }
    }
}

impl Instant {
    pub(in crate::current) fn known_until(self) -> i64 {
        self.known_at.unwrap_or(i64::MAX)
    }
}

/// A lane as the table has it: its last end.
#[derive(Debug)]
pub(super) struct LaneRow {
    pub(super) id: i64,
    pub(super) lane: LaneId,
    version: u64,
    /// When the last fact happened or happens.
    at: i64,
    recorded_at: i64,
    late: bool,
    standing: Standing,
}

const COLUMNS: &str = "SELECT id, service, version, at, recorded_at, late, running, since, begun,
    waiting, waiting_count, failed, failed_at, doubted, doubt, environment FROM lanes";

/// How many deployments have their versions looked up at first; each time twice as many as before.
const AT_FIRST: usize = 4;

/// The lanes of an environment by service, after one of them, and no more than `limit`.
pub(super) fn of_environment(
    view: &View<'_>,
    name: &EnvironmentName,
    (after, limit): (Option<&str>, usize),
) -> Result<Vec<LaneRow>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    view.0
        .prepare_cached(&format!(
            "{COLUMNS} WHERE environment = ?1 AND service > ?2 ORDER BY service LIMIT ?3"
        ))?
        // No service has an empty name.
        .query_map((name.as_str(), after.unwrap_or(""), limit), |row| read(row, name))?
        .collect()
}

/// Looks at each lane of an environment, or of all of them, without keeping any.
pub(super) fn for_each(
    view: &View<'_>,
    name: Option<&EnvironmentName>,
    mut look: impl FnMut(&LaneRow) -> Result<()>,
) -> Result<()> {
    let narrowed = if name.is_some() { "WHERE environment = ?1" } else { "WHERE ?1 IS NULL" };
    let mut statement =
        view.0.prepare_cached(&format!("{COLUMNS} {narrowed} ORDER BY environment"))?;
    let mut rows = statement.query([name.map(EnvironmentName::as_str)])?;
    let mut last = None::<EnvironmentName>;
    while let Some(row) = rows.next()? {
        let environment = environment(row, last.take())?;
        look(&read(row, &environment)?)?;
        last = Some(environment);
    }
    Ok(())
}

/// The lanes of a service.
pub(super) fn of_service(view: &View<'_>, service: &ServiceName) -> Result<Vec<LaneRow>> {
    view.0
        .prepare_cached(&format!("{COLUMNS} WHERE service = ?1"))?
        .query_map([service.as_str()], |row| read(row, &environment(row, None)?))?
        .collect()
}

pub(super) fn one(view: &View<'_>, id: &LaneId) -> Result<Option<LaneRow>> {
    view.0
        .prepare_cached(&format!("{COLUMNS} WHERE environment = ?1 AND service = ?2"))?
        .query_row([id.environment.as_str(), id.service.as_str()], |row| read(row, &id.environment))
        .optional()
}

/// The environment of a row, which most often is that of the row before.
fn environment(row: &Row<'_>, last: Option<EnvironmentName>) -> Result<EnvironmentName> {
    let text = row.get_ref(15)?.as_str()?;
    match last {
        Some(last) if last.as_str() == text => Ok(last),
        Some(_) | None => name(15, text),
    }
}

fn read(row: &Row<'_>, environment: &EnvironmentName) -> Result<LaneRow> {
    Ok(LaneRow {
        id: row.get(0)?,
        lane: LaneId {
            environment: environment.clone(),
            service: name(1, row.get_ref(1)?.as_str()?)?,
        },
        version: row.get(2)?,
        at: row.get(3)?,
        recorded_at: row.get(4)?,
        late: row.get(5)?,
        standing: read_standing(row, 6)?,
    })
}

/// Each deployment once for as long as it ran; between two of them may be nothing.
fn once_each(running: impl Iterator<Item = Result<Dated>>) -> impl Iterator<Item = Result<Dated>> {
    let mut last = None;
    running.filter(move |one| one.as_ref().map_or(true, |one| last.replace(*one) != Some(*one)))
}

impl LaneRow {
    /// Whether the row itself says what the lane was at an instant, so that nothing else is read.
    pub(super) fn is_settled(&self, instant: Instant) -> bool {
        self.is_known(instant) && self.at <= instant.at
    }

    /// What the lane was at an instant; none if it was nothing yet.
    pub(super) fn at<'v>(
        &'v self,
        view: &'v View<'_>,
        instant: Instant,
    ) -> Result<Option<LaneAt<'v>>> {
        let is_known = self.is_known(instant);
        let standing = if self.is_settled(instant) {
            Some(self.standing)
        } else if self.has_rows_of(instant) {
            self.seek(view, instant)?
        } else {
            self.fold(view, instant)?
        };
        let Some(standing) = standing.or_else(|| self.is_later(instant).then(Standing::default))
        else {
            return Ok(None);
        };
        let version = if is_known { self.version } else { self.known_version(view, instant)? };
        Ok(Some(LaneAt { view, row: self, version, instant, standing }))
    }

    /// What is recorded to run from a later instant on, if that is something else.
    pub(super) fn upcoming(&self, instant: Instant, standing: Standing) -> Option<Dated> {
        let later = self.standing.running.filter(|_| self.is_later(instant));
        later.filter(|later| later.1 > instant.at && standing.running != Some(*later))
    }

    /// Whether something was recorded by then for later: of an instant before the last record, nobody
    /// asks what is to come.
    fn is_later(&self, instant: Instant) -> bool {
        self.recorded_at <= instant.at && self.at > instant.at && self.is_known(instant)
    }

    /// The stream's version as far as it was known.
    fn known_version(&self, view: &View<'_>, instant: Instant) -> Result<u64> {
        view.0
            .prepare_cached("SELECT max(version) FROM facts WHERE lane = ?1 AND recorded_at <= ?2")?
            .query_row((self.id, instant.known_until()), |row| {
                Ok(row.get::<_, Option<u64>>(0)?.unwrap_or(0))
            })
    }

    /// What has run in the lane up to an instant, the latest first, for as long as `goes_on` says so.
    pub(super) fn ran(
        &self,
        view: &View<'_>,
        instant: Instant,
        goes_on: &mut dyn FnMut(&Version) -> bool,
    ) -> Result<Vec<Version>> {
        if !self.has_rows_of(instant) {
            let standings = self.known_standings(view, instant)?;
            let running = standings.iter().rev().filter_map(|standing| standing.running);
            return self.versions(view, running.map(Ok), goes_on);
        }
        // Kind 0, a request, changes nothing of what runs.
        let mut statement = view.0.prepare_cached(
            "SELECT running, since FROM facts
             WHERE lane = ?1 AND at <= ?2 AND recorded_at <= ?3 AND kind <> 0
                   AND running IS NOT NULL
             ORDER BY at DESC, position DESC",
        )?;
        let running = statement.query_map((self.id, instant.at, instant.known_until()), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        self.versions(view, running, goes_on)
    }

    /// The versions of what ran, read no further than about twice as far as is wanted.
    fn versions(
        &self,
        view: &View<'_>,
        running: impl Iterator<Item = Result<Dated>>,
        goes_on: &mut dyn FnMut(&Version) -> bool,
    ) -> Result<Vec<Version>> {
        let mut running = once_each(running);
        let mut versions = Vec::new();
        for many in iter::successors(Some(AT_FIRST), |many| many.checked_mul(2)) {
            let some = running.by_ref().take(many).map(|one| Ok(one?.0));
            let numbers = some.collect::<Result<Vec<_>>>()?;
            let Some((first, last)) = numbers.iter().min().zip(numbers.iter().max()) else { break };
            let known = self.versions_among(view, *first..=*last)?;
            for number in numbers {
                let version = known.get(&number).ok_or(Error::QueryReturnedNoRows)?;
                versions.push(version.clone());
                if !goes_on(version) {
                    return Ok(versions);
                }
            }
        }
        Ok(versions)
    }

    fn versions_among(
        &self,
        view: &View<'_>,
        numbers: RangeInclusive<u32>,
    ) -> Result<BTreeMap<u32, Version>> {
        view.0
            .prepare_cached(
                "SELECT number, version FROM deployments
                 WHERE lane = ?1 AND number BETWEEN ?2 AND ?3",
            )?
            .query_map((self.id, numbers.start(), numbers.end()), |row| {
                Ok((row.get(0)?, name(1, row.get_ref(1)?.as_str()?)?))
            })?
            .collect()
    }

    /// Whether all that is recorded of the lane was known.
    fn is_known(&self, instant: Instant) -> bool {
        instant.known_at.is_none_or(|known_at| self.recorded_at <= known_at)
    }

    /// Whether the rows tell what was known: where nothing ever came late, that is a prefix of what
    /// happened.
    fn has_rows_of(&self, instant: Instant) -> bool {
        self.is_known(instant) || !self.late
    }

    fn seek(&self, view: &View<'_>, instant: Instant) -> Result<Option<Standing>> {
        view.0
            .prepare_cached(
                "SELECT running, since, begun, waiting, waiting_count, failed, failed_at, doubted,
                        doubt
                 FROM facts WHERE lane = ?1 AND at <= ?2 AND recorded_at <= ?3
                 ORDER BY at DESC, position DESC LIMIT 1",
            )?
            .query_row((self.id, instant.at, instant.known_until()), |row| read_standing(row, 0))
            .optional()
    }

    fn fold(&self, view: &View<'_>, instant: Instant) -> Result<Option<Standing>> {
        Ok(self.known_standings(view, instant)?.pop())
    }

    /// What the lane was after each thing that had happened by then, as far as it was known.
    fn known_standings(&self, view: &View<'_>, instant: Instant) -> Result<Vec<Standing>> {
        let known = view
            .0
            .prepare_cached(
                "SELECT at, position, kind, number, target, version FROM facts
                 WHERE lane = ?1 AND recorded_at <= ?2 ORDER BY at, position",
            )?
            .query_map((self.id, instant.known_until()), read_fact)?
            .collect::<Result<Vec<_>>>()?;
        let happened = known.partition_point(|fact| fact.at <= instant.at);
        let contents = Contents::load(view.0, self.id)?;
        let same = |one, other| Ok(contents.same(one, other));
        let (mut standings, _) = timeline::fold(&known, &same)?;
        standings.truncate(happened);
        Ok(standings)
    }
}
