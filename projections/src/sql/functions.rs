//! Functions in the place of SQLite's own: those that read the clock would give other answers each
//! time, and those that look for a text in another one could take minutes, in which nothing stops
//! them.

use std::collections::HashSet;

use rusqlite::{
    Connection, Error, Result,
    functions::{Context, FunctionFlags},
    params_from_iter,
    types::{ToSqlOutput, Value, ValueRef},
};

use super::{guard::MAX_VALUE_BYTES, patterns, running::Running};

/// Functions of times, and the place of the first time among their arguments.
const TIMES: [(&str, usize); 7] = [
    ("date", 0),
    ("time", 0),
    ("datetime", 0),
    ("julianday", 0),
    ("unixepoch", 0),
    ("strftime", 1),
    ("timediff", 0),
];

/// The most arguments of a function of times: a format, a time, and how it is shifted.
const MOST_ARGUMENTS: usize = 12;

/// What a time must not be, and what it must not be changed by.
const OF_THE_CLOCK: [&str; 5] = ["now", "subsec", "subsecond", "localtime", "utc"];

/// Puts them in the place of SQLite's.
pub(super) fn replace(tables: &Connection, running: &Running) -> Result<()> {
    patterns::replace(tables, running)?;
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    for (name, first) in TIMES {
        let own = Own::new(name, first)?;
        tables.create_scalar_function(name, -1, flags, move |given| own.time(given))?;
    }
    let long = |name, arguments, function: fn(&Context<'_>) -> Result<Value>| {
        let running = running.clone();
        tables.create_scalar_function(name, arguments, flags, move |given| {
            running.check()?;
            function(given)
        })
    };
    long("instr", 2, |given| Ok(instr(given).into()))?;
    long("replace", 3, |given| replaced(given).map(Into::into))?;
    long("trim", 2, |given| Ok(trimmed(given, true, true).into()))?;
    long("ltrim", 2, |given| Ok(trimmed(given, true, false).into()))?;
    long("rtrim", 2, |given| Ok(trimmed(given, false, true).into()))
}

fn wrong(why: impl Into<String>) -> Error {
    Error::UserFunctionError(why.into().into())
}

/// SQLite's own function, on a connection where nothing is in its place.
struct Own {
    name: &'static str,
    /// The place of the first time.
    first: usize,
    /// `SELECT date(?,?)`, by how many arguments there are.
    calls: [String; MOST_ARGUMENTS + 1],
    connection: Connection,
}

impl Own {
    fn new(name: &'static str, first: usize) -> Result<Self> {
        let call = |count| format!("SELECT {name}({})", vec!["?"; count].join(","));
        let calls = std::array::from_fn(call);
        Ok(Self { name, first, calls, connection: Connection::open_in_memory()? })
    }

    /// As SQLite has it, of times that are given.
    fn time(&self, given: &Context<'_>) -> Result<Value> {
        let Self { name, first, calls, connection } = self;
        if given.len() <= *first {
            return Err(wrong(format!(
                "`{name}` without a time is of now, and the same question must give the same answer: \
                 give it a time, such as :now"
            )));
        }
        let mut times = (*first..given.len()).map(|place| given.get_raw(place));
        if let Some(word) = times.find_map(of_the_clock) {
            return Err(wrong(format!(
                "`{name}` with '{word}' depends on when and where it is asked: give it a time, such as \
                 :now, and shift it by a fixed offset"
            )));
        }
        let Some(call) = calls.get(given.len()) else {
            return Err(wrong(format!("`{name}` takes {MOST_ARGUMENTS} arguments at most")));
        };
        let values = (0..given.len()).map(|place| ToSqlOutput::Borrowed(given.get_raw(place)));
        let mut statement = connection.prepare_cached(call)?;
        statement.query_row(params_from_iter(values), |row| row.get(0))
    }
}

fn of_the_clock(time: ValueRef<'_>) -> Option<&'static str> {
    let ValueRef::Text(text) = time else { return None };
    let text = text.trim_ascii();
    OF_THE_CLOCK.into_iter().find(|word| text.eq_ignore_ascii_case(word.as_bytes()))
}

/// The text of an argument; none if it is NULL.
fn text(given: &Context<'_>, place: usize) -> Option<String> {
    match given.get_raw(place) {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(format!("{number:?}")),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            Some(String::from_utf8_lossy(bytes).into_owned())
        }
    }
}

/// Where a text begins in another one, in characters from 1; 0 where it is not in it.
fn instr(given: &Context<'_>) -> Option<i64> {
    let (text, part) = (text(given, 0)?, text(given, 1)?);
    let before = text.split_once(&part).map(|(before, _)| before.chars().count() + 1);
    Some(i64::try_from(before.unwrap_or(0)).unwrap_or(i64::MAX))
}

fn replaced(given: &Context<'_>) -> Result<Option<String>> {
    let (Some(text), Some(part), Some(by)) = (text(given, 0), text(given, 1), text(given, 2))
    else {
        return Ok(None);
    };
    if part.is_empty() {
        return Ok(Some(text));
    }
    let more = by.len().saturating_sub(part.len());
    let length = text.len().saturating_add(text.matches(&part).count().saturating_mul(more));
    if length > usize::try_from(MAX_VALUE_BYTES).unwrap_or_default() {
        return Err(wrong("what `replace` makes is larger than a value can be"));
    }
    Ok(Some(text.replace(&part, &by)))
}

fn trimmed(given: &Context<'_>, start: bool, end: bool) -> Option<String> {
    let (text, set) = (text(given, 0)?, text(given, 1)?);
    let set: HashSet<char> = set.chars().collect();
    let mut rest = text.as_str();
    if start {
        rest = rest.trim_start_matches(|one| set.contains(&one));
    }
    if end {
        rest = rest.trim_end_matches(|one| set.contains(&one));
    }
    Some(rest.into())
}
