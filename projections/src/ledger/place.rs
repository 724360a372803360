//! A deployment in its lane, with what it puts there.

use std::borrow::Cow;

use rusqlite::{Result, Row};
use shiplog_domain::{
    lane::{Deployment, DeploymentNumber, Identity},
    names::Version,
};

use crate::columns::name;

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
