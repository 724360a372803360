//! What a whole board comes to.

use shiplog_projections::current::Progress;

use super::{Column, Row, filter::Asked, selection::Selection};
use crate::ui::parts::counted;

/// How many there are of what matters.
pub(super) struct Tally {
    pub(super) shown: usize,
    /// How many services there are, shown or not; none where that would take too long to find out.
    all: Option<usize>,
    /// How many lanes are told of only up to an event that does not fit.
    damaged: usize,
    uncertain: usize,
    /// How many lanes are in doubt that the page leaves out.
    uncertain_elsewhere: usize,
    running: usize,
    waiting: usize,
    requested: usize,
    /// How many more wait in lanes of which only the newest is told.
    more: usize,
    frozen: usize,
    /// Whether there may be more than is shown.
    is_narrowed: bool,
    /// The board of what waits for approval.
    waiting_page: String,
    /// The board of what is in doubt.
    doubtful_page: String,
}

/// How many lanes are in doubt.
fn uncertain(rows: &[Row]) -> usize {
    let cells = rows.iter().flat_map(|row| row.cells.iter().flatten());
    cells.filter(|cell| cell.uncertain.is_some()).count()
}

impl Tally {
    /// Of what is shown.
    pub(super) fn of(
        asked: &Asked,
        columns: &[Column],
        rows: &[Row],
        selection: &Selection,
    ) -> Self {
        let (next, census) = (selection.next.as_ref(), selection.census.as_ref());
        let is_part = next.is_some() || asked.page.after.is_some();
        let cells = || rows.iter().flat_map(|row| row.cells.iter().flatten());
        let count = |is: fn(Progress) -> bool| {
            cells().flat_map(|cell| &cell.moving).filter(|(_, progress)| is(*progress)).count()
        };
        let uncertain = uncertain(rows);
        Self {
            shown: rows.len(),
            all: census.map(|census| census.services),
            damaged: cells().filter(|cell| cell.damaged.is_some()).count(),
            uncertain,
            uncertain_elsewhere: census
                .map_or(0, |census| census.uncertain.saturating_sub(uncertain)),
            running: count(|progress| matches!(progress, Progress::Running)),
            waiting: count(|progress| matches!(progress, Progress::WaitingForApproval { .. })),
            requested: count(|progress| matches!(progress, Progress::Queued | Progress::Requested)),
            more: cells().map(|cell| cell.waiting as usize).sum(),
            frozen: columns.iter().filter(|column| column.frozen.is_some()).count(),
            is_narrowed: asked.narrows() || is_part || columns.len() < selection.wanted(),
            waiting_page: asked.waiting(),
            doubtful_page: asked.doubtful(),
        }
    }

    /// How many services are shown, and of how many.
    pub(super) fn services(&self) -> String {
        match self.all {
            Some(all) if all != self.shown => {
                format!("{} of {}", self.shown, counted(all, "service", "services"))
            }
            Some(_) | None => counted(self.shown, "service", "services"),
        }
    }

    /// The state of things, as the parts of a sentence, some of which lead somewhere.
    pub(super) fn sentence(&self) -> Vec<(String, Option<&str>)> {
        let parts = [
            (self.damaged, "lane is damaged", "lanes are damaged", None),
            (self.uncertain, "lane is in doubt", "lanes are in doubt", None),
            (self.running, "deployment is running", "deployments are running", None),
            (
                self.waiting,
                "deployment waits for approval",
                "deployments wait for approval",
                Some(self.waiting_page.as_str()),
            ),
            (
                self.requested,
                "deployment is requested or queued",
                "deployments are requested or queued",
                None,
            ),
            (self.more, "more waits behind another one", "more wait behind others", None),
            (self.frozen, "environment is frozen", "environments are frozen", None),
        ];
        let said = parts.into_iter().filter(|(count, ..)| *count > 0);
        let mut said: Vec<_> =
            said.map(|(count, one, many, href)| (counted(count, one, many), href)).collect();
        let is_quiet =
            self.damaged + self.uncertain + self.running + self.waiting + self.requested == 0;
        if self.shown == 0 && self.all != Some(0) {
            said.insert(0, ("Nothing that the filters let through".into(), None));
        } else if is_quiet && self.is_narrowed {
            said.insert(0, ("Nothing failed or running among these".into(), None));
        } else if said.is_empty() {
            said.push(("All is quiet".into(), None));
        }
        if self.uncertain_elsewhere > 0 {
            let (one, many) = ("lane elsewhere is in doubt", "lanes elsewhere are in doubt");
            let elsewhere = counted(self.uncertain_elsewhere, one, many);
            said.push((elsewhere, Some(&self.doubtful_page)));
        }
        said
    }
}
