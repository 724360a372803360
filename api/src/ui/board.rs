//! The board: every service in every environment, now or at any instant.

mod apart;
mod cell;
mod filter;
mod selection;
mod tally;

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, header::HOST},
    response::Response,
};
use jiff::Timestamp;
use shiplog_domain::{
    environment::Frozen,
    lane::LaneId,
    names::{EnvironmentName, ServiceName, Version},
};
use shiplog_projections::{
    current::EnvironmentRow,
    history::{self, Filter},
    page::Page,
    view::View,
};

use self::{
    apart::Apart,
    cell::Cell,
    filter::Asked,
    selection::{COLUMNS, Cells, Selection, before, pair},
    tally::Tally,
};
use super::{
    damage::Damaged,
    form,
    frame::{Frame, Section, Shell, Watched, too_large, within_bounds},
    history::Item,
    parts::Time,
};
use crate::{app::App, damage::DamagedLanes, problem::Problem, query::encode, views::AtLeast};

/// How many of the latest deployments stand beside the board.
const LATEST: usize = 12;

#[derive(Template)]
#[template(path = "board.html")]
struct BoardPage {
    frame: Frame,
    asked: Arc<Asked>,
    /// The labels to choose from.
    labels: Vec<String>,
    columns: Vec<Column>,
    groups: Vec<Group>,
    tally: Tally,
    /// How the environments that are shown are among those that are not, if not all are.
    columns_shown: Option<Beside>,
    /// The first page of services, if this is another one.
    start: Option<String>,
    /// The next page of services.
    next: Option<String>,
    latest: Vec<Item>,
    /// Where the server is asked, for the command that records the first deployment.
    server: String,
}

impl BoardPage {
    /// Whether nothing was ever recorded.
    fn is_empty(&self) -> bool {
        let shown = !self.columns.is_empty() || !self.latest.is_empty();
        !shown && self.frame.as_of.is_none() && !self.frame.is_behind()
    }
}

/// An environment at the head of its column.
struct Column {
    name: EnvironmentName,
    /// How many services run there; none where that would take too long to find out.
    runs: Option<u64>,
    frozen: Option<Freeze>,
    href: String,
}

/// A freeze at the head of a column.
struct Freeze {
    reason: String,
    until: Option<Time>,
}

/// Which environments are shown of those that the filters let through, and the way to the others.
struct Beside {
    first: usize,
    last: usize,
    all: usize,
    earlier: Option<String>,
    later: Option<String>,
}

/// Rows that belong together.
struct Group {
    title: &'static str,
    rows: Vec<Row>,
}

/// A service in every environment.
struct Row {
    service: ServiceName,
    cells: Vec<Option<Cell>>,
}

impl Row {
    fn is_restless(&self) -> bool {
        let is_restless = |cell: &Cell| {
            cell.uncertain.is_some() || cell.damaged.is_some() || !cell.moving.is_empty()
        };
        self.cells.iter().flatten().any(is_restless)
    }

    fn releases(&self) -> String {
        super::links::releases(&self.service)
    }

    fn pairs<'r>(
        &'r self,
        columns: &'r [Column],
    ) -> impl Iterator<Item = (&'r Column, &'r Option<Cell>)> {
        columns.iter().zip(&self.cells)
    }
}

/// What runs everywhere, and what was deployed last.
pub(super) async fn show(
    State(app): State<App>,
    shell: Shell,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut asked = Asked::read(form::query(raw.as_deref(), &filter::KNOWN)?, shell.now)?;
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1:7420");
    let server = format!("http://{host}");
    loop {
        let shown = (shell.clone(), asked.clone(), server.clone());
        if let Some(page) = board(&app, &at_least, shown).await? {
            return Ok(page);
        }
        if asked.page.limit == 1 {
            return Err(too_large());
        }
        // Where names are that long, a page has fewer services.
        asked.page.limit = asked.page.limit.div_ceil(4);
    }
}

/// A page of the board; none if it would be too large.
async fn board(
    app: &App,
    at_least: &AtLeast,
    (shell, asked, server): (Shell, Asked, String),
) -> Result<Option<Response>, Problem> {
    let asked = Arc::new(asked);
    at_least.seen_by(&app.models.current).await?;
    let look = {
        let asked = Arc::clone(&asked);
        move |view: &View<'_>| {
            let selection = Selection::read(view, &asked)?;
            let ran = selection.ran(view, &asked)?;
            Ok((selection, ran))
        }
    };
    let answer = app.models.current.query(look).await?;
    let frame = Frame::new(shell, Section::Board, "What runs where");
    let frame = frame.told_by(app, &app.models.current, &answer).await;
    let frame = match asked.at.or(asked.as_of.known_at) {
        Some(at) => Frame { as_of: Some((Time::of(at), asked.present())), ..frame },
        None => frame.watching(Watched::Log),
    };
    let (mut selection, ran) = answer.value;
    let columns = columns(&selection, asked.as_of.at);
    let columns_shown = Beside::of(&selection, &asked);
    let rows = std::mem::take(&mut selection.rows);
    let damaged = DamagedLanes::of(&app.models.current);
    let row = |row| self::row(&selection, row, (&ran, &damaged));
    let rows: Vec<_> = rows.into_iter().map(row).collect();
    let labels = filter::offered(std::mem::take(&mut selection.labels));
    let tally = Tally::of(&asked, &columns, &rows, &selection);
    let latest = match asked.latest(&columns, &rows) {
        Some(filter) => latest(app, at_least, frame.shell.now, filter).await?,
        None => Vec::new(),
    };
    let (start, next) = (asked.start(), selection.next.as_ref().map(|next| asked.next(next)));
    let groups = groups(rows);
    let board = BoardPage {
        frame,
        asked,
        labels,
        columns,
        groups,
        tally,
        columns_shown,
        start,
        next,
        latest,
        server,
    };
    within_bounds(app, &board.frame, &board)
}

/// The deployments that were requested last.
async fn latest(
    app: &App,
    at_least: &AtLeast,
    now: Timestamp,
    filter: Filter,
) -> Result<Vec<Item>, Problem> {
    at_least.seen_by(&app.models.history).await?;
    let ask = move |view: &View<'_>| history::list(view, &filter, &Page::first(LATEST));
    let entries = app.models.history.query(ask).await?.value.items;
    Item::all(app, at_least, now, &entries).await
}

impl Beside {
    fn of(selection: &Selection, asked: &Asked) -> Option<Self> {
        let (columns, all) = (&selection.columns, selection.wanted());
        (columns.len() < all).then(|| Self {
            first: columns.start + 1,
            last: columns.end,
            all,
            earlier: (columns.start > 0)
                .then(|| asked.beside(columns.start.saturating_sub(COLUMNS))),
            later: (columns.end < all).then(|| asked.beside(columns.end)),
        })
    }
}

fn columns(selection: &Selection, at: Timestamp) -> Vec<Column> {
    let running = selection.census.as_ref().map(|census| &census.running);
    let column = |row: &EnvironmentRow| {
        let EnvironmentRow { environment, freezes, .. } = row;
        let freeze = |frozen: &Frozen| Freeze {
            reason: frozen.reason.clone(),
            until: frozen.until.map(Time::of),
        };
        Column {
            href: format!("/history?environment={}", encode(environment.as_str())),
            name: environment.clone(),
            runs: running.map(|running| running.get(environment).copied().unwrap_or_default()),
            frozen: freezes.at(at).map(freeze),
        }
    };
    let shown = selection.shown().iter().filter_map(|place| selection.environments.get(*place));
    shown.map(column).collect()
}

/// A row; each cell knows how far it is from the stage before it.
fn row(
    selection: &Selection,
    (service, mut cells): (ServiceName, Cells),
    (ran, damaged): (&BTreeMap<LaneId, Vec<Version>>, &DamagedLanes),
) -> Row {
    let environments = &selection.environments;
    let compared = selection.shown().iter().map(|place| {
        let apart = pair(environments, &cells, *place);
        let drift = apart.and_then(|(lane, before)| Apart::of(lane, before, ran));
        let neighbours = cells.get(place).zip(before(environments, &cells, *place));
        (*place, drift, neighbours.and_then(|(cell, before)| cell.namesake(before)))
    });
    let compared: Vec<_> = compared.collect();
    let cell = |(place, drift, other_content)| {
        cells.remove(&place).map(|cell| {
            let damage = damaged.get(&cell.lane);
            let damaged = damage.map(|damage| Damaged::new(&cell.lane, damage));
            Cell { damaged, drift, other_content, ..cell }
        })
    };
    Row { service, cells: compared.into_iter().map(cell).collect() }
}

fn groups(rows: Vec<Row>) -> Vec<Group> {
    let (restless, steady): (Vec<_>, Vec<_>) = rows.into_iter().partition(Row::is_restless);
    let groups = [
        Group { title: "In doubt, damaged or not ended", rows: restless },
        Group { title: "Steady", rows: steady },
    ];
    groups.into_iter().filter(|group| !group.rows.is_empty()).collect()
}
