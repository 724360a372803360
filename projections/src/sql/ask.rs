//! A question and its answer.

use std::{fmt::Write as _, time::Duration};

use jiff::Timestamp;
use rusqlite::{
    Batch, Connection, Error, Row, Statement, fallible_iterator::FallibleIterator as _,
    types::ValueRef,
};
use serde_json::{Number, Value};

use super::{AskError, Parameters, guard::Denials, parameters::bind};

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// One statement, of SQLite's SQL.
    pub source: String,
    /// The values of its parameters.
    pub parameters: Parameters,
    /// What `:now` stands for, unless it is given; none where there must be no now.
    pub now: Option<Timestamp>,
}

/// How much an answer may be, and take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most rows.
    pub rows: usize,
    /// The most bytes of all values.
    pub bytes: usize,
    /// How long it may take.
    pub time: Duration,
}

impl Limits {
    /// The most that anybody gets.
    pub const MOST: Self = Self { rows: 10_000, bytes: 16 << 20, time: Duration::from_secs(2) };
}

impl Default for Limits {
    fn default() -> Self {
        Self { rows: 1_000, ..Self::MOST }
    }
}

/// What is answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// What the columns are called.
    pub columns: Vec<String>,
    /// Each as long as `columns`: text, numbers and null; bytes are hexadecimal digits.
    pub rows: Vec<Vec<Value>>,
    /// Whether there are more rows than may be answered.
    pub truncated: bool,
}

/// Asks a connection that is guarded.
pub(super) fn ask(
    tables: &Connection,
    denials: &Denials,
    question: &Question,
    limits: Limits,
) -> Result<Rows, AskError> {
    let failed = |error| AskError::of(error, &question.source, denials.take(), limits.time);
    let mut statement = only(tables, &question.source, failed)?;
    bind(&mut statement, question)?;
    let columns: Vec<_> = statement.column_names().map(ToOwned::to_owned).collect();
    let mut answer = Rows { columns, rows: Vec::new(), truncated: false };
    let mut bytes = 0;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(failed)? {
        let left = limits.bytes.saturating_sub(bytes);
        let cells = read(row, answer.columns.len(), left).map_err(failed)?;
        let Some((cells, weight)) = cells.filter(|_| answer.rows.len() < limits.rows) else {
            answer.truncated = true;
            break;
        };
        bytes += weight;
        answer.rows.push(cells);
    }
    Ok(answer)
}

/// Whether it is one statement that can be asked.
pub(super) fn check(tables: &Connection, denials: &Denials, source: &str) -> Result<(), AskError> {
    let failed = |error| AskError::of(error, source, denials.take(), Limits::MOST.time);
    only(tables, source, failed).map(drop)
}

/// The one statement that there is.
fn only<'c>(
    tables: &'c Connection,
    source: &str,
    failed: impl Fn(Error) -> AskError,
) -> Result<Statement<'c>, AskError> {
    let wrong = |what: &str| AskError::Query { what: what.into(), place: None };
    let mut statements = Batch::new(tables, source);
    let statement = statements.next().map_err(failed)?.ok_or(wrong("it holds no statement"))?;
    match statements.next() {
        Ok(None) => Ok(statement),
        Ok(Some(_)) | Err(_) => Err(wrong("it holds more than one statement")),
    }
}

/// The cells of a row and their weight; none if they weigh more than this. What weighs too much is not
/// copied.
fn read(row: &Row<'_>, columns: usize, most: usize) -> Result<Option<(Vec<Value>, usize)>, Error> {
    let (mut cells, mut weight) = (Vec::with_capacity(columns), 0);
    for column in 0..columns {
        let cell = row.get_ref(column)?;
        weight += match cell {
            ValueRef::Text(bytes) => bytes.len(),
            ValueRef::Blob(bytes) => bytes.len() * 2,
            ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => 8,
        };
        if weight > most {
            return Ok(None);
        }
        cells.push(value(cell));
    }
    Ok(Some((cells, weight)))
}

fn value(cell: ValueRef<'_>) -> Value {
    match cell {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(whole) => whole.into(),
        // JSON has no number for what is infinite.
        ValueRef::Real(real) => {
            Number::from_f64(real).map_or_else(|| real.to_string().into(), Value::Number)
        }
        ValueRef::Text(text) => String::from_utf8_lossy(text).into(),
        ValueRef::Blob(bytes) => hexadecimal(bytes).into(),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut digits, byte| {
        // Writing to a text cannot fail.
        let _ = write!(digits, "{byte:02X}");
        digits
    })
}
