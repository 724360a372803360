//! Every service in every environment, and what runs in the stage before.

use std::{cmp::Reverse, collections::BTreeMap, iter};

use shiplog_domain::{lane::LaneId, names::ServiceName};
use shiplog_projections::current::{Board, EnvironmentRow};

use super::{
    apart::{Runs, Sought},
    cell::Cell,
};
use crate::ui::tiers::stage;

/// A service's lanes; one that was never in an environment has none there.
pub(super) type Cells = Vec<Option<Cell>>;

/// All lanes, a row for each service by name, a column for each environment, production first.
pub(super) struct Grid {
    pub(super) columns: Vec<EnvironmentRow>,
    pub(super) rows: BTreeMap<ServiceName, Cells>,
}

impl Grid {
    /// What is retired has no column.
    pub(super) fn of(mut boards: Vec<Board<Cell>>) -> Self {
        boards.retain(|board| !board.environment.retired);
        boards
            .sort_by_key(|board| (stage(board.environment.tier), Reverse(board.environment.lanes)));
        let (mut columns, mut rows) = (Vec::new(), BTreeMap::<ServiceName, Cells>::new());
        let width = boards.len();
        for Board { environment, lanes } in boards {
            for cell in lanes {
                let empty = || iter::repeat_with(|| None).take(width).collect();
                let row = rows.entry(cell.lane.service.clone()).or_insert_with(empty);
                if let Some(place) = row.get_mut(columns.len()) {
                    *place = Some(cell);
                }
            }
            columns.push(environment);
        }
        Self { columns, rows }
    }

    /// What of which lane's past tells how far lanes are from the stage before them.
    pub(super) fn sought(&self) -> BTreeMap<LaneId, Sought> {
        let mut sought = BTreeMap::new();
        for row in self.rows.values() {
            for (lane, before) in pairs(&self.columns, row).flatten() {
                Sought::add(&mut sought, lane, before);
            }
        }
        sought
    }
}

/// What runs in each lane of a row, and in the one of the nearest earlier stage in which something
/// does: staging for production, testing for staging.
pub(super) fn pairs<'r>(
    columns: &'r [EnvironmentRow],
    row: &'r [Option<Cell>],
) -> impl Iterator<Item = Option<(Runs<'r>, Runs<'r>)>> {
    neighbours(columns, row)
        .map(|pair| pair.and_then(|(cell, before)| runs(cell).zip(runs(before))))
}

/// Each cell of a row in which something runs, and the one of the stage before it.
pub(super) fn neighbours<'r>(
    columns: &'r [EnvironmentRow],
    row: &'r [Option<Cell>],
) -> impl Iterator<Item = Option<(&'r Cell, &'r Cell)>> {
    let running = |cell: &'r Option<Cell>| cell.as_ref().filter(|cell| cell.runs.is_some());
    let before = move |column: &EnvironmentRow| {
        let own = stage(column.tier);
        let lanes = columns.iter().zip(row);
        let mut earlier = lanes.filter(move |(environment, _)| stage(environment.tier) > own);
        earlier.find_map(|(_, lane)| running(lane))
    };
    columns.iter().zip(row).map(move |(column, lane)| running(lane).zip(before(column)))
}

/// The lane with what runs in it, if something does.
fn runs(cell: &Cell) -> Option<Runs<'_>> {
    Some((&cell.lane, &cell.runs.as_ref()?.version))
}
