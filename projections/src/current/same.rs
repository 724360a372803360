//! Whether the same was stated of what deployments of a lane put there: that is how it is counted since
//! when something runs, whether one looks from the first of them or from the last.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Result};

use crate::content::Kept;

/// Whether the same was stated of what two deployments of a lane put there.
pub(super) fn same(tables: &Connection, lane: i64, one: u32, other: u32) -> Result<bool> {
    // Most differ in their version, which is told without the rest.
    let alike = tables
        .prepare_cached(
            "SELECT 1 FROM deployments one JOIN deployments other ON other.lane = one.lane
             WHERE one.lane = ?1 AND one.number = ?2 AND other.number = ?3
                   AND one.version = other.version",
        )?
        .query_row((lane, one, other), |_| Ok(()))
        .optional()?;
    if alike.is_none() {
        return Ok(false);
    }
    let columns = Kept::COLUMNS;
    let read = |number: u32| {
        tables
            .prepare_cached(&format!(
                "SELECT {columns} FROM deployments WHERE lane = ? AND number = ?"
            ))?
            .query_row((lane, number), |row| Kept::read(row, 0))
    };
    let pair = read(one)?.zip(read(other)?);
    Ok(pair.is_some_and(|(one, other)| one == other))
}

/// What every deployment of a lane puts there.
pub(super) struct Contents(HashMap<u32, Kept>);

impl Contents {
    pub(super) fn load(tables: &Connection, lane: i64) -> Result<Self> {
        let columns = Kept::COLUMNS;
        let deployments = tables
            .prepare_cached(&format!("SELECT number, {columns} FROM deployments WHERE lane = ?"))?
            .query_map([lane], |row| {
                let kept = Kept::read(row, 1)?;
                kept.map(|kept| Ok((row.get(0)?, kept))).transpose()
            })?
            .filter_map(Result::transpose)
            .collect::<Result<_>>()?;
        Ok(Self(deployments))
    }

    /// Whether the same was stated of two of them.
    pub(super) fn same(&self, one: u32, other: u32) -> bool {
        let Self(kept) = self;
        let pair = kept.get(&one).zip(kept.get(&other));
        pair.is_some_and(|(one, other)| one == other)
    }
}
