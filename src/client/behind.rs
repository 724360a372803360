//! Answers that are behind what was recorded before they were asked for.

use std::io::Write as _;

use ureq::http::HeaderMap;

use super::{Client, text_of};

/// By how many events an answer is behind; none if it is not.
pub(super) fn events(headers: &HeaderMap) -> Option<u64> {
    text_of(headers, "Shiplog-Behind")?.parse().ok()
}

impl Client {
    /// Says on standard error, once, that an answer is behind. It is said even where only errors are
    /// wanted: what follows could be taken for all there is.
    pub(super) fn warn(&self, behind: Option<u64>) {
        let Some(events) = behind.filter(|_| !self.has_warned.replace(true)) else { return };
        let events = if events == 1 { "1 event".into() } else { format!("{events} events") };
        // A warning that nobody can read is no reason to stop.
        let _ = writeln!(
            anstream::stderr(),
            "shiplog: this answer is {events} behind what is recorded; ask again shortly"
        );
    }
}

#[cfg(test)]
mod tests {
    use ureq::http::HeaderValue;

    use super::*;

    #[test]
    fn only_a_number_in_the_header_says_that_an_answer_is_behind() {
        let headers = |value| {
            HeaderMap::from_iter([(
                "shiplog-behind".parse().unwrap(),
                HeaderValue::from_static(value),
            )])
        };
        assert_eq!(events(&HeaderMap::new()), None);
        assert_eq!(events(&headers("36")), Some(36));
        assert_eq!(events(&headers("")), None);
    }
}
