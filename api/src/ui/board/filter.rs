//! What of the board is wanted.

use std::{cmp::Reverse, collections::BTreeMap};

use jiff::Timestamp;
use shiplog_domain::environment::Tier;
use shiplog_projections::{current::AsOf, history::search::label};

use super::{Row, cell::Cell};
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

const ONLY: [(&str, Only); 3] =
    [("doubt", Only::Doubt), ("moving", Only::Moving), ("drift", Only::Drift)];

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
            Some(Only::Drift) => cells.any(|cell| cell.drift.is_some()),
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
    pub(super) fn kinds(&self) -> [(&'static str, &'static str, bool); 3] {
        ONLY.map(|(word, only)| {
            let said = match only {
                Only::Doubt => "in doubt",
                Only::Moving => "under way",
                Only::Drift => "unlike the stage before",
            };
            (word, said, self.only == Some(only))
        })
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
