//! The search language: what people type, as conditions on deployments.
//!
//! Terms stand between spaces, and all of them have to hold: `key:value`, a word, `"a phrase"` and
//! `begin*`. A `-` before one has it not hold. docs/search.md is the reference.

mod key;
pub mod label;
mod scan;
mod value;

use jiff::Timestamp;

pub use self::key::{KEYS, Known};
use self::scan::{Body, Misread, Scanner};
use super::filter::{Condition, Fact};

/// How many terms a search may have, and how many values all of its terms together: each becomes a
/// part of a statement.
const MAX_FACTS: usize = 64;

/// One term of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// As it was typed.
    pub text: String,
    /// What it asks for.
    pub condition: Condition,
}

/// Why a text is no search.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("character {place}: {detail}")]
pub struct SearchError {
    /// The character that it is about, counted from 1.
    pub place: usize,
    /// What is wrong with it, and what would be right.
    pub detail: String,
}

/// Reads a search; times in it are relative to `now`.
///
/// # Errors
///
/// A term looks like `key:value` and is not one, or there are more than 64 words and values.
pub fn read(text: &str, now: Timestamp) -> Result<Vec<Term>, SearchError> {
    terms(text, now).map_err(|Misread { at, detail }| {
        let before = text.get(..at).unwrap_or(text);
        SearchError { place: before.chars().count() + 1, detail }
    })
}

fn terms(text: &str, now: Timestamp) -> Result<Vec<Term>, Misread> {
    let (mut terms, mut facts) = (Vec::new(), 0);
    for raw in Scanner::of(text) {
        let raw = raw?;
        let at = raw.at;
        let Some(condition) = condition(raw.body, raw.is_negated, now)? else { continue };
        facts += condition.any.len();
        if facts > MAX_FACTS {
            let detail = format!(
                "there are more than {MAX_FACTS} words and values up to here; leave some of them out"
            );
            return Err(Misread { at, detail });
        }
        terms.push(Term { text: raw.text.into(), condition });
    }
    Ok(terms)
}

/// What a term asks for: nothing, if it holds no word that could be found.
fn condition(
    body: Body<'_>,
    is_negated: bool,
    now: Timestamp,
) -> Result<Option<Condition>, Misread> {
    let any = match body {
        Body::Said { text, begins } if text.chars().any(char::is_alphanumeric) => {
            vec![Fact::Said { text, begins }]
        }
        Body::Said { .. } => return Ok(None),
        Body::Pair { key, values } => value::facts(key, &values, now)?,
    };
    Ok(Some(match (any.as_slice(), is_negated) {
        // The ids narrow by a time that something has to be before or after.
        ([Fact::Since(at)], true) => Fact::Until(*at).into(),
        ([Fact::Until(at)], true) => Fact::Since(*at).into(),
        _ => Condition { any, negated: is_negated },
    }))
}

#[cfg(test)]
mod tests;
