//! What the values of a key mean.

use std::{fmt::Display, str::FromStr};

use jiff::{SignedDuration, Timestamp};
use shiplog_domain::lane::{Classification, Status};

use super::{
    super::{
        INTENTS,
        filter::{Comparison, Fact},
    },
    key::Key,
    label,
    scan::{Misread, Pressed, Value, excerpt},
};
use crate::nearest::nearest;

/// What a text or a prefix may have at most.
const LONGEST: usize = 500;

/// The fewest characters of a commit.
const SHORTEST_COMMIT: usize = 4;

/// Reads the values of a key: facts of which one is enough.
pub(super) fn facts(
    key: Pressed<'_>,
    values: &[Value],
    now: Timestamp,
) -> Result<Vec<Fact>, Misread> {
    let mut facts: Vec<Fact> = Vec::new();
    for value in values {
        let Value { at, text, .. } = value;
        let wrong = |detail| Misread { at: *at, detail };
        if text.is_empty() {
            return Err(wrong(format!(
                "`{}:` needs a value, as in `{}`; a value with a space or a comma is quoted",
                key.typed, key.known.example
            )));
        }
        for fact in one(key.known.key, value, facts.last(), now).map_err(wrong)? {
            if !facts.contains(&fact) {
                facts.push(fact);
            }
        }
    }
    Ok(facts)
}

/// Reads one value, which stands after another one or not.
fn one(
    key: Key,
    value: &Value,
    before: Option<&Fact>,
    now: Timestamp,
) -> Result<Vec<Fact>, String> {
    let text = value.text.as_str();
    let fact = match key {
        Key::Service => Fact::Service(parsed(text)?),
        Key::Environment => Fact::Environment(parsed(text)?),
        Key::Version => Fact::Version(parsed(text)?),
        Key::Actor => Fact::Actor(sized(text, 1)?),
        Key::Commit => Fact::Commit(sized(text, SHORTEST_COMMIT)?),
        Key::Artifact => Fact::Artifact(sized(text, 1)?),
        Key::Status => Fact::Status(word(text, "status", &statuses())?),
        Key::Intent => Fact::Intent(word(text, "intent", &INTENTS.map(|word| (word, word)))?),
        Key::Is => return word(text, "word for what a deployment is", &is()),
        Key::Label => return label(value, before),
        Key::Since => Fact::Since(time(text, now)?),
        Key::Until => Fact::Until(time(text, now)?),
        Key::Duration => duration(text)?,
    };
    Ok(vec![fact])
}

fn parsed<T: FromStr<Err: Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

fn sized(text: &str, least: usize) -> Result<String, String> {
    if (least..=LONGEST).contains(&text.chars().count()) {
        return Ok(text.into());
    }
    Err(format!("`{}` should have {least} to {LONGEST} characters", excerpt(text)))
}

/// One of a few words; hyphens are as good as underscores.
fn word<T: Clone>(text: &str, what: &str, known: &[(&'static str, T)]) -> Result<T, String> {
    let plain = text.replace('-', "_");
    if let Some((_, meaning)) = known.iter().find(|(word, _)| *word == plain) {
        return Ok(meaning.clone());
    }
    let words = || known.iter().map(|(word, _)| *word);
    let meant = nearest(&plain, words()).map(|word| format!("did you mean `{word}`? "));
    let all: Vec<_> = words().collect();
    let (text, meant) = (excerpt(text), meant.unwrap_or_default());
    Err(format!("`{text}` is no {what}; {meant}there are {}", all.join(", ")))
}

fn statuses() -> [(&'static str, Status); 6] {
    Status::ALL.map(|status| (status.as_str(), status))
}

/// What can follow `is:`, and what it means.
fn is() -> Vec<(&'static str, Vec<Fact>)> {
    let was = |classification: Classification| {
        (classification.as_str(), vec![Fact::Classification(classification)])
    };
    let mut words = vec![
        ("rollback", vec![Fact::Declared, Fact::Inferred]),
        ("declared", vec![Fact::Declared]),
        ("inferred", vec![Fact::Inferred]),
        was(Classification::New),
        was(Classification::Reapply),
        was(Classification::Restore),
        ("roll_forward", vec![Fact::Intent("roll_forward")]),
        ("retry", vec![Fact::Intent("retry")]),
        ("open", vec![Fact::Status(Status::Requested), Fact::Status(Status::Started)]),
        ("running", vec![Fact::Status(Status::Started)]),
    ];
    let over = Status::ALL.into_iter().filter(|status| status.is_final());
    words.push(("over", over.map(Fact::Status).collect()));
    words.extend(statuses().map(|(word, status)| (word, vec![Fact::Status(status)])));
    words.push(("void", vec![Fact::Void]));
    words.push(("taken_back", vec![Fact::TakenBack]));
    words.push(("contradicted", vec![Fact::Contradicted]));
    words
}

/// `name=value`, `name:value` or a name alone; after a label with a value, another value of it.
///
/// What is quoted is not taken apart, so a name may hold any sign. Only where all of it is quoted it
/// may be meant either way, and both are looked for.
fn label(value: &Value, before: Option<&Fact>) -> Result<Vec<Fact>, String> {
    let text = value.text.as_str();
    let named = |name: &str, value: &str| Fact::Label(name.into(), Some(value.into()));
    let alone = || Fact::Label(text.into(), None);
    if let Some(at) = value.separator {
        let (name, rest) = text.split_at(at);
        if name.is_empty() {
            return Err(format!("`{text}` is no label; there are `name=value` and `name`"));
        }
        return Ok(vec![named(name, rest.split_at(1).1)]);
    }
    Ok(match (label::split(text), before) {
        // The pair comes last: a value that follows is another one of its name.
        (Some((name, value)), _) => vec![alone(), named(name, value)],
        (None, Some(Fact::Label(name, Some(_)))) => vec![named(name, text)],
        (None, _) => vec![alone()],
    })
}

/// RFC 3339, a date, which stands for its first instant in UTC, or how long ago.
fn time(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let stated = text.parse().or_else(|_| format!("{text}T00:00:00Z").parse());
    if let Ok(stated) = stated {
        return Ok(stated);
    }
    let ago = span(text.strip_suffix("ago").unwrap_or(text).trim_end());
    ago.and_then(|ago| now.checked_sub(SignedDuration::from_millis(ago)).ok()).ok_or_else(|| {
        format!(
            "`{text}` is no time; there are `2026-01-31T12:00:00Z`, `2026-01-31` and `2h` (ago)"
        )
    })
}

fn duration(text: &str) -> Result<Fact, String> {
    let signs = [
        (">=", Comparison::AtLeast),
        ("<=", Comparison::AtMost),
        (">", Comparison::Above),
        ("<", Comparison::Below),
    ];
    let read = signs.into_iter().find_map(|(sign, comparison)| {
        Some(Fact::Took(comparison, span(text.strip_prefix(sign)?)?))
    });
    read.ok_or_else(|| {
        format!(
            "`{text}` is no duration to compare with; there are `>5m`, `<30s`, `>=1h30m`, `<=500ms`"
        )
    })
}

/// Reads `90m`, `1h30m`, `500ms` as milliseconds.
fn span(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut sum = None;
    while !rest.is_empty() {
        let (digits, more) = rest.split_at(rest.find(|one: char| !one.is_ascii_digit())?);
        let end = more.find(|one: char| one.is_ascii_digit()).unwrap_or(more.len());
        let (unit, more) = more.split_at(end);
        let length: i64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 7 * 86_400_000,
            _ => return None,
        };
        let part = digits.parse::<i64>().ok()?.checked_mul(length)?;
        sum = Some(sum.unwrap_or(0_i64).checked_add(part)?);
        rest = more;
    }
    sum
}
