//! Releases: where each one runs and ran, and whether it may go further.

use std::collections::BTreeSet;

use askama::Template;
use axum::{
    extract::{Path, RawQuery, State},
    response::Response,
};
use shiplog_domain::{names::ServiceName, release::Blocked};
use shiplog_projections::{
    current::{self, AsOf, LaneAt},
    history::{self, Run},
    page::Listed,
    releases::{self, Filter, ReleaseRow},
    view::View,
};

use super::{
    form::{self, Form},
    frame::{Frame, Section, Shell, Watched, page},
    links,
    parts::{Time, short},
};
use crate::{
    answering::fresh,
    app::App,
    path::ReleasePath,
    problem::{Problem, ProblemKind},
    query::{PAGING, Query, encode},
    releases::register::{self, Reason},
    views::AtLeast,
};

#[derive(Template)]
#[template(path = "services.html")]
struct ServicesPage {
    frame: Frame,
    services: Vec<(String, String, String)>,
    latest: Vec<Row>,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "releases.html")]
struct ReleasesPage {
    frame: Frame,
    service: ServiceName,
    rows: Vec<Row>,
    next: Option<String>,
    /// A promise for each form of the page.
    key: String,
    json: String,
}

/// A release, as it is listed.
struct Row {
    service: String,
    version: String,
    /// What it is called within the page.
    anchor: String,
    /// Where its forms are sent.
    path: String,
    page: String,
    json: String,
    commit: Option<String>,
    registered: bool,
    blocked: Option<(String, Time)>,
    seen: Time,
    irreversible: usize,
    runs: Vec<Stay>,
}

/// A stay in an environment.
struct Stay {
    environment: String,
    href: String,
    since: Time,
    until: Option<Time>,
}

impl Row {
    fn of(row: ReleaseRow, runs: Vec<Run>) -> Self {
        let ReleaseRow { id, manifest, registered, blocked, first_seen_at } = row;
        let (service, version) = (encode(id.service.as_str()), encode(id.version.as_str()));
        let stay = |Run { environment, number, since, until }: Run| Stay {
            href: format!("/lanes/{service}/{}/{}", encode(environment.as_str()), number.0),
            environment: environment.to_string(),
            since: Time::of(since),
            until: until.map(Time::of),
        };
        let changes = manifest.changes.iter();
        Self {
            path: format!("/releases/{service}/{version}"),
            page: links::release(&id.service, &id.version),
            json: format!("/v1/releases/{service}/{version}"),
            runs: runs.into_iter().rev().map(stay).collect(),
            service: id.service.to_string(),
            version: id.version.to_string(),
            anchor: version.clone(),
            commit: manifest.commit.as_deref().map(short),
            registered,
            blocked: blocked.map(|Blocked { at, reason }| (reason, Time::of(at))),
            seen: Time::of(first_seen_at),
            irreversible: changes.filter(|change| change.reversible == Some(false)).count(),
        }
    }

    fn now(&self) -> impl Iterator<Item = &Stay> {
        self.runs.iter().filter(|stay| stay.until.is_none())
    }

    fn before(&self) -> impl Iterator<Item = &Stay> {
        self.runs.iter().filter(|stay| stay.until.is_some())
    }

    fn ever_ran(&self) -> bool {
        !self.runs.is_empty()
    }
}

/// The services, and the releases that were heard of last.
pub(super) async fn services(
    State(app): State<App>,
    shell: Shell,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    let query = form::query(raw.as_deref(), &PAGING)?;
    let (frame, rows, next) =
        list(&app, (shell, "Releases".into()), &at_least, (query, "/releases", None)).await?;
    at_least.seen_by(&app.models.current).await?;
    let now = frame.shell.now;
    let ask = move |view: &View<'_>| {
        let service = |lane: &LaneAt<'_>| Ok(lane.id().service.clone());
        current::boards(view, AsOf::at(now), service)
    };
    let boards = app.models.current.query(ask).await?.value;
    let names: BTreeSet<_> = boards.into_iter().flat_map(|board| board.lanes).collect();
    let services = names.iter().map(|name| {
        let initial = name.as_str().chars().next().map(|one| one.to_uppercase().to_string());
        (name.to_string(), links::releases(name), initial.unwrap_or_default())
    });
    let shown = ServicesPage { frame, services: services.collect(), latest: rows, next };
    page(&app, &shown.frame, &shown)
}

/// The releases of one service.
pub(super) async fn show(
    State(app): State<App>,
    shell: Shell,
    Path(service): Path<String>,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    let service: ServiceName =
        service.parse().map_err(|error| Problem::at("{service}", format!("{error}")))?;
    let query = form::query(raw.as_deref(), &PAGING)?;
    let first = query.peek("cursor").is_none();
    let (path, title) = (links::releases(&service), format!("Releases of {service}"));
    let asked = (query, path.as_str(), Some(service.clone()));
    let (frame, rows, next) = list(&app, (shell, title), &at_least, asked).await?;
    if rows.is_empty() && first {
        return Err(ProblemKind::NotFound.because(format!("nothing is known of `{service}`")));
    }
    let json = format!("/v1/releases?service={}", encode(service.as_str()));
    let shown = ReleasesPage { frame, service, rows, next, key: fresh().to_string(), json };
    page(&app, &shown.frame, &shown)
}

type Asked<'p> = (Query, &'p str, Option<ServiceName>);

async fn list(
    app: &App,
    (shell, title): (Shell, String),
    at_least: &AtLeast,
    (mut query, path, service): Asked<'_>,
) -> Result<(Frame, Vec<Row>, Option<String>), Problem> {
    let (filter, wanted) = (Filter { service }, query.page(path)?);
    at_least.seen_by(&app.models.releases).await?;
    let ask = move |view: &View<'_>| releases::list(view, &filter, &wanted);
    let answer = app.models.releases.query(ask).await?;
    let frame = Frame::new(shell, Section::Releases, title);
    let frame = frame.told_by(app, &app.models.releases, &answer).await;
    let frame = if query.peek("cursor").is_none() { frame.watching(Watched::Log) } else { frame };
    let Listed { items, next } = answer.value;
    at_least.seen_by(&app.models.history).await?;
    let ids: Vec<_> = items.iter().map(|row| row.id.clone()).collect();
    let runs = app.models.history.query(move |view| {
        ids.iter().map(|id| history::runs(view, &id.service, &id.version)).collect()
    });
    let runs: Vec<Vec<Run>> = runs.await?.value;
    let rows = items.into_iter().zip(runs).map(|(row, runs)| Row::of(row, runs)).collect();
    let next = next.map(|next| query.next(path, ("cursor", &next.to_string())));
    Ok((frame, rows, next))
}

/// Blocks a release.
pub(super) async fn block(
    State(app): State<App>,
    shell: Shell,
    ReleasePath(id): ReleasePath,
    form: Form,
) -> Result<Response, Problem> {
    let mut fields = form.fields(&["reason"])?;
    let caller = form::caller(&shell, &mut fields)?;
    let given = Reason { reason: form::reason(&mut fields)?, new_name: None, at: None };
    register::block(&app, &id, &caller, &given).await?;
    Ok(form::recorded(&caller, links::release(&id.service, &id.version)))
}

/// Unblocks a release.
pub(super) async fn unblock(
    State(app): State<App>,
    shell: Shell,
    ReleasePath(id): ReleasePath,
    form: Form,
) -> Result<Response, Problem> {
    let mut fields = form.fields(&["reason"])?;
    let caller = form::caller(&shell, &mut fields)?;
    let given = Reason { reason: form::reason(&mut fields)?, new_name: None, at: None };
    register::unblock(&app, &id, &caller, &given).await?;
    Ok(form::recorded(&caller, links::release(&id.service, &id.version)))
}
