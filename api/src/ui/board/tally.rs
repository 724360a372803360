//! What a whole board comes to.

use shiplog_projections::current::Progress;

use super::{Column, Row};
use crate::ui::parts::counted;

/// How many there are of what matters.
pub(super) struct Tally {
    pub(super) shown: usize,
    pub(super) all: usize,
    uncertain: usize,
    running: usize,
    waiting: usize,
    queued: usize,
    frozen: usize,
}

impl Tally {
    pub(super) fn of(columns: &[Column], rows: &[Row], all: usize) -> Self {
        let cells = || rows.iter().flat_map(|row| row.cells.iter().flatten());
        let count = |is: fn(Progress) -> bool| {
            cells().flat_map(|cell| &cell.moving).filter(|(_, progress)| is(*progress)).count()
        };
        Self {
            shown: rows.len(),
            all,
            uncertain: cells().filter(|cell| cell.uncertain.is_some()).count(),
            running: count(|progress| matches!(progress, Progress::Running)),
            waiting: count(|progress| matches!(progress, Progress::WaitingForApproval { .. })),
            queued: count(|progress| matches!(progress, Progress::Queued | Progress::Requested)),
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
            (self.uncertain, "lane is in doubt", "lanes are in doubt"),
            (self.running, "deployment is running", "deployments are running"),
            (self.waiting, "waits for approval", "wait for approval"),
            (self.queued, "is requested or queued", "are requested or queued"),
            (self.frozen, "environment is frozen", "environments are frozen"),
        ];
        let told = parts.into_iter().filter(|(count, ..)| *count > 0);
        let told: Vec<_> = told.map(|(count, one, many)| counted(count, one, many)).collect();
        if told.is_empty() { "All is quiet.".into() } else { format!("{}.", told.join("; ")) }
    }
}
