//! What a deployment puts there, as far as it is kept in tables.

use rusqlite::{Result, Row};
use shiplog_domain::{lane::Configuration, names::Version};

use crate::columns::{document, name};

/// What a deployment puts there; two are equal if the very same was stated of both.
#[derive(PartialEq)]
pub(crate) struct Kept {
    version: Version,
    commit: Option<String>,
    digests: Option<String>,
    configuration: Option<Configuration>,
}

impl Kept {
    /// The columns that [`Self::read`] reads.
    pub(crate) const COLUMNS: &str = "version, commit_id, digests, configuration";

    /// Reads [`Self::COLUMNS`], which begin at a column; none of a removal, which has no version.
    pub(crate) fn read(row: &Row<'_>, column: usize) -> Result<Option<Self>> {
        let Some(version) = row.get_ref(column)?.as_str_or_null()? else { return Ok(None) };
        let configuration = row.get_ref(column + 3)?.as_str_or_null()?;
        Ok(Some(Self {
            version: name(column, version)?,
            commit: row.get(column + 1)?,
            digests: row.get(column + 2)?,
            configuration: configuration.map(|text| document(column + 3, text)).transpose()?,
        }))
    }
}
