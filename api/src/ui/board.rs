//! The board: every service in every environment, now or at any instant.

mod apart;
mod cell;
mod filter;
mod grid;
mod tally;

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, header::HOST},
    response::Response,
};
use jiff::Timestamp;
use shiplog_domain::{
    environment::{Frozen, Tier},
    lane::LaneId,
    names::{EnvironmentName, ServiceName, Version},
};
use shiplog_projections::{
    current::{self, EnvironmentRow},
    history::{self, Filter},
    page::Page,
    view::View,
};

use self::{
    apart::Apart,
    cell::Cell,
    filter::Asked,
    grid::{Cells, Grid},
    tally::Tally,
};
use super::{
    form,
    frame::{Frame, Section, Shell, Watched, page},
    history::Item,
    parts::Time,
};
use crate::{app::App, problem::Problem, query::encode, views::AtLeast};

/// How many of the latest deployments stand beside the board.
const LATEST: usize = 12;

#[derive(Template)]
#[template(path = "board.html")]
struct BoardPage {
    frame: Frame,
    asked: Asked,
    /// The labels to choose from.
    labels: Vec<String>,
    columns: Vec<Column>,
    groups: Vec<Group>,
    tally: Tally,
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
    tier: Tier,
    runs: u64,
    frozen: Option<Freeze>,
    href: String,
}

/// A freeze at the head of a column.
struct Freeze {
    reason: String,
    until: Option<Time>,
}

/// Rows that belong together.
struct Group {
    title: &'static str,
    rows: Vec<Row>,
}

/// A service in every environment.
struct Row {
    service: ServiceName,
    cells: Cells,
}

impl Row {
    fn is_restless(&self) -> bool {
        self.cells.iter().flatten().any(|cell| cell.uncertain.is_some() || !cell.moving.is_empty())
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
    let asked = Asked::read(form::query(raw.as_deref(), &filter::KNOWN)?, shell.now)?;
    let (as_of, at) = (asked.as_of, asked.at);
    at_least.seen_by(&app.models.current).await?;
    let look = move |view: &View<'_>| {
        let grid = Grid::of(current::boards(view, as_of, Cell::of)?);
        let past = view.each(grid.sought(), |view, (lane, sought)| {
            let past = sought.read(|goes_on| current::ran(view, &lane, as_of, goes_on))?;
            Ok((lane, past))
        })?;
        Ok((grid, BTreeMap::from_iter(past)))
    };
    let answer = app.models.current.query(look).await?;
    let frame = Frame::new(shell, Section::Board, "What runs where");
    let frame = frame.told_by(&app, &app.models.current, &answer).await;
    let frame = match at.or(as_of.known_at) {
        Some(at) => Frame { as_of: Some((Time::of(at), asked.present())), ..frame },
        None => frame.watching(Watched::Log),
    };
    let (grid, ran) = answer.value;
    let columns = columns(&grid, as_of.at);
    let rows = rows(grid, &ran);
    let uncertain = tally::uncertain(&rows);
    let (columns, rows) =
        shown(columns, rows, |column| asked.tier.is_none_or(|tier| tier == column.tier));
    let labels = filter::offered(&rows);
    let all = (rows.len(), uncertain);
    let rows: Vec<_> = rows.into_iter().filter(|row| asked.wants(row)).collect();
    let tally = Tally::of(&asked, &columns, &rows, all);
    let latest = match asked.latest(&columns, &rows) {
        Some(filter) => latest(&app, &at_least, frame.shell.now, filter).await?,
        None => Vec::new(),
    };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1:7420");
    let server = format!("http://{host}");
    let board =
        BoardPage { frame, asked, labels, columns, groups: groups(rows), tally, latest, server };
    page(&app, &board.frame, &board)
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

fn columns(grid: &Grid, at: Timestamp) -> Vec<Column> {
    let column = |row: &EnvironmentRow| {
        let EnvironmentRow { environment, tier, freezes, lanes, .. } = row;
        let freeze = |frozen: &Frozen| Freeze {
            reason: frozen.reason.clone(),
            until: frozen.until.map(Time::of),
        };
        Column {
            href: format!("/history?environment={}", encode(environment.as_str())),
            name: environment.clone(),
            tier: *tier,
            runs: *lanes,
            frozen: freezes.at(at).map(freeze),
        }
    };
    grid.columns.iter().map(column).collect()
}

/// One row a service, by name; each cell knows how far it is from the stage before it.
fn rows(grid: Grid, ran: &BTreeMap<LaneId, Vec<Version>>) -> Vec<Row> {
    let Grid { columns, rows } = grid;
    let row = |(service, mut cells): (ServiceName, Cells)| {
        let apart = |(lane, before)| Apart::of(lane, before, ran);
        let apart: Vec<_> =
            grid::pairs(&columns, &cells).map(|pair| pair.and_then(apart)).collect();
        let namesakes: Vec<_> = grid::neighbours(&columns, &cells)
            .map(|pair| pair.and_then(|(cell, before)| cell.namesake(before)))
            .collect();
        for (cell, (apart, namesake)) in cells.iter_mut().zip(apart.into_iter().zip(namesakes)) {
            if let Some(cell) = cell {
                (cell.drift, cell.other_content) = (apart, namesake);
            }
        }
        Row { service, cells }
    };
    rows.into_iter().map(row).collect()
}

/// The columns that are wanted, and the rows that have something in one of them.
fn shown(
    columns: Vec<Column>,
    rows: Vec<Row>,
    is_wanted: impl Fn(&Column) -> bool,
) -> (Vec<Column>, Vec<Row>) {
    let wanted: Vec<_> = columns.iter().map(is_wanted).collect();
    let narrow = |row: Row| {
        let cells = row.cells.into_iter().zip(&wanted).filter(|(_, wanted)| **wanted);
        Row { service: row.service, cells: cells.map(|(cell, _)| cell).collect() }
    };
    let mut rows: Vec<_> = rows.into_iter().map(narrow).collect();
    rows.retain(|row| row.cells.iter().any(Option::is_some));
    let columns = columns.into_iter().zip(&wanted).filter(|(_, wanted)| **wanted);
    (columns.map(|(column, _)| column).collect(), rows)
}

fn groups(rows: Vec<Row>) -> Vec<Group> {
    let (restless, steady): (Vec<_>, Vec<_>) = rows.into_iter().partition(Row::is_restless);
    let groups = [
        Group { title: "In doubt or not ended", rows: restless },
        Group { title: "Steady", rows: steady },
    ];
    groups.into_iter().filter(|group| !group.rows.is_empty()).collect()
}
