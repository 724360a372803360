//! Folding a lane again from its first fact, when one comes in late or contradicts an earlier one.

use rusqlite::{Result, Row, Transaction, params};

use super::{
    content::Contents,
    fold::read_fact,
    timeline::{self, Dated, Doubtful, Standing, Tail},
};

/// Puts right what the tables say of a lane after each of its facts; returns its last end.
pub(super) fn restate(tables: &Transaction<'_>, lane: i64) -> Result<Tail> {
    let (facts, stated): (Vec<_>, Vec<_>) = tables
        .prepare_cached(
            "SELECT at, position, kind, number, target, version,
                    running, since, begun, waiting, waiting_count, failed, failed_at, doubted, doubt
             FROM facts WHERE lane = ? ORDER BY at, position",
        )?
        .query_map([lane], |row| Ok((read_fact(row)?, read_standing(row, 6)?)))?
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .unzip();
    let contents = Contents::load(tables, lane)?;
    let (standings, tail) = timeline::fold(&facts, &|one, other| Ok(contents.same(one, other)))?;
    let mut update = tables.prepare_cached(include_str!("restate.sql"))?;
    let stated = facts.iter().zip(standings).zip(stated);
    // Most facts come before the late one and stay as they are: few of many are written.
    for ((fact, standing), _) in stated.filter(|((_, standing), stated)| standing != stated) {
        let Standing { running, begun, waiting, waiting_count, failed, doubt } = standing;
        update.execute(params![
            lane,
            fact.at,
            fact.position,
            running.map(|(number, _)| number),
            running.map(|(_, since)| since),
            begun,
            waiting,
            waiting_count,
            failed.map(|(number, _)| number),
            failed.map(|(_, at)| at),
            doubt.map(|doubt| doubt.number),
            doubt.map(|doubt| doubt.cause),
        ])?;
    }
    Ok(tail)
}

/// A deployment and since when, of a column and the next one.
pub(super) fn read_dated(row: &Row<'_>, column: usize) -> Result<Option<Dated>> {
    Ok(row.get::<_, Option<u32>>(column)?.zip(row.get::<_, Option<i64>>(column + 1)?))
}

/// A deployment and why it is in doubt, of a column and the next one.
pub(super) fn read_doubt(row: &Row<'_>, column: usize) -> Result<Option<Doubtful>> {
    let doubted = row.get::<_, Option<u32>>(column)?.zip(row.get(column + 1)?);
    Ok(doubted.map(|(number, cause)| Doubtful { number, cause }))
}

/// Reads `running, since, begun, waiting, waiting_count, failed, failed_at, doubted, doubt`, which
/// begin at a column.
pub(super) fn read_standing(row: &Row<'_>, column: usize) -> Result<Standing> {
    Ok(Standing {
        running: read_dated(row, column)?,
        begun: row.get(column + 2)?,
        waiting: row.get(column + 3)?,
        waiting_count: row.get(column + 4)?,
        failed: read_dated(row, column + 5)?,
        doubt: read_doubt(row, column + 7)?,
    })
}
