//! Times as the tables have them.

use jiff::{Timestamp, fmt::temporal::DateTimePrinter};

/// Always as many decimals, so that their text sorts by time.
static PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(6));

/// A time as text: `2026-03-02T10:00:00.000000Z`.
pub(super) fn text(at: Timestamp) -> String {
    PRINTER.timestamp_to_string(&at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_sort_by_time() {
        let texts = ["2026-03-02T10:00:00Z", "2026-03-02T10:00:00.5Z", "2026-03-02T10:00:01Z"]
            .map(|one| text(one.parse().unwrap()));
        assert_eq!(texts[1], "2026-03-02T10:00:00.500000Z");
        assert!(texts.is_sorted());
    }
}
