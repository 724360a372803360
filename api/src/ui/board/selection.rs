//! Which rows and columns a page of the board has, and no more of each lane's past than these need.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    ops::Range,
};

use shiplog_domain::{
    lane::LaneId,
    names::{EnvironmentName, ServiceName, Version},
};
use shiplog_projections::{
    current::{self, Census, EnvironmentRow, ServiceLanes},
    page::{ListedByName, NameCursor, PageByName},
    view::{Result, View},
};

use super::{
    apart::{Runs, Sought},
    cell::Cell,
    filter::{Asked, labels},
};
use crate::ui::tiers::stage;

/// How many environments a page shows side by side.
pub(super) const COLUMNS: usize = 20;

/// How many services are looked at together, where not all of them are wanted.
const SERVICES_AT_A_TIME: usize = 256;

/// How many services are looked at for one page at most; the next page goes on after them.
const SERVICES_LOOKED_AT: usize = 5_000;

/// What was read of a service's lanes, by the place of their environment among all: those that are
/// shown, and those in which the stages before them run.
pub(super) type Cells = BTreeMap<usize, Cell>;

/// What a page of the board shows.
pub(super) struct Selection {
    /// Every environment that is not retired, production first.
    pub(super) environments: Vec<EnvironmentRow>,
    /// The places of those that the filters let through.
    wanted: Vec<usize>,
    /// Which of these are shown.
    pub(super) columns: Range<usize>,
    /// The services that are shown, by name.
    pub(super) rows: Vec<(ServiceName, Cells)>,
    /// Where the next page starts, if there is one.
    pub(super) next: Option<NameCursor>,
    /// The labels to choose from, and how often each is there.
    pub(super) labels: BTreeMap<(String, String), usize>,
    /// How many of what there is, shown or not; none where that would take too long to find out.
    pub(super) census: Option<Census>,
}

impl Selection {
    /// Reads the page that is asked for.
    pub(super) fn read(view: &View<'_>, asked: &Asked) -> Result<Self> {
        let mut environments = current::declared_environments(view, asked.as_of)?;
        environments.retain(|one| !one.retired);
        let names = current::services(view, &asked.page, |name| asked.names(name))?;
        let is_whole = names.next.is_none() && asked.page.after.is_none() && !asked.narrows();
        if is_whole && environments.len() <= COLUMNS {
            return whole(view, asked, environments, names.items);
        }
        let places = places(&environments);
        let census = current::census(view, asked.as_of, |name| places.contains_key(name))?;
        let mut selection = Self::of(asked, environments, census);
        selection.walk(view, asked, names)?;
        // Those that the filters leave out can be chosen as well.
        let labels =
            if asked.narrows() { current::running_labels(view)? } else { labels(&selection.rows) };
        Ok(Self { labels, ..selection })
    }

    /// One without rows.
    fn of(asked: &Asked, mut environments: Vec<EnvironmentRow>, census: Option<Census>) -> Self {
        if let Some(Census { running, .. }) = &census {
            let is_there = |one: &EnvironmentRow| running.contains_key(&one.environment);
            environments.retain(|one| one.declared || is_there(one));
        }
        let runs = |one: &EnvironmentRow| {
            census.as_ref().and_then(|census| census.running.get(&one.environment).copied())
        };
        environments.sort_by_key(|one| (stage(one.tier), Reverse(runs(one))));
        let wanted = environments.iter().enumerate().filter(|(_, one)| asked.has_column(one));
        let wanted: Vec<_> = wanted.map(|(place, _)| place).collect();
        let first = if asked.column < wanted.len() { asked.column } else { 0 };
        let columns = first..wanted.len().min(first + COLUMNS);
        Self {
            environments,
            wanted,
            columns,
            rows: Vec::new(),
            next: None,
            labels: BTreeMap::new(),
            census,
        }
    }

    /// The places of the environments that are shown.
    pub(super) fn shown(&self) -> &[usize] {
        self.wanted.get(self.columns.clone()).unwrap_or_default()
    }

    /// How many environments the filters let through.
    pub(super) fn wanted(&self) -> usize {
        self.wanted.len()
    }

    /// Goes through the services, until a page is full or enough were looked at.
    fn walk(
        &mut self,
        view: &View<'_>,
        asked: &Asked,
        first: ListedByName<ServiceName>,
    ) -> Result<()> {
        let (mut names, mut looked_at) = (first, 0);
        let places = places(&self.environments);
        loop {
            looked_at += names.items.len();
            let last = names.items.last().cloned();
            let look = |view: &View<'_>, name| self.row(view, asked, (&places, name));
            let found = view.each(names.items, look)?;
            self.rows.extend(found.into_iter().flatten());
            let is_full = self.rows.len() > asked.page.limit;
            if is_full {
                self.rows.truncate(asked.page.limit);
            }
            let last = if is_full { self.rows.last().map(|(name, _)| name) } else { last.as_ref() };
            let after = last.filter(|_| is_full || names.next.is_some());
            let Some(after) = after else { return Ok(()) };
            let is_enough = self.rows.len() == asked.page.limit || looked_at >= SERVICES_LOOKED_AT;
            if is_full || is_enough {
                self.next = Some(asked.page.cursor(after.as_str()));
                return Ok(());
            }
            let limit = SERVICES_AT_A_TIME;
            let after = Some(after.as_str().to_owned());
            let page = PageByName { limit, after, question: asked.page.question };
            names = current::services(view, &page, |name| asked.names(name))?;
        }
    }

    /// A service's row, if it is wanted.
    fn row(
        &self,
        view: &View<'_>,
        asked: &Asked,
        (places, service): (&HashMap<EnvironmentName, usize>, ServiceName),
    ) -> Result<Option<(ServiceName, Cells)>> {
        let lanes = current::service(view, &service, asked.as_of)?;
        let mut own: Vec<_> =
            lanes.environments().filter_map(|name| places.get(name).copied()).collect();
        own.sort_unstable();
        let is_wanted = |place: &usize| self.wanted.binary_search(place).is_ok();
        let is_shown = |place: &usize| self.shown().binary_search(place).is_ok();
        // What is looked for is looked for in columns that are not shown as well.
        let is_read = |place: &&usize| {
            if asked.narrows_cells() { is_wanted(place) } else { is_shown(place) }
        };
        let mut cells = Cells::new();
        for place in own.iter().filter(is_read) {
            self.read_cell(&lanes, *place, &mut cells)?;
        }
        if cells.is_empty()
            && !self.is_elsewhere(&lanes, own.iter().filter(|one| is_wanted(one)))?
        {
            return Ok(None);
        }
        for place in cells.keys().copied().collect::<Vec<_>>() {
            self.read_before(&lanes, &own, place, &mut cells)?;
        }
        let drifted = |place| {
            let pair = cells.get(&place).zip(before(&self.environments, &cells, place));
            pair.is_some_and(|(cell, before)| cell.differs_from(before))
        };
        let wanted = cells.iter().filter(|(place, _)| is_wanted(place));
        let wanted = wanted.map(|(place, cell)| (cell, drifted(*place)));
        let is_wanted = asked.wants(&wanted.collect::<Vec<_>>());
        Ok(is_wanted.then_some((service, cells)))
    }

    /// Whether a service is in one of these environments.
    fn is_elsewhere<'p>(
        &self,
        lanes: &ServiceLanes<'_>,
        mut places: impl Iterator<Item = &'p usize>,
    ) -> Result<bool> {
        places.try_fold(false, |is_there, place| {
            let environment = self.environments.get(*place).filter(|_| !is_there);
            let lane = environment.map(|one| lanes.lane(&one.environment)).transpose()?;
            Ok(is_there || lane.flatten().is_some())
        })
    }

    /// Reads a lane of a service, unless it is read.
    fn read_cell(&self, lanes: &ServiceLanes<'_>, place: usize, cells: &mut Cells) -> Result<bool> {
        if let Some(cell) = cells.get(&place) {
            return Ok(cell.runs.is_some());
        }
        let Some(column) = self.environments.get(place) else { return Ok(false) };
        let Some(lane) = lanes.lane(&column.environment)? else { return Ok(false) };
        let cell = Cell::of(&lane)?;
        Ok(cells.entry(place).or_insert(cell).runs.is_some())
    }

    /// Reads the nearest earlier stage in which the service runs.
    fn read_before(
        &self,
        lanes: &ServiceLanes<'_>,
        own: &[usize],
        place: usize,
        cells: &mut Cells,
    ) -> Result<()> {
        if cells.get(&place).is_none_or(|cell| cell.runs.is_none()) {
            return Ok(());
        }
        let stage_of = |place: usize| self.environments.get(place).map(|one| stage(one.tier));
        for earlier in own.iter().filter(|earlier| stage_of(**earlier) > stage_of(place)) {
            if self.read_cell(lanes, *earlier, cells)? {
                break;
            }
        }
        Ok(())
    }

    /// How far lanes are from the stage before them, as far as it is to be read in their pasts.
    pub(super) fn ran(
        &self,
        view: &View<'_>,
        asked: &Asked,
    ) -> Result<BTreeMap<LaneId, Vec<Version>>> {
        let mut sought = BTreeMap::new();
        for (_, cells) in &self.rows {
            for place in self.shown() {
                if let Some((lane, before)) = pair(&self.environments, cells, *place) {
                    Sought::add(&mut sought, lane, before);
                }
            }
        }
        let past = view.each(sought, |view, (lane, sought)| {
            let past = sought.read(|goes_on| current::ran(view, &lane, asked.as_of, goes_on))?;
            Ok((lane, past))
        })?;
        Ok(BTreeMap::from_iter(past))
    }
}

/// A board that is small enough to be shown whole: nothing but its cells needs to be counted.
fn whole(
    view: &View<'_>,
    asked: &Asked,
    environments: Vec<EnvironmentRow>,
    services: Vec<ServiceName>,
) -> Result<Selection> {
    let known = places(&environments);
    let rows = view.each(services, |view, name| {
        let lanes = current::service(view, &name, asked.as_of)?;
        let mut cells = Vec::new();
        for name in lanes.environments().filter(|name| known.contains_key(*name)) {
            cells.extend(lanes.lane(name)?.map(|lane| Cell::of(&lane)).transpose()?);
        }
        Ok((name, cells))
    })?;
    let mut census = Census::default();
    for (_, cells) in &rows {
        census.services += usize::from(!cells.is_empty());
        for cell in cells {
            census.uncertain += usize::from(cell.uncertain.is_some());
            let running = census.running.entry(cell.lane.environment.clone()).or_default();
            *running += u64::from(cell.runs.is_some());
        }
    }
    let selection = Selection::of(asked, environments, Some(census));
    let places = places(&selection.environments);
    let with_place = |cell: Cell| Some((*places.get(&cell.lane.environment)?, cell));
    let row = |(name, cells): (ServiceName, Vec<Cell>)| {
        (name, cells.into_iter().filter_map(with_place).collect::<Cells>())
    };
    let rows = rows.into_iter().map(row).filter(|(_, cells)| !cells.is_empty());
    let rows: Vec<_> = rows.collect();
    Ok(Selection { labels: labels(&rows), rows, ..selection })
}

fn places(environments: &[EnvironmentRow]) -> HashMap<EnvironmentName, usize> {
    let named = environments.iter().enumerate();
    named.map(|(place, one)| (one.environment.clone(), place)).collect()
}

/// The lane of the nearest earlier stage in which the service runs: staging for production, testing
/// for staging.
pub(super) fn before<'c>(
    environments: &[EnvironmentRow],
    cells: &'c Cells,
    place: usize,
) -> Option<&'c Cell> {
    let stage_of = |place: usize| environments.get(place).map(|one| stage(one.tier));
    let mut earlier = cells.iter().filter(|(other, _)| stage_of(**other) > stage_of(place));
    earlier.find_map(|(_, cell)| cell.runs.is_some().then_some(cell))
}

/// What runs in a lane, and in the one of the stage before it.
pub(super) fn pair<'c>(
    environments: &[EnvironmentRow],
    cells: &'c Cells,
    place: usize,
) -> Option<(Runs<'c>, Runs<'c>)> {
    let here = runs(cells.get(&place)?)?;
    Some((here, runs(before(environments, cells, place)?)?))
}

/// The lane with what runs in it, if something does.
fn runs(cell: &Cell) -> Option<Runs<'_>> {
    Some((&cell.lane, &cell.runs.as_ref()?.version))
}
