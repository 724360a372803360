//! What a whole board comes to.

use super::{Column, Row};
use crate::ui::parts::counted;

/// How many there are of what matters.
pub(super) struct Tally {
    pub(super) shown: usize,
    pub(super) all: usize,
    uncertain: usize,
    moving: usize,
    frozen: usize,
}

impl Tally {
    pub(super) fn of(columns: &[Column], rows: &[Row], all: usize) -> Self {
        let cells = || rows.iter().flat_map(|row| row.cells.iter().flatten());
        Self {
            shown: rows.len(),
            all,
            uncertain: cells().filter(|cell| cell.uncertain.is_some()).count(),
            moving: cells().filter(|cell| cell.moving.is_some()).count(),
            frozen: columns.iter().filter(|column| column.frozen.is_some()).count(),
        }
    }

    /// How many services are shown, and of how many.
    pub(super) fn services(&self) -> String {
        if self.shown == self.all {
            return counted(self.all, "service", "services");
        }
        format!("{} of {}", self.shown, counted(self.all, "service", "services"))
    }

    /// The state of things in a sentence.
    pub(super) fn sentence(&self) -> String {
        if self.shown == 0 && self.all > 0 {
            return "Nothing that the filters let through.".into();
        }
        let parts = [
            (
                self.uncertain,
                "lane is in doubt after a failure",
                "lanes are in doubt after a failure",
            ),
            (self.moving, "deployment is under way", "deployments are under way"),
            (self.frozen, "environment is frozen", "environments are frozen"),
        ];
        let told = parts.into_iter().filter(|(count, ..)| *count > 0);
        let told: Vec<_> = told.map(|(count, one, many)| counted(count, one, many)).collect();
        if told.is_empty() { "All is quiet.".into() } else { format!("{}.", told.join("; ")) }
    }
}
