//! Long lists, a page at a time.

use std::{fmt, str::FromStr};

/// Which end of the history comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// What happened last.
    #[default]
    Newest,
    /// What happened first.
    Oldest,
}

/// Where a page ended. Opaque to callers; stays valid while entries are added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(pub(crate) i64);

/// A text that is no cursor of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a cursor that Shiplog gave out")]
pub struct CursorError(String);

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{:016x}", self.0)
    }
}

impl FromStr for Cursor {
    type Err = CursorError;
    fn from_str(text: &str) -> Result<Self, CursorError> {
        text.strip_prefix('c')
            .filter(|digits| {
                digits.len() == 16 && digits.bytes().all(|one| one.is_ascii_hexdigit())
            })
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
            .map(|bits| Self(bits.cast_signed()))
            .ok_or_else(|| CursorError(text.into()))
    }
}

/// Which page is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// How many entries, at least 1.
    pub limit: usize,
    /// From which end.
    pub order: Order,
    /// After which entry.
    pub after: Option<Cursor>,
}

impl Page {
    /// The first page from the newest end.
    pub fn first(limit: usize) -> Self {
        Self { limit, order: Order::Newest, after: None }
    }

    /// `("<", "DESC")` or `(">", "ASC")`: how keys compare with the cursor, and how they run.
    pub(crate) fn direction(&self) -> (&'static str, &'static str) {
        match self.order {
            Order::Newest => ("<", "DESC"),
            Order::Oldest => (">", "ASC"),
        }
    }

    /// One more than wanted: whether there is one tells whether there is a next page.
    pub(crate) fn probe(&self) -> i64 {
        i64::try_from(self.limit).unwrap_or(i64::MAX).saturating_add(1)
    }

    /// Cuts what a probe found to the page.
    pub(crate) fn cut<T>(&self, mut keyed: Vec<(i64, T)>) -> Listed<T> {
        let more = keyed.len() > self.limit;
        keyed.truncate(self.limit);
        let next = keyed.last().filter(|_| more).map(|(key, _)| Cursor(*key));
        Listed { items: keyed.into_iter().map(|(_, item)| item).collect(), next }
    }
}

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Listed<T> {
    /// The entries, in the order asked for.
    pub items: Vec<T>,
    /// Where the next page starts, if there is one.
    pub next: Option<Cursor>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_whatever_its_key() {
        for key in [0, 1, -1, i64::MIN, i64::MAX] {
            assert_eq!(Cursor(key).to_string().parse(), Ok(Cursor(key)));
        }
    }

    #[test]
    fn other_texts_are_no_cursors() {
        for text in ["", "c", "c12", "x0000000000000000", "c000000000000000g", "c+00000000000001"] {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
    }
}
