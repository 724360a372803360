//! What the deployments of a lane put there, as far as it is kept here.

use std::{borrow::Cow, collections::HashMap};

use rusqlite::{Connection, OptionalExtension, Result, Row};
use shiplog_domain::{
    lane::{Configuration, Content},
    names::Version,
};

use crate::columns::{document, name};

/// What a deployment puts there.
pub(super) struct Kept {
    version: Version,
    commit: Option<String>,
    digests: Option<String>,
    configuration: Option<Configuration>,
}

const COLUMNS: &str = "SELECT version, commit_id, digests, configuration";

impl Kept {
    fn read(row: &Row<'_>) -> Result<Self> {
        let configuration = row.get_ref(3)?.as_str_or_null()?;
        Ok(Self {
            version: name(0, row.get_ref(0)?.as_str()?)?,
            commit: row.get(1)?,
            digests: row.get(2)?,
            configuration: configuration.map(|text| document(3, text)).transpose()?,
        })
    }

    fn content(&self) -> Content<'_> {
        Content {
            version: &self.version,
            commit: self.commit.as_deref(),
            digests: self.digests.as_deref().map(Cow::Borrowed),
            configuration: self.configuration.as_ref(),
        }
    }
}

/// Whether two deployments of a lane put the same there.
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
    let read = |number: u32| {
        tables
            .prepare_cached(&format!("{COLUMNS} FROM deployments WHERE lane = ? AND number = ?"))?
            .query_row((lane, number), Kept::read)
    };
    Ok(read(one)?.content().is(&read(other)?.content()))
}

/// What every deployment of a lane puts there.
pub(super) struct Contents(HashMap<u32, Kept>);

impl Contents {
    pub(super) fn load(tables: &Connection, lane: i64) -> Result<Self> {
        let deployments = tables
            .prepare_cached(&format!("{COLUMNS}, number FROM deployments WHERE lane = ?"))?
            .query_map([lane], |row| Ok((row.get(4)?, Kept::read(row)?)))?
            .collect::<Result<_>>()?;
        Ok(Self(deployments))
    }

    /// Whether two of them put the same there.
    pub(super) fn same(&self, one: u32, other: u32) -> bool {
        let Self(kept) = self;
        let pair = kept.get(&one).zip(kept.get(&other));
        pair.is_some_and(|(one, other)| one.content().is(&other.content()))
    }
}
