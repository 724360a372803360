//! Long lists, a page at a time.

mod by_name;

use std::{fmt, str::FromStr};

use sha2::{Digest as _, Sha256};

pub use self::by_name::{ListedByName, NameCursor, PageByName};

/// Which end of the history comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// What happened last.
    #[default]
    Newest,
    /// What happened first.
    Oldest,
}

/// Which list is asked for, and what narrows it, as a few bits that tell it from others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Question(u32);

impl Question {
    /// Of the list's name and of what was given to narrow it, in whatever order.
    pub fn of<'t>(list: &str, given: impl IntoIterator<Item = (&'t str, &'t str)>) -> Self {
        let mut given: Vec<_> = given.into_iter().collect();
        given.sort_unstable();
        let mut hasher = Sha256::new_with_prefix(list);
        for text in given.into_iter().flat_map(|(name, value)| [name, value]) {
            // A text comes with its length, so that it cannot go on in the next one.
            hasher.update(text.len().to_le_bytes());
            hasher.update(text);
        }
        let digest: [u8; 32] = hasher.finalize().into();
        let [a, b, c, d, ..] = digest;
        Self(u32::from_be_bytes([a, b, c, d]))
    }
}

/// Where a page of a list ended, and of which one. Opaque to callers; stays valid while entries are
/// added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(pub(crate) i64, pub(crate) (Order, Question));

/// Why no page begins there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// It is no cursor of ours.
    #[error("`{0}` is not a cursor that Shiplog gave out")]
    Unknown(String),
    /// It goes through its list from the other end.
    #[error("it was given out for `order={}`, and goes on in that order alone", .0.as_str())]
    OtherOrder(Order),
    /// It is of another list, or of what other filters left of it.
    #[error("it was given out for another list, or for other filters; a list begins without one")]
    OtherQuestion,
}

impl Order {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Oldest => "oldest",
        }
    }
}

impl Cursor {
    /// The cursor, if a page of this list in this order ended there.
    ///
    /// # Errors
    ///
    /// It was given out for another one.
    pub fn within(self, order: Order, question: Question) -> Result<Self, CursorError> {
        let Self(_, (of_order, of_question)) = self;
        if of_question != question {
            Err(CursorError::OtherQuestion)
        } else if of_order != order {
            Err(CursorError::OtherOrder(of_order))
        } else {
            Ok(self)
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(key, (order, Question(question))) = self;
        let order = match order {
            Order::Newest => 'n',
            Order::Oldest => 'o',
        };
        write!(f, "c{order}{question:08x}{key:016x}")
    }
}

impl FromStr for Cursor {
    type Err = CursorError;
    fn from_str(text: &str) -> Result<Self, CursorError> {
        read(text).ok_or_else(|| CursorError::Unknown(text.into()))
    }
}

fn read(text: &str) -> Option<Cursor> {
    let rest = text.strip_prefix('c')?;
    let (order, digits) = match rest.strip_prefix('n') {
        Some(digits) => (Order::Newest, digits),
        None => (Order::Oldest, rest.strip_prefix('o')?),
    };
    if digits.len() != 24 || !digits.bytes().all(|one| one.is_ascii_hexdigit()) {
        return None;
    }
    let (question, key) = digits.split_at(8);
    let question = Question(u32::from_str_radix(question, 16).ok()?);
    let key = u64::from_str_radix(key, 16).ok()?.cast_signed();
    Some(Cursor(key, (order, question)))
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
    /// Of which list; what the next cursor is given out for.
    pub question: Question,
}

impl Page {
    /// The first page from the newest end.
    pub fn first(limit: usize) -> Self {
        Self { limit, order: Order::Newest, after: None, question: Question::default() }
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
        let made_for = (self.order, self.question);
        let next = keyed.last().filter(|_| more).map(|(key, _)| Cursor(*key, made_for));
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
        let question = Question::of("deployments", [("service", "checkout")]);
        for key in [0, 1, -1, i64::MIN, i64::MAX] {
            for made_for in [(Order::Newest, question), (Order::Oldest, Question::default())] {
                let cursor = Cursor(key, made_for);
                assert_eq!(cursor.to_string().parse(), Ok(cursor));
            }
        }
    }

    #[test]
    fn other_texts_are_no_cursors() {
        let zeros = "0".repeat(23);
        for text in
            ["", "c", "cn", "cn12", "c0000000000000000"].map(String::from).into_iter().chain([
                format!("cn{zeros}g"),
                format!("cn+{zeros}"),
                format!("cx{zeros}0"),
                format!("cn{zeros}00"),
                format!("co{zeros}"),
            ])
        {
            assert_eq!(text.parse::<Cursor>(), Err(CursorError::Unknown(text)));
        }
    }

    #[test]
    fn a_cursor_is_of_the_list_and_the_order_that_it_was_given_out_for() {
        let question = Question::of("deployments", [("service", "a"), ("actor", "b")]);
        let cursor = Cursor(7, (Order::Oldest, question));
        let turned = Question::of("deployments", [("actor", "b"), ("service", "a")]);
        assert_eq!(cursor.within(Order::Oldest, turned), Ok(cursor));
        let other_order = CursorError::OtherOrder(Order::Oldest);
        assert_eq!(cursor.within(Order::Newest, question), Err(other_order));
        for other in [
            Question::of("rollbacks", [("service", "a"), ("actor", "b")]),
            Question::of("deployments", [("service", "a")]),
            Question::of("deployments", [("service", "ac"), ("tor", "b")]),
            Question::of("deployments", [("service", "actor"), ("a", "b")]),
        ] {
            assert_eq!(cursor.within(Order::Oldest, other), Err(CursorError::OtherQuestion));
        }
    }
}
