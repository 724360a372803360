//! A deployment in its lane, with what it puts there.

use std::borrow::Cow;

use rusqlite::{Result, Row};
use shiplog_domain::{
    lane::{Configuration, Content, Deployment, DeploymentNumber, Identity},
    names::Version,
};

use crate::columns::{document, name};

/// A deployment in its lane, with what it puts there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its number.
    pub number: DeploymentNumber,
    /// What it puts there.
    pub version: Version,
}

/// A deployment with what its release is told apart by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) place: Place,
    digests: Option<String>,
}

impl Ran {
    pub(super) fn of(deployment: &Deployment) -> Self {
        let release = deployment.release();
        Self {
            place: Place { number: deployment.number(), version: release.version.clone() },
            digests: release.digests(),
        }
    }

    pub(crate) fn release(&self) -> Identity<'_> {
        Identity {
            version: &self.place.version,
            digests: self.digests.as_deref().map(Cow::Borrowed),
        }
    }
}

/// Reads `number, version`, which are both there or both not.
pub(crate) fn read_place(row: &Row<'_>, column: usize) -> Result<Option<Place>> {
    let number = row.get::<_, Option<u32>>(column)?;
    let version = row.get::<_, Option<String>>(column + 1)?;
    number
        .zip(version)
        .map(|(number, version)| {
            let version = name(column + 1, &version)?;
            Ok(Place { number: DeploymentNumber(number), version })
        })
        .transpose()
}

/// Reads `number, version, digests`.
pub(crate) fn read_ran(row: &Row<'_>, column: usize) -> Result<Option<Ran>> {
    let digests = row.get(column + 2)?;
    Ok(read_place(row, column)?.map(|place| Ran { place, digests }))
}

/// What took effect, as far as its content is known.
pub(super) struct Put {
    version: Version,
    commit: Option<String>,
    digests: Option<String>,
    configuration: Option<Configuration>,
}

impl Put {
    /// Reads `version, commit_id, digests, configuration`; none of a removal.
    pub(super) fn read(row: &Row<'_>, column: usize) -> Result<Option<Self>> {
        let Some(version) = row.get_ref(column)?.as_str_or_null()? else { return Ok(None) };
        let configuration = row.get_ref(column + 3)?.as_str_or_null()?;
        Ok(Some(Self {
            version: name(column, version)?,
            commit: row.get(column + 1)?,
            digests: row.get(column + 2)?,
            configuration: configuration.map(|text| document(column + 3, text)).transpose()?,
        }))
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        self.content().is(&other.content())
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
