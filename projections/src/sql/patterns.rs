//! `LIKE` and `GLOB` as SQLite has them, in steps between which a question can be ended.
//!
//! SQLite's own take as long as text times pattern, without a look at anything else in between.

use std::borrow::Cow;

use rusqlite::{
    Connection, Error, Result,
    functions::{Context, FunctionFlags},
    types::ValueRef,
};

use super::running::Running;

/// The most bytes that a pattern has, as with SQLite's own.
const MAX_PATTERN_BYTES: usize = 200;

/// After how many steps it is looked whether the question is to end.
const STEPS: u32 = 65_536;

/// Puts them in the place of SQLite's.
pub(super) fn replace(tables: &Connection, running: &Running) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    for arguments in [2, 3] {
        let running = running.clone();
        tables
            .create_scalar_function("like", arguments, flags, move |given| like(given, &running))?;
    }
    let running = running.clone();
    tables.create_scalar_function("glob", 2, flags, move |given| glob(given, &running))
}

/// What one place of a pattern takes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// Any text.
    Any,
    /// Any one character.
    One,
    /// This character.
    Same(char),
    /// One of these, or none of them.
    Among { ranges: Vec<(char, char)>, is_negated: bool },
}

fn like(given: &Context<'_>, running: &Running) -> Result<Option<bool>> {
    let escape = if given.len() == 3 {
        let Some(escape) = text(given, 2) else { return Ok(None) };
        let mut characters = escape.chars();
        let (Some(escape), None) = (characters.next(), characters.next()) else {
            return Err(wrong("ESCAPE takes a single character"));
        };
        Some(escape)
    } else {
        None
    };
    let (Some(pattern), Some(text)) = (text(given, 0), text(given, 1)) else { return Ok(None) };
    bounded(&pattern)?;
    let Some(parts) = like_parts(&pattern, escape) else { return Ok(Some(false)) };
    let same = |one: char, other: char| one.eq_ignore_ascii_case(&other);
    matches(&parts, &text, same, running).map(Some)
}

fn glob(given: &Context<'_>, running: &Running) -> Result<Option<bool>> {
    let (Some(pattern), Some(text)) = (text(given, 0), text(given, 1)) else { return Ok(None) };
    bounded(&pattern)?;
    let Some(parts) = glob_parts(&pattern) else { return Ok(Some(false)) };
    matches(&parts, &text, |one, other| one == other, running).map(Some)
}

fn wrong(why: &str) -> Error {
    Error::UserFunctionError(why.into())
}

fn bounded(pattern: &str) -> Result<()> {
    if pattern.len() > MAX_PATTERN_BYTES {
        return Err(wrong("LIKE or GLOB pattern too complex"));
    }
    Ok(())
}

/// An argument as text; none if it is NULL.
fn text<'a>(given: &'a Context<'_>, place: usize) -> Option<Cow<'a, str>> {
    match given.get_raw(place) {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string().into()),
        ValueRef::Real(number) => Some(format!("{number:?}").into()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(String::from_utf8_lossy(bytes)),
    }
}

/// The parts of a pattern of `LIKE`; none if it ends with the sign that escapes, and matches nothing.
fn like_parts(pattern: &str, escape: Option<char>) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut characters = pattern.chars();
    while let Some(one) = characters.next() {
        parts.push(match one {
            _ if Some(one) == escape => Part::Same(characters.next()?),
            '%' => Part::Any,
            '_' => Part::One,
            _ => Part::Same(one),
        });
    }
    Some(parts)
}

/// The parts of a pattern of `GLOB`; none if a bracket is not closed, and it matches nothing.
fn glob_parts(pattern: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut rest = pattern;
    while let Some(one) = rest.chars().next() {
        rest = rest.get(one.len_utf8()..)?;
        parts.push(match one {
            '*' => Part::Any,
            '?' => Part::One,
            '[' => {
                let (part, after) = among(rest)?;
                rest = after;
                part
            }
            _ => Part::Same(one),
        });
    }
    Some(parts)
}

/// A list in brackets, and what follows it. A bracket that closes stands for itself where it is first.
fn among(pattern: &str) -> Option<(Part, &str)> {
    let (is_negated, list) = match pattern.strip_prefix('^') {
        Some(list) => (true, list),
        None => (false, pattern),
    };
    let mut ranges: Vec<(char, char)> = Vec::new();
    let mut characters = list.char_indices().peekable();
    // Where a range can begin.
    let mut start = None;
    while let Some((at, one)) = characters.next() {
        if one == ']' && at > 0 {
            return Some((Part::Among { ranges, is_negated }, list.get(at + 1..)?));
        }
        let end = characters.peek().map(|(_, next)| *next).filter(|end| *end != ']');
        if let ('-', Some(start), Some(end)) = (one, start.take(), end) {
            ranges.push((start, end));
            characters.next();
        } else {
            ranges.push((one, one));
            start = (one != ']').then_some(one);
        }
    }
    None
}

/// Whether the whole text fits the parts. Where a text of any length was too short, it is made longer by
/// a character; only the last one can have been.
fn matches(
    parts: &[Part],
    text: &str,
    same: impl Fn(char, char) -> bool,
    running: &Running,
) -> Result<bool> {
    let takes = |part: &Part, one: char| match part {
        Part::Any => false,
        Part::One => true,
        Part::Same(other) => same(one, *other),
        Part::Among { ranges, is_negated } => {
            ranges.iter().any(|(first, last)| (*first..=*last).contains(&one)) != *is_negated
        }
    };
    let (mut place, mut rest) = (0, text);
    let mut again: Option<(usize, &str)> = None;
    let mut steps = 0_u32;
    loop {
        steps += 1;
        if steps.is_multiple_of(STEPS) {
            running.check()?;
        }
        let mut after = rest.chars();
        match (parts.get(place), after.next()) {
            (Some(Part::Any), _) => {
                place += 1;
                again = Some((place, rest));
            }
            (Some(part), Some(one)) if takes(part, one) => {
                place += 1;
                rest = after.as_str();
            }
            (None, None) => return Ok(true),
            _ => {
                let Some((start, longer)) = again else { return Ok(false) };
                let mut longer = longer.chars();
                if longer.next().is_none() {
                    return Ok(false);
                }
                (place, rest) = (start, longer.as_str());
                again = Some((start, rest));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use rusqlite::{Connection, ErrorCode};

    use super::*;
    use crate::turn::Until;

    fn ours(running: &Running) -> Connection {
        let tables = Connection::open_in_memory().unwrap();
        replace(&tables, running).unwrap();
        tables
    }

    fn ask(tables: &Connection, sql: &str, pattern: &str, text: &str) -> Result<Option<bool>> {
        tables.query_row(sql, [text, pattern], |row| row.get(0))
    }

    proptest! {
        #[test]
        fn they_are_as_sqlite_has_them(
            pattern in "[aAbé%_*?\\[\\]^\\-!]{0,8}",
            text in "[aAbBé%_\\-\\]^c]{0,8}",
        ) {
            let (own, theirs) = (ours(&Running::default()), Connection::open_in_memory().unwrap());
            for sql in ["SELECT ?1 LIKE ?2", "SELECT ?1 LIKE ?2 ESCAPE '!'", "SELECT ?1 GLOB ?2"] {
                let (own, theirs) = (ask(&own, sql, &pattern, &text), ask(&theirs, sql, &pattern, &text));
                prop_assert_eq!(own.unwrap(), theirs.unwrap(), "{} {} {}", sql, text, pattern);
            }
        }
    }

    #[test]
    fn values_that_are_no_text_are_as_with_sqlite() {
        let (own, theirs) = (ours(&Running::default()), Connection::open_in_memory().unwrap());
        for sql in
            ["NULL LIKE '%'", "'a' LIKE NULL", "12 LIKE '1_'", "1.5 LIKE '1.5'", "x'61' GLOB 'a'"]
        {
            let ask = |tables: &Connection| {
                tables.query_row(&format!("SELECT {sql}"), [], |row| row.get::<_, Option<bool>>(0))
            };
            assert_eq!(ask(&own), ask(&theirs), "{sql}");
        }
        let long = "a".repeat(MAX_PATTERN_BYTES + 1);
        ask(&own, "SELECT ?1 LIKE ?2", &long, "a").unwrap_err();
        ask(&own, "SELECT ?1 LIKE 'a' ESCAPE ?2", "ab", "a").unwrap_err();
    }

    #[test]
    fn one_that_takes_long_ends_with_the_question() {
        let running = Running::default();
        let tables = ours(&running);
        let (text, pattern) = ("a".repeat(2 << 20), format!("%{}b%", "a".repeat(190)));
        let (until, waiting) = Until::after(Duration::MAX);
        running.set(Some(until));
        drop(waiting);
        for sql in ["SELECT ?1 LIKE ?2", "SELECT ?1 GLOB ?2"] {
            let pattern = pattern.replace('%', if sql.contains("GLOB") { "*" } else { "%" });
            let error = ask(&tables, sql, &pattern, &text).unwrap_err();
            assert_eq!(error.sqlite_error_code(), Some(ErrorCode::OperationInterrupted), "{sql}");
        }
    }
}
