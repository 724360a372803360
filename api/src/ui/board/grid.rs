//! Every service in every environment, and what runs in the stage before.

use std::{cmp::Reverse, collections::BTreeMap};

use shiplog_domain::{lane::LaneId, names::ServiceName};
use shiplog_projections::current::{Board, EnvironmentRow, LaneNow};

use super::apart::{Runs, Sought};
use crate::ui::tiers::stage;

/// What is known of each lane; a service that was never in an environment has none there.
pub(super) type Lanes = Vec<Option<LaneNow>>;

/// All lanes, a row for each service by name, a column for each environment, production first.
pub(super) struct Grid {
    pub(super) columns: Vec<EnvironmentRow>,
    pub(super) rows: BTreeMap<ServiceName, Lanes>,
}

impl Grid {
    /// What is retired has no column.
    pub(super) fn of(mut boards: Vec<Board>) -> Self {
        boards.retain(|board| !board.environment.retired);
        boards
            .sort_by_key(|board| (stage(board.environment.tier), Reverse(board.environment.lanes)));
        let (mut columns, mut rows) = (Vec::new(), BTreeMap::<ServiceName, Lanes>::new());
        let width = boards.len();
        for Board { environment, lanes } in boards {
            for lane in lanes {
                let row =
                    rows.entry(lane.lane.service.clone()).or_insert_with(|| vec![None; width]);
                if let Some(place) = row.get_mut(columns.len()) {
                    *place = Some(lane);
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
    row: &'r [Option<LaneNow>],
) -> impl Iterator<Item = Option<(Runs<'r>, Runs<'r>)>> {
    let before = move |column: &EnvironmentRow| {
        let own = stage(column.tier);
        let lanes = columns.iter().zip(row);
        let mut earlier = lanes.filter(move |(environment, _)| stage(environment.tier) > own);
        earlier.find_map(|(_, lane)| runs(lane.as_ref()?))
    };
    columns.iter().zip(row).map(move |(column, lane)| runs(lane.as_ref()?).zip(before(column)))
}

/// The lane with what runs in it, if something does.
fn runs(lane: &LaneNow) -> Option<Runs<'_>> {
    Some((&lane.lane, &lane.running.as_ref()?.version))
}
