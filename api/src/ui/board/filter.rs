//! What of the board is wanted.

use std::{cmp::Reverse, collections::BTreeMap};

use jiff::Timestamp;
use shiplog_domain::environment::Tier;
use shiplog_projections::{
    current::AsOf,
    history::{Condition, Fact, Filter, search::label},
};

use super::{Column, Row, cell::Cell};
use crate::{
    deployments,
    problem::Problem,
    query::Query,
    ui::{parts::Time, tiers::TIERS},
};

/// What the board's query may hold.
pub(super) const KNOWN: [&str; 6] = ["service", "tier", "label", "only", "at", "known_at"];

/// How many labels are offered.
const OFFERED: usize = 200;

/// Which rows are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Only {
    Doubt,
    Moving,
    Waiting,
    Drift,
}

/// The board that is asked for.
pub(super) struct Asked {
    pub(super) as_of: AsOf,
    /// The instant that was asked for, if one was.
    pub(super) at: Option<Timestamp>,
    /// A part of the service's name.
    pub(super) service: String,
    pub(super) tier: Option<Tier>,
    /// What one of the deployments that run has to be labelled with.
    labels: Vec<(String, String)>,
    pub(super) only: Option<Only>,
    query: Query,
}

const ONLY: [(&str, Only); 4] = [
    ("doubt", Only::Doubt),
    ("moving", Only::Moving),
    ("waiting", Only::Waiting),
    ("drift", Only::Drift),
];

impl Asked {
    pub(super) fn read(mut query: Query, now: Timestamp) -> Result<Self, Problem> {
        let (as_of, at) = query.as_of(now)?;
        Ok(Self {
            as_of,
            at,
            service: query.sized("service", 1..=200)?.unwrap_or_default(),
            tier: query.word("tier", &TIERS)?,
            labels: deployments::labels(&mut query)?,
            only: query.word("only", &ONLY)?,
            query,
        })
    }

    pub(super) fn wants(&self, row: &Row) -> bool {
        let named = row.service.as_str().to_lowercase().contains(&self.service.to_lowercase());
        let mut cells = row.cells.iter().flatten();
        let kind = match self.only {
            None => true,
            Some(Only::Doubt) => cells.any(|cell| cell.uncertain.is_some()),
            Some(Only::Moving) => cells.any(|cell| !cell.moving.is_empty()),
            Some(Only::Waiting) => cells.any(Cell::waits_for_approval),
            Some(Only::Drift) => cells.any(Cell::has_drifted),
        };
        let mut cells = row.cells.iter().flatten();
        let labelled = self.labels.is_empty() || cells.any(|cell| self.is_labelled(cell));
        named && kind && labelled
    }

    /// Whether what runs there has all the labels that are asked for.
    fn is_labelled(&self, cell: &Cell) -> bool {
        let labels = cell.runs.as_ref().map(|runs| &runs.labels);
        let has = |(name, value): &(String, String)| {
            labels.is_some_and(|labels| labels.get(name) == Some(value))
        };
        self.labels.iter().all(has)
    }

    /// The label asked for, as it is typed, and those asked for besides.
    pub(super) fn label(&self) -> Option<(String, Vec<String>)> {
        let mut labels = self.labels.iter().map(|(name, value)| label::write(name, value));
        Some((labels.next()?, labels.collect()))
    }

    /// The same board of the present.
    pub(super) fn present(&self) -> String {
        self.query.without("/", &["at", "known_at"])
    }

    /// The instant asked for, as it is typed.
    pub(super) fn at(&self) -> String {
        self.at.map(|at| at.to_string()).unwrap_or_default()
    }

    /// When it was known, as it is typed.
    pub(super) fn known_at(&self) -> String {
        self.as_of.known_at.map(|at| at.to_string()).unwrap_or_default()
    }

    /// When it was known, to be read.
    pub(super) fn known(&self) -> Option<Time> {
        self.as_of.known_at.map(Time::of)
    }

    /// The tiers, and which one is chosen.
    pub(super) fn tiers(&self) -> [(&'static str, bool); 5] {
        TIERS.map(|(word, tier)| (word, self.tier == Some(tier)))
    }

    /// What rows can be asked for, in words, and which is chosen.
    pub(super) fn kinds(&self) -> [(&'static str, &'static str, bool); 4] {
        ONLY.map(|(word, only)| {
            let said = match only {
                Only::Doubt => "in doubt",
                Only::Moving => "not ended",
                Only::Waiting => "waiting for approval",
                Only::Drift => "unlike the stage before",
            };
            (word, said, self.only == Some(only))
        })
    }

    /// The same board, of only the rows with something that waits for approval.
    pub(super) fn waiting(&self) -> String {
        self.query.with("/", "only", "waiting")
    }

    /// Whether anything narrows the board.
    pub(super) fn narrows(&self) -> bool {
        let Self { as_of: _, at: _, service, tier, labels, only, query: _ } = self;
        !service.is_empty() || tier.is_some() || !labels.is_empty() || only.is_some()
    }

    /// What the deployments are like that stand beside the board: those of the services and of the
    /// environments that are shown, with the labels that are asked for. None where nothing is shown.
    pub(super) fn latest(&self, columns: &[Column], rows: &[Row]) -> Option<Filter> {
        let mut filter: Filter = self.at.map(Fact::Until).into_iter().collect();
        if !self.narrows() {
            return Some(filter);
        }
        let any = |any: Vec<Fact>| (!any.is_empty()).then_some(Condition { any, negated: false });
        if !self.service.is_empty() || self.only.is_some() {
            let services = rows.iter().map(|row| Fact::Service(row.service.clone()));
            filter.0.push(any(services.collect())?);
        }
        if self.tier.is_some() {
            let environments = columns.iter().map(|column| Fact::Environment(column.name.clone()));
            filter.0.push(any(environments.collect())?);
        }
        let labels = self.labels.iter().cloned();
        filter.0.extend(labels.map(|(name, value)| Fact::Label(name, Some(value)).into()));
        Some(filter)
    }

    /// Each filter in force, with the address of the board without it.
    pub(super) fn active(&self) -> Vec<(String, String)> {
        self.query.given(&["service", "tier", "label", "only"], "/")
    }
}

/// The labels of what runs, as they are typed: of many, those that most have.
pub(super) fn offered(rows: &[Row]) -> Vec<String> {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let runs = rows
        .iter()
        .flat_map(|row| row.cells.iter().flatten())
        .filter_map(|cell| cell.runs.as_ref());
    for (name, value) in runs.flat_map(|runs| &runs.labels) {
        *counts.entry((name, value)).or_default() += 1;
    }
    let mut labels: Vec<_> = counts.into_iter().collect();
    labels.sort_by_key(|(_, count)| Reverse(*count));
    labels.truncate(OFFERED);
    labels.sort_unstable();
    labels.into_iter().map(|((name, value), _)| label::write(name, value)).collect()
}
