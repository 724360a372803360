//! Folding a lane again from its first fact, when one comes in late or contradicts an earlier one.

use rusqlite::{Result, Transaction, params};

use super::{
    rows::{read_fact, read_standing, standing_columns, with_standing},
    same::Contents,
    timeline::{self, Tail},
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
        let standing = standing_columns(&standing);
        update.execute(with_standing(params![lane, fact.at, fact.position,], &standing))?;
    }
    Ok(tail)
}
