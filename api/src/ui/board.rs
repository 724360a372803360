//! The board: every service in every environment, now or at any instant.

mod cell;
mod filter;
mod tally;

use std::{cmp::Reverse, collections::BTreeMap};

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, header::HOST},
    response::Response,
};
use jiff::Timestamp;
use shiplog_domain::{environment::Frozen, names::ServiceName};
use shiplog_projections::{
    current::{self, AsOf, Board, EnvironmentRow, LaneNow},
    history::{self, Entry, Filter},
    page::Page,
    projection::View,
};

use self::{cell::Cell, filter::Asked, tally::Tally};
use super::{
    form,
    frame::{Frame, Section, Shell, Watched, page},
    history::Item,
    parts::Time,
    tiers::stage,
};
use crate::{app::App, problem::Problem, query::encode, views::AtLeast};

/// How many of the latest deployments stand beside the board.
const LATEST: usize = 12;

#[derive(Template)]
#[template(path = "board.html")]
struct BoardPage {
    frame: Frame,
    asked: Asked,
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
        !shown && self.frame.as_of.is_none() && self.frame.behind.is_none()
    }
}

/// An environment at the head of its column.
struct Column {
    name: String,
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
    cells: Vec<Option<Cell>>,
}

impl Row {
    fn is_restless(&self) -> bool {
        self.cells.iter().flatten().any(|cell| cell.uncertain.is_some() || cell.moving.is_some())
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
    let asked = Asked::read(form::query(raw.as_deref(), &filter::KNOWN)?)?;
    let as_of = asked.as_of;
    at_least.seen_by(&app.models.current).await?;
    let answer = app.models.current.query(move |view| current::boards(view, as_of)).await?;
    let latest = latest(&app, at_least, as_of).await?;
    let frame = Frame::new(shell, Section::Board, "What runs where");
    let frame = frame.told_by(&app, &app.models.current, &answer).await;
    let frame = match as_of.at.or(as_of.known_at) {
        Some(at) => Frame { as_of: Some((Time::of(at), asked.present())), ..frame },
        None => frame.watching(Watched::Log),
    };
    let boards = in_order(answer.value, &asked);
    let columns = columns(&boards, as_of.at.unwrap_or(frame.shell.now));
    let rows = rows(boards);
    let (all, rows) = (rows.len(), rows.into_iter().filter(|row| asked.wants(row)));
    let rows: Vec<_> = rows.collect();
    let tally = Tally::of(&columns, &rows, all);
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1:7420");
    let latest = latest.iter().map(Item::from).collect();
    let server = format!("http://{host}");
    let board = BoardPage { frame, asked, columns, groups: groups(rows), tally, latest, server };
    page(&app, &board.frame, &board)
}

/// The deployments that were requested last.
async fn latest(app: &App, at_least: AtLeast, as_of: AsOf) -> Result<Vec<Entry>, Problem> {
    at_least.seen_by(&app.models.history).await?;
    let filter = Filter { until: as_of.at, ..Filter::default() };
    let ask = move |view: &View<'_>| history::list(view, &filter, &Page::first(LATEST));
    Ok(app.models.history.query(ask).await?.value.items)
}

/// The boards that are wanted, production first.
fn in_order(boards: Vec<Board>, asked: &Asked) -> Vec<Board> {
    let wanted = |board: &Board| {
        let EnvironmentRow { tier, retired, .. } = board.environment;
        !retired && asked.tier.is_none_or(|wanted| wanted == tier)
    };
    let mut boards: Vec<_> = boards.into_iter().filter(wanted).collect();
    boards.sort_by_key(|board| (stage(board.environment.tier), Reverse(board.environment.lanes)));
    boards
}

fn columns(boards: &[Board], at: Timestamp) -> Vec<Column> {
    let column = |board: &Board| {
        let EnvironmentRow { environment, freezes, lanes, .. } = &board.environment;
        let freeze = |frozen: &Frozen| Freeze {
            reason: frozen.reason.clone(),
            until: frozen.until.map(Time::of),
        };
        Column {
            href: format!("/history?environment={}", encode(environment.as_str())),
            name: environment.to_string(),
            runs: *lanes,
            frozen: freezes.at(at).map(freeze),
        }
    };
    boards.iter().map(column).collect()
}

/// One row a service, by name; each cell knows what the stage before it runs.
fn rows(boards: Vec<Board>) -> Vec<Row> {
    let stages: Vec<_> = boards
        .iter()
        .map(|board| (stage(board.environment.tier), board.environment.environment.clone()))
        .collect();
    let mut lanes: BTreeMap<ServiceName, Vec<Option<LaneNow>>> = BTreeMap::new();
    for (column, board) in boards.into_iter().enumerate() {
        for lane in board.lanes {
            let row = lanes.entry(lane.lane.service.clone());
            let row = row.or_insert_with(|| vec![None; stages.len()]);
            if let Some(place) = row.get_mut(column) {
                *place = Some(lane);
            }
        }
    }
    let row = |(service, lanes): (ServiceName, Vec<Option<LaneNow>>)| {
        let cell = |(column, lane): (usize, &Option<LaneNow>)| {
            Some(Cell::new(lane.as_ref()?, cell::before(&stages, &lanes, column)))
        };
        let cells = lanes.iter().enumerate().map(cell).collect();
        Row { service, cells }
    };
    lanes.into_iter().map(row).collect()
}

fn groups(rows: Vec<Row>) -> Vec<Group> {
    let (restless, steady): (Vec<_>, Vec<_>) = rows.into_iter().partition(Row::is_restless);
    let groups = [
        Group { title: "In doubt or under way", rows: restless },
        Group { title: "Steady", rows: steady },
    ];
    groups.into_iter().filter(|group| !group.rows.is_empty()).collect()
}
