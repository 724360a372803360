//! Reading columns back into the types that were written.

use std::{error::Error, str::FromStr};

use jiff::Timestamp;
use rusqlite::{Result, types::Type};
use serde::de::DeserializeOwned;

fn failed(column: usize, error: impl Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}

/// A name.
pub(crate) fn name<N>(column: usize, text: &str) -> Result<N>
where
    N: FromStr<Err: Error + Send + Sync + 'static>,
{
    text.parse().map_err(|error| failed(column, error))
}

/// A JSON document.
pub(crate) fn document<T: DeserializeOwned>(column: usize, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| failed(column, error))
}

/// A time.
pub(crate) fn timestamp(column: usize, microseconds: i64) -> Result<Timestamp> {
    Timestamp::from_microsecond(microseconds).map_err(|error| failed(column, error))
}
