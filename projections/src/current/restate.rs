//! Folding a lane again from its first fact, when one comes in late or contradicts an earlier one.

use rusqlite::{Result, Row, Transaction, params};

use super::{
    fold::read_fact,
    timeline::{self, Dated, Standing, Tail},
};

/// Puts right what the tables say of a lane after each of its facts; returns its last end.
pub(super) fn restate(tables: &Transaction<'_>, lane: i64) -> Result<Tail> {
    let (facts, stated): (Vec<_>, Vec<_>) = tables
        .prepare_cached(
            "SELECT at, position, kind, number, version,
                    running, since, in_progress, failed, failed_at, uncertain
             FROM facts WHERE lane = ? ORDER BY at, position",
        )?
        .query_map([lane], |row| Ok((read_fact(row)?, read_standing(row, 5)?)))?
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .unzip();
    let (standings, tail) = timeline::fold(&facts);
    let mut update = tables.prepare_cached(include_str!("restate.sql"))?;
    let stated = facts.iter().zip(standings).zip(stated);
    // Most facts come before the late one and stay as they are: few of many are written.
    for ((fact, standing), _) in stated.filter(|((_, standing), stated)| standing != stated) {
        let Standing { running, in_progress, failed, uncertain } = standing;
        update.execute(params![
            lane,
            fact.at,
            fact.position,
            running.map(|(number, _)| number),
            running.map(|(_, since)| since),
            in_progress,
            failed.map(|(number, _)| number),
            failed.map(|(_, at)| at),
            uncertain,
        ])?;
    }
    Ok(tail)
}

/// A deployment and since when, of a column and the next one.
pub(super) fn read_dated(row: &Row<'_>, column: usize) -> Result<Option<Dated>> {
    Ok(row.get::<_, Option<u32>>(column)?.zip(row.get::<_, Option<i64>>(column + 1)?))
}

/// Reads `running, since, in_progress, failed, failed_at, uncertain`, which begin at a column.
pub(super) fn read_standing(row: &Row<'_>, column: usize) -> Result<Standing> {
    Ok(Standing {
        running: read_dated(row, column)?,
        in_progress: row.get(column + 2)?,
        failed: read_dated(row, column + 3)?,
        uncertain: row.get(column + 5)?,
    })
}
