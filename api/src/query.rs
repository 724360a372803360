//! Query strings, read strictly: an unknown parameter is an error that names the nearest one.

use std::{fmt::Display, str::FromStr};

use axum::http::{HeaderName, header::LINK};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use shiplog_domain::instant::flaw;
use shiplog_projections::{
    current::AsOf,
    nearest::nearest,
    page::{Cursor, CursorError, NameCursor, Order, Page, PageByName, Question},
};

use crate::{problem::Problem, shapes::Moment};

/// What stays as it is in a query or a path.
const PLAIN: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

/// The parameters of every list.
pub(crate) const PAGING: [&str; 3] = ["limit", "cursor", "order"];

/// The parameters of every list that is sorted by name.
pub(crate) const BY_NAME: [&str; 2] = ["limit", "cursor"];

/// What of such a list's question goes on where it is, whatever it is: names are the same at each
/// instant, and in each format.
const UNBOUND: [&str; 6] = ["format", "at", "known_at", "column", "limit", "cursor"];

/// How many entries a page has unless something else is asked for.
const DEFAULT_LIMIT: usize = 50;

/// The most entries that a page has.
pub(crate) const MAX_LIMIT: usize = 1_000;

/// How often a parameter may be given: each time is a condition of its own.
const MAX_REPEATS: usize = 64;

/// The parameters of one request.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
    rest: Vec<(String, String)>,
}

impl Query {
    /// Reads a query string whose parameters are all among `known`.
    pub(crate) fn parse(raw: Option<&str>, known: &[&str]) -> Result<Self, Problem> {
        let parts = raw.unwrap_or_default().split('&').filter(|part| !part.is_empty());
        let mut pairs = Vec::<(String, String)>::new();
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let name = decode(name).map_err(|detail| Problem::at("?", detail))?;
            if !known.contains(&name.as_str()) {
                return Err(unknown(&name, known));
            }
            let value = decode(value).map_err(|detail| Problem::at(format!("?{name}"), detail))?;
            if pairs.iter().filter(|(other, _)| *other == name).count() == MAX_REPEATS {
                let detail = format!("it is given more than {MAX_REPEATS} times");
                return Err(Problem::at(format!("?{name}"), detail));
            }
            pairs.push((name, value));
        }
        Ok(Self { rest: pairs.clone(), pairs })
    }

    /// Takes every value of a parameter that may be repeated.
    pub(crate) fn all(&mut self, name: &str) -> Vec<String> {
        self.rest.extract_if(.., |(key, _)| key == name).map(|(_, value)| value).collect()
    }

    /// Takes the value of a parameter.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, Problem> {
        let mut values = self.all(name);
        let value = values.pop();
        if values.is_empty() {
            Ok(value)
        } else {
            Err(Problem::at(format!("?{name}"), "it is given more than once"))
        }
    }

    /// Takes the value of a parameter and parses it.
    pub(crate) fn parsed<T: FromStr<Err: Display>>(
        &mut self,
        name: &str,
    ) -> Result<Option<T>, Problem> {
        self.read(name, |text| text.parse().map_err(|error: T::Err| error.to_string()))
    }

    /// Takes the value of a parameter and has it read.
    pub(crate) fn read<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Problem> {
        let value = self.text(name)?;
        let read = value.as_deref().map(read).transpose();
        read.map_err(|detail| Problem::at(format!("?{name}"), detail))
    }

    /// Takes a text that has between so many characters.
    pub(crate) fn sized(
        &mut self,
        name: &str,
        characters: std::ops::RangeInclusive<usize>,
    ) -> Result<Option<String>, Problem> {
        self.read(name, |text| {
            if characters.contains(&text.chars().count()) {
                return Ok(text.to_owned());
            }
            Err(format!("it takes {} to {} characters", characters.start(), characters.end()))
        })
    }

    /// Takes what is searched for; control characters divide words as spaces do.
    pub(crate) fn search(&mut self) -> Result<Option<String>, Problem> {
        let text = self.sized("q", 1..=1_000)?;
        Ok(text.map(|text| text.replace(char::is_control, " ")))
    }

    /// Takes one of a few words.
    pub(crate) fn word<T: Copy>(
        &mut self,
        name: &str,
        words: &[(&str, T)],
    ) -> Result<Option<T>, Problem> {
        self.read(name, |text| {
            words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning).ok_or_else(
                || {
                    let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
                    format!("`{text}` is none of {}", known.join(", "))
                },
            )
        })
    }

    /// Takes a time: RFC 3339, or a date, which stands for its first instant in UTC.
    pub(crate) fn instant(&mut self, name: &str) -> Result<Option<Timestamp>, Problem> {
        self.read(name, |text| {
            if let Some(flaw) = flaw(text) {
                return Err(format!("`{text}`: {flaw}"));
            }
            let moment = text
                .parse::<Moment>()
                .or_else(|error| format!("{text}T00:00:00Z").parse::<Moment>().map_err(|_| error));
            moment.map(|moment| moment.0).map_err(|error| error.to_string())
        })
    }

    /// Takes `at` and `known_at`: what is asked for, which is now unless something else is said, and
    /// `at` as far as it was said.
    pub(crate) fn as_of(&mut self, now: Timestamp) -> Result<(AsOf, Option<Timestamp>), Problem> {
        let (at, known_at) = (self.instant("at")?, self.instant("known_at")?);
        Ok((AsOf { at: at.unwrap_or(now), known_at }, at))
    }

    /// Takes `limit`, `cursor` and `order` of a list of this name. What else was given narrows the
    /// list, and a cursor is of what that left.
    pub(crate) fn page(&mut self, list: &str) -> Result<Page, Problem> {
        let order = [
            ("newest", Order::Newest),
            ("desc", Order::Newest),
            ("oldest", Order::Oldest),
            ("asc", Order::Oldest),
        ];
        let (limit, order) = (self.limit()?, self.word("order", &order)?.unwrap_or_default());
        let narrows = |name: &str| name != "format" && !PAGING.contains(&name);
        let question = Question::of(list, self.pairs().filter(|(name, _)| narrows(name)));
        let after = self.read("cursor", |text| {
            let cursor = text.parse::<Cursor>().and_then(|cursor| cursor.within(order, question));
            cursor.map_err(|error: CursorError| error.to_string())
        });
        let after = after.map_err(|problem| problem.coded("bad-cursor"))?;
        Ok(Page { limit, order, after, question })
    }

    /// Takes `limit` and `cursor` of a list of this name that is sorted by name. Without a limit a
    /// page has `default` entries.
    pub(crate) fn page_by_name(
        &mut self,
        list: &str,
        default: usize,
    ) -> Result<PageByName, Problem> {
        let limit = self.given_limit()?.unwrap_or(default);
        let question = Question::of(list, self.pairs().filter(|(name, _)| !UNBOUND.contains(name)));
        let after = self.read("cursor", |text| {
            let name = text.parse::<NameCursor>().and_then(|cursor| cursor.within(question));
            name.map_err(|error: CursorError| error.to_string())
        });
        let after = after.map_err(|problem| problem.coded("bad-cursor"))?;
        Ok(PageByName { limit, after, question })
    }

    /// Takes `limit`; 50 unless another one is given.
    pub(crate) fn limit(&mut self) -> Result<usize, Problem> {
        Ok(self.given_limit()?.unwrap_or(DEFAULT_LIMIT))
    }

    fn given_limit(&mut self) -> Result<Option<usize>, Problem> {
        self.read("limit", |text| {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            let limit = text.parse::<usize>().ok().filter(|_| digits);
            limit
                .filter(|limit| (1..=MAX_LIMIT).contains(limit))
                .ok_or_else(|| format!("`{text}` is not a whole number from 1 to {MAX_LIMIT}"))
        })
    }

    /// What was given for a parameter, taken or not.
    pub(crate) fn peek(&self, name: &str) -> Option<&str> {
        self.pairs().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// The address of the next page: the same question after another entry.
    pub(crate) fn next(&self, path: &str, after: (&str, &str)) -> String {
        let kept = self.pairs().filter(|(name, _)| !matches!(*name, "cursor" | "after"));
        address(path, kept.chain([after]))
    }

    /// The `Link` header that leads to the next page, if there is one.
    pub(crate) fn next_link(
        &self,
        path: &str,
        next: Option<&impl Display>,
    ) -> Option<[(HeaderName, String); 1]> {
        let next = self.next(path, ("cursor", &next?.to_string()));
        Some([(LINK, format!("<{next}>; rel=\"next\""))])
    }

    /// The address of the same question without some of its parameters.
    pub(crate) fn without(&self, path: &str, names: &[&str]) -> String {
        address(path, self.pairs().filter(|(name, _)| !names.contains(name)))
    }

    /// The address of the same page with another value for a parameter.
    pub(crate) fn at(&self, path: &str, name: &str, value: &str) -> String {
        address(path, self.pairs().filter(|(key, _)| *key != name).chain([(name, value)]))
    }

    /// The address of the same question with another value for a parameter, or none.
    pub(crate) fn with(&self, path: &str, name: &str, value: &str) -> String {
        let kept = self.pairs().filter(|(key, _)| *key != name && *key != "cursor");
        address(path, kept.chain((!value.is_empty()).then_some((name, value))))
    }

    /// What was given for these parameters, each as `name: value`, with the address of the same
    /// question without it.
    pub(crate) fn given(&self, names: &[&str], path: &str) -> Vec<(String, String)> {
        let given = self.pairs().filter(|(name, _)| names.contains(name));
        given
            .map(|one| {
                let rest = self.pairs().filter(|other| *other != one && other.0 != "cursor");
                (format!("{}: {}", one.0, one.1), address(path, rest))
            })
            .collect()
    }

    fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

fn address<'p>(path: &str, pairs: impl Iterator<Item = (&'p str, &'p str)>) -> String {
    let pairs: Vec<_> =
        pairs.map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    if pairs.is_empty() { path.into() } else { format!("{path}?{}", pairs.join("&")) }
}

/// Percent-encodes a text for a query or one segment of a path.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

/// Undoes percent-encoding in a query.
fn decode(text: &str) -> Result<String, String> {
    if let Some(at) = malformed_percent(text) {
        return Err(format!("`{at}` is no percent-encoding"));
    }
    let text = text.replace('+', " ");
    let decoded = percent_decode_str(&text).decode_utf8();
    decoded.map(Into::into).map_err(|_| "it is not UTF-8".into())
}

/// The first percent sign that is not followed by two hexadecimal digits, with what follows it.
pub(crate) fn malformed_percent(text: &str) -> Option<String> {
    let encoded = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    let rest = text.split('%').skip(1).find(|rest| !encoded(rest))?;
    Some(format!("%{}", rest.chars().take(2).collect::<String>()))
}

fn unknown(name: &str, known: &[&str]) -> Problem {
    let pointer = format!("?{name}");
    let detail = match nearest(name, known.iter().copied()) {
        Some(nearest) => format!("it is not known here; did you mean `{nearest}`?"),
        None if known.is_empty() => "it is not known here, and nothing else is".into(),
        None => format!("it is not known here; there are {}", known.join(", ")),
    };
    Problem::at(pointer, detail)
}

#[cfg(test)]
mod tests;
