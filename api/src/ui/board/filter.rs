//! What of the board is wanted.

use std::{cmp::Reverse, collections::BTreeMap};

use jiff::Timestamp;
use shiplog_domain::{environment::Tier, names::ServiceName};
use shiplog_projections::{
    current::{AsOf, EnvironmentRow},
    history::{Condition, Fact, Filter, search::label},
    page::{NameCursor, PageByName},
};

use super::{Column, Row, cell::Cell, selection::Cells};
use crate::{
    deployments,
    problem::Problem,
    query::Query,
    ui::{parts::Time, tiers::TIERS},
};

/// What the board's query may hold.
pub(super) const KNOWN: [&str; 10] = [
    "service",
    "environment",
    "tier",
    "label",
    "only",
    "at",
    "known_at",
    "limit",
    "cursor",
    "column",
];

/// The parameters that narrow the board.
const NARROWING: [&str; 5] = ["service", "environment", "tier", "label", "only"];

/// How many services a page has unless something else is asked for.
const SERVICES: usize = 200;

/// The most services that a page has.
const MOST_SERVICES: usize = 500;

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
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) as_of: AsOf,
    /// The instant that was asked for, if one was.
    pub(super) at: Option<Timestamp>,
    /// A part of the service's name.
    pub(super) service: String,
    /// A part of the environment's name.
    pub(super) environment: String,
    pub(super) tier: Option<Tier>,
    /// What one of the deployments that run has to be labelled with.
    labels: Vec<(String, String)>,
    pub(super) only: Option<Only>,
    /// Which services are shown, of those that are wanted.
    pub(super) page: PageByName,
    /// Which environment is shown first, of those that are wanted, counted from 0.
    pub(super) column: usize,
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
        let page = query.page_by_name("board", SERVICES)?;
        let column = query.parsed::<u32>("column")?;
        Ok(Self {
            as_of,
            at,
            service: query.sized("service", 1..=200)?.unwrap_or_default(),
            environment: query.sized("environment", 1..=200)?.unwrap_or_default(),
            tier: query.word("tier", &TIERS)?,
            labels: deployments::labels(&mut query)?,
            only: query.word("only", &ONLY)?,
            page: PageByName { limit: page.limit.min(MOST_SERVICES), ..page },
            column: column.unwrap_or(1).saturating_sub(1) as usize,
            query,
        })
    }

    /// Whether a service's name is wanted.
    pub(super) fn names(&self, service: &str) -> bool {
        self.service.is_empty() || is_within(&self.service, service)
    }

    /// Whether an environment is wanted.
    pub(super) fn has_column(&self, one: &EnvironmentRow) -> bool {
        self.tier.is_none_or(|tier| tier == one.tier)
            && is_within(&self.environment, one.environment.as_str())
    }

    /// Whether rows are wanted by what is in their cells.
    pub(super) fn narrows_cells(&self) -> bool {
        self.only.is_some() || !self.labels.is_empty()
    }

    /// Whether a row is wanted, by its cells and by whether each is unlike the stage before it.
    pub(super) fn wants(&self, cells: &[(&Cell, bool)]) -> bool {
        let any = |is: &dyn Fn(&Cell) -> bool| cells.iter().any(|(cell, _)| is(cell));
        let kind = match self.only {
            None => true,
            Some(Only::Doubt) => any(&|cell| cell.uncertain.is_some()),
            Some(Only::Moving) => any(&|cell| !cell.moving.is_empty()),
            Some(Only::Waiting) => any(&Cell::waits_for_approval),
            Some(Only::Drift) => cells.iter().any(|(_, has_drifted)| *has_drifted),
        };
        kind && (self.labels.is_empty() || any(&|cell| self.is_labelled(cell)))
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

    /// The whole board of that instant, of only the rows with a lane in doubt.
    pub(super) fn doubtful(&self) -> String {
        let narrowing = [&NARROWING[..], &["limit", "cursor", "column"]].concat();
        let rest = self.query.without("/", &narrowing);
        format!("{rest}{}only=doubt", if rest.contains('?') { '&' } else { '?' })
    }

    /// The page of the services after these.
    pub(super) fn next(&self, next: &NameCursor) -> String {
        self.query.next("/", ("cursor", &next.to_string()))
    }

    /// The same rows in other columns, from one on that is counted from 0.
    pub(super) fn beside(&self, column: usize) -> String {
        self.query.at("/", "column", &(column + 1).to_string())
    }

    /// The first page of the same board, if this is another one.
    pub(super) fn start(&self) -> Option<String> {
        self.page.after.is_some().then(|| self.query.without("/", &["cursor"]))
    }

    /// Whether anything narrows the board.
    pub(super) fn narrows(&self) -> bool {
        let Self { as_of: _, at: _, service, environment, tier, labels, only, .. } = self;
        let is_named = !service.is_empty() || !environment.is_empty();
        is_named || tier.is_some() || !labels.is_empty() || only.is_some()
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
        if self.tier.is_some() || !self.environment.is_empty() {
            let environments = columns.iter().map(|column| Fact::Environment(column.name.clone()));
            filter.0.push(any(environments.collect())?);
        }
        let labels = self.labels.iter().cloned();
        filter.0.extend(labels.map(|(name, value)| Fact::Label(name, Some(value)).into()));
        Some(filter)
    }

    /// Each filter in force, with the address of the board without it.
    pub(super) fn active(&self) -> Vec<(String, String)> {
        self.query.given(&NARROWING, "/")
    }
}

/// Whether a text is a part of a name, whatever its case.
fn is_within(part: &str, name: &str) -> bool {
    name.to_lowercase().contains(&part.to_lowercase())
}

/// The labels of what runs, and how often each is there.
pub(super) fn labels(rows: &[(ServiceName, Cells)]) -> BTreeMap<(String, String), usize> {
    let mut counts = BTreeMap::new();
    let runs = rows.iter().flat_map(|(_, cells)| cells.values());
    for (name, value) in runs.filter_map(|cell| cell.runs.as_ref()).flat_map(|runs| &runs.labels) {
        *counts.entry((name.clone(), value.clone())).or_default() += 1;
    }
    counts
}

/// These labels, as they are typed: of many, those that most have.
pub(super) fn offered(labels: BTreeMap<(String, String), usize>) -> Vec<String> {
    let mut labels: Vec<_> = labels.into_iter().collect();
    labels.sort_by_key(|(_, count)| Reverse(*count));
    labels.truncate(OFFERED);
    labels.sort_unstable();
    labels.into_iter().map(|((name, value), _)| label::write(&name, &value)).collect()
}
