//! Every service in every environment, and what runs in the stage before.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use shiplog_domain::{lane::LaneId, names::ServiceName};
use shiplog_projections::current::{Board, EnvironmentRow, LaneNow};

use crate::ui::tiers::stage;

/// What is known of each lane; a service that was never in an environment has none there.
type Lanes = Vec<Option<LaneNow>>;

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

    /// The lane of the nearest earlier stage in which something runs: staging for production,
    /// testing for staging.
    pub(super) fn before<'r>(&self, row: &'r Lanes, column: usize) -> Option<&'r LaneNow> {
        let own = stage(self.columns.get(column)?.tier);
        let lanes = self.columns.iter().zip(row);
        let earlier = lanes.filter(|(environment, _)| stage(environment.tier) > own);
        let mut running = earlier.filter_map(|(_, lane)| lane.as_ref());
        running.find(|lane| lane.running.is_some())
    }

    /// The lanes that do not run what the stage before them runs, and the lanes of those stages.
    pub(super) fn apart(&self) -> BTreeSet<LaneId> {
        let version = |lane: &LaneNow| Some(lane.running.as_ref()?.version.clone());
        let mut apart = BTreeSet::new();
        for row in self.rows.values() {
            for (column, lane) in row.iter().enumerate() {
                let Some(lane) = lane.as_ref().filter(|lane| lane.running.is_some()) else {
                    continue;
                };
                let before = self.before(row, column);
                if let Some(before) = before.filter(|before| version(before) != version(lane)) {
                    apart.extend([lane.lane.clone(), before.lane.clone()]);
                }
            }
        }
        apart
    }
}
