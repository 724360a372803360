//! Answers that lack something: what was recorded before they were asked for, or what does not fit.

use std::{cell::Cell, io::Write as _};

use ureq::http::HeaderMap;

use super::{Client, text_of};

/// What an answer lacks, as its headers say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lacking {
    /// By how many events it is behind.
    pub(crate) behind: Option<u64>,
    /// How many streams it tells of only in part.
    pub(crate) damaged: Option<u64>,
}

/// What was said already: once is enough.
#[derive(Debug, Default)]
pub(super) struct Warned {
    behind: Cell<bool>,
    damaged: Cell<bool>,
}

impl Lacking {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let number = |name| text_of(headers, name)?.parse().ok();
        Self { behind: number("Shiplog-Behind"), damaged: number("Shiplog-Damaged") }
    }
}

impl Client {
    /// Says on standard error, once, what an answer lacks. It is said even where only errors are wanted:
    /// what follows could be taken for all there is.
    pub(super) fn warn(&self, Lacking { behind, damaged }: Lacking) {
        // A warning that nobody can read is no reason to stop.
        if let Some(events) = behind.filter(|_| !self.warned.behind.replace(true)) {
            let events = if events == 1 { "1 event".into() } else { format!("{events} events") };
            let _ = writeln!(
                anstream::stderr(),
                "shiplog: this answer is {events} behind what is recorded; ask again shortly"
            );
        }
        if let Some(streams) = damaged.filter(|_| !self.warned.damaged.replace(true)) {
            let are =
                if streams == 1 { "1 stream is".into() } else { format!("{streams} streams are") };
            let _ = writeln!(
                anstream::stderr(),
                "shiplog: {are} damaged, and told of only in part; `shiplog projections` names them"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use ureq::http::HeaderValue;

    use super::*;

    #[test]
    fn only_a_number_in_the_header_says_that_an_answer_lacks_something() {
        let headers = |name: &str, value| {
            HeaderMap::from_iter([(name.parse().unwrap(), HeaderValue::from_static(value))])
        };
        assert_eq!(Lacking::of(&HeaderMap::new()), Lacking::default());
        assert_eq!(Lacking::of(&headers("shiplog-behind", "36")).behind, Some(36));
        assert_eq!(Lacking::of(&headers("shiplog-behind", "")).behind, None);
        assert_eq!(Lacking::of(&headers("shiplog-damaged", "2")).damaged, Some(2));
    }
}
