//! Row ids that sort by time, so that every index of a table is in that order for nothing.
//!
//! The upper bits are the second, the lower 24 count within it: enough for
//! 16 million entries a second and for the years −9999 to 9999.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::Transaction;

const COUNTER_BITS: u32 = 24;

/// The lowest key of the second that `at` lies in.
pub(crate) fn floor(at: Timestamp) -> i64 {
    at.as_microsecond().div_euclid(1_000_000) << COUNTER_BITS
}

/// A key above all those of entries before `at`.
pub(crate) fn after(at: Timestamp) -> i64 {
    floor(at) + (1 << COUNTER_BITS)
}

/// Gives out keys for the rows that one batch adds to one table.
pub(crate) struct SortKeys {
    /// `SELECT max(id) FROM <table> WHERE id BETWEEN ?1 AND ?2`.
    highest: &'static str,
    next: HashMap<i64, i64>,
}

impl SortKeys {
    pub(crate) fn new(highest: &'static str) -> Self {
        Self { highest, next: HashMap::new() }
    }

    /// The next free key in the second of `at`.
    pub(crate) fn take(
        &mut self,
        tables: &Transaction<'_>,
        at: Timestamp,
    ) -> rusqlite::Result<i64> {
        let floor = floor(at);
        let next = if let Some(next) = self.next.get(&floor) {
            *next
        } else {
            let ceiling = floor | ((1 << COUNTER_BITS) - 1);
            let highest: Option<i64> = tables
                .prepare_cached(self.highest)?
                .query_row([floor, ceiling], |row| row.get(0))?;
            highest.map_or(floor, |highest| highest + 1)
        };
        self.next.insert(floor, next + 1);
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_fit_and_sort_from_the_first_year_to_the_last() {
        let at = |text: &str| floor(text.parse().unwrap());
        let times = [
            "-009999-01-03T00:00:00Z",
            "1969-12-31T23:59:59.5Z",
            "1970-01-01T00:00:00Z",
            "2026-01-01T00:00:00Z",
            "9999-12-30T00:00:00Z",
        ];
        assert!(times.windows(2).all(|pair| at(pair[0]) < at(pair[1])));
    }
}
