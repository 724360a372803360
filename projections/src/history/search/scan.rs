//! A search taken apart: where each term begins and ends, and which are `key:value`.

use crate::nearest::nearest;

use super::key::{KEYS, Known};

/// What cannot be read, and where it begins, in bytes.
#[derive(Debug)]
pub(super) struct Misread {
    pub(super) at: usize,
    pub(super) detail: String,
}

/// A term as it stands there.
pub(super) struct Raw<'t> {
    /// Where it begins, in bytes.
    pub(super) at: usize,
    pub(super) text: &'t str,
    pub(super) is_negated: bool,
    pub(super) body: Body<'t>,
}

/// What follows the sign of a term.
pub(super) enum Body<'t> {
    /// Words that were said.
    Said { text: String, begins: bool },
    /// A known key, and its values.
    Pair { key: Pressed<'t>, values: Vec<Value> },
}

/// A key as it was typed.
#[derive(Clone, Copy)]
pub(super) struct Pressed<'t> {
    pub(super) known: &'static Known,
    pub(super) typed: &'t str,
}

/// A value, and where it begins, in bytes.
pub(super) struct Value {
    pub(super) at: usize,
    pub(super) text: String,
    /// Where in the text the first `=` or `:` stands that was not quoted.
    pub(super) separator: Option<usize>,
}

impl Value {
    fn new(at: usize) -> Self {
        Self { at, text: String::new(), separator: None }
    }
}

/// Goes through a search, term by term.
pub(super) struct Scanner<'t> {
    text: &'t str,
    rest: &'t str,
}

impl<'t> Scanner<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        Self { text, rest: text }
    }

    /// Where the rest begins.
    fn at(&self, rest: &str) -> usize {
        self.text.len() - rest.len()
    }

    /// Reads the body of a term; returns what comes after it.
    fn body(&self, rest: &'t str) -> Result<(Body<'t>, &'t str), Misread> {
        if let Some(phrase) = rest.strip_prefix('"') {
            let (text, rest) = quoted(phrase);
            return Ok((said(text), rest));
        }
        let (word, after) = rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len()));
        let Some((typed, value)) = word.split_once(':') else { return Ok((said(word), after)) };
        if let Some(known) = KEYS.iter().find(|known| known.is_called(typed)) {
            let (values, rest) = self.values(rest.split_at(typed.len() + 1).1);
            return Ok((Body::Pair { key: Pressed { known, typed }, values }, rest));
        }
        if looks_like_key(typed, value) {
            return Err(Misread { at: self.at(rest), detail: unknown(typed, word) });
        }
        Ok((said(word), after))
    }

    /// Reads values with commas between them, parts of which may be quoted.
    fn values(&self, rest: &'t str) -> (Vec<Value>, &'t str) {
        let start = self.at(rest);
        let mut values = Vec::new();
        let mut value = Value::new(start);
        let mut is_quoted = false;
        let mut characters = rest.char_indices().peekable();
        let mut end = rest.len();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' if is_quoted && characters.next_if(|(_, next)| *next == '"').is_some() => {
                    value.text.push('"');
                }
                '"' => is_quoted = !is_quoted,
                ',' if !is_quoted => {
                    values.push(value);
                    value = Value::new(start + at + 1);
                }
                space if space.is_whitespace() && !is_quoted => {
                    end = at;
                    break;
                }
                other => {
                    if matches!(other, '=' | ':') && !is_quoted {
                        value.separator.get_or_insert(value.text.len());
                    }
                    value.text.push(other);
                }
            }
        }
        values.push(value);
        (values, rest.split_at(end).1)
    }
}

impl<'t> Iterator for Scanner<'t> {
    type Item = Result<Raw<'t>, Misread>;

    fn next(&mut self) -> Option<Self::Item> {
        let term = self.rest.trim_start();
        if term.is_empty() {
            return None;
        }
        let unsigned = term.strip_prefix('-').filter(|rest| !rest.is_empty());
        let (at, read) = (self.at(term), self.body(unsigned.unwrap_or(term)));
        Some(read.map(|(body, rest)| {
            self.rest = rest;
            let text = term.split_at(term.len() - rest.len()).0;
            Raw { at, text, is_negated: unsigned.is_some(), body }
        }))
    }
}

/// Reads up to the quote that ends it, or to the end; returns what comes after it.
pub(super) fn quoted(text: &str) -> (String, &str) {
    let mut read = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('"') {
        read.push_str(before);
        let Some(more) = after.strip_prefix('"') else { return (read, after) };
        read.push('"');
        rest = more;
    }
    (read + rest, "")
}

fn said(text: impl Into<String>) -> Body<'static> {
    let text = text.into();
    match text.strip_suffix('*').filter(|stem| !stem.is_empty()) {
        Some(stem) => Body::Said { text: stem.into(), begins: true },
        None => Body::Said { text, begins: false },
    }
}

/// Whether somebody meant a key: `word:value`. A time, a digest, the name of an image and an address
/// on the web hold something else on one of the sides.
fn looks_like_key(typed: &str, value: &str) -> bool {
    !typed.is_empty()
        && typed.bytes().all(|byte| byte.is_ascii_lowercase())
        && !value.is_empty()
        && !value.starts_with(['/', ':'])
}

fn unknown(typed: &str, word: &str) -> String {
    let words = || KEYS.iter().map(|known| known.word);
    let meant = nearest(typed, KEYS.iter().flat_map(Known::names)).map_or_else(
        || format!("there are {}", words().collect::<Vec<_>>().join(", ")),
        |nearest| format!("did you mean `{nearest}`?"),
    );
    let sign = if meant.ends_with('?') { "" } else { "." };
    let (typed, word) = (excerpt(typed), excerpt(word).replace('"', "\"\""));
    format!(
        "`{typed}` is no key of a search; {meant}{sign} To search for it as text, quote it: `\"{word}\"`"
    )
}

/// As much of a text as a message says.
pub(super) fn excerpt(text: &str) -> String {
    text.chars().take(100).collect()
}
