//! Releases: where each one runs and ran, and whether it may go further.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    extract::{Path, RawQuery, State},
    response::Response,
};
use jiff::Timestamp;
use shiplog_domain::{
    lane::{DeploymentNumber, LaneId},
    names::{EnvironmentName, ServiceName},
    release::{Blocked, ReleaseId},
};
use shiplog_projections::{
    current,
    history::{self, Entry, Run},
    page::{Listed, ListedByName, PageByName},
    releases::{self, Filter, Known, ReleaseRow},
    view::{self, View},
};

use super::{
    form::{self, Form},
    frame::{Frame, Section, Shell, Watched, page},
    links,
    objections::Objections,
    parts::{Time, digest, short},
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

/// How many services a page lists.
const SERVICES: usize = 1_000;

#[derive(Template)]
#[template(path = "services.html")]
struct ServicesPage {
    frame: Frame,
    services: Vec<(ServiceName, String)>,
    /// Where the next page of services is.
    more: Option<String>,
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
    /// The different contents that bear its name, where there are several.
    contents: Vec<Content>,
}

/// A content that bears the name of a release.
struct Content {
    commit: Option<String>,
    digests: Vec<String>,
    seen: Time,
}

impl From<&Known> for Content {
    fn from(Known { manifest, first_seen_at }: &Known) -> Self {
        Self {
            commit: manifest.commit.as_deref().map(short),
            digests: manifest.artifacts.iter().map(|one| digest(&one.digest)).collect(),
            seen: Time::of(*first_seen_at),
        }
    }
}

/// A stay in an environment.
struct Stay {
    environment: String,
    href: String,
    since: Time,
    until: Option<Time>,
    /// What speaks against the deployment, where it is the last of the release in its environment.
    objections: Objections,
}

/// A release with what bears its name, where it runs and ran, and the last deployment of it in each
/// of those environments.
struct Found {
    row: ReleaseRow,
    contents: Vec<Known>,
    runs: Vec<Run>,
    last: Vec<Entry>,
}

impl Row {
    fn of(Found { row, contents, runs, last }: Found, now: Timestamp) -> Self {
        let ReleaseRow { id, manifest, registered, blocked, first_seen_at } = row;
        let (service, version) = (encode(id.service.as_str()), encode(id.version.as_str()));
        let objections = |environment: &EnvironmentName, number: DeploymentNumber| {
            let is_it = |one: &&Entry| {
                one.lane.environment == *environment && one.deployment.number() == number
            };
            last.iter().find(is_it).map(|one| Objections::of(one, None)).unwrap_or_default()
        };
        let stay = |Run { environment, number, since, until }: Run| {
            let objections = objections(&environment, number);
            let name = environment.to_string();
            let lane = LaneId { service: id.service.clone(), environment };
            let until = until.filter(|until| *until <= now).map(Time::of);
            let href = links::deployment(&lane, number);
            Stay { environment: name, href, since: Time::of(since), until, objections }
        };
        // What is recorded for later has not run yet.
        let runs = runs.into_iter().filter(|run| run.since <= now);
        let changes = manifest.changes.iter();
        Self {
            path: format!("/releases/{service}/{version}"),
            page: links::release(&id.service, &id.version),
            json: format!("/v1/releases/{service}/{version}"),
            runs: runs.rev().map(stay).collect(),
            contents: match contents.as_slice() {
                [] | [_] => Vec::new(),
                several => several.iter().map(Content::from).collect(),
            },
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
    let known = ["limit", "cursor", "order", "services"];
    let mut query = form::query(raw.as_deref(), &known)?;
    let after = query.text("services")?;
    let names = PageByName { after, ..PageByName::first(SERVICES) };
    let more = |last: &ServiceName| query.with("/releases", "services", last.as_str());
    at_least.seen_by(&app.models.current).await?;
    let ask = move |view: &View<'_>| current::services(view, &names, |_| true);
    let ListedByName { items, next } = app.models.current.query(ask).await?.value;
    let more = items.last().filter(|_| next.is_some()).map(more);
    let (frame, rows, next) =
        list(&app, (shell, "Releases".into()), &at_least, (query, "/releases", None)).await?;
    let services = items.into_iter().map(|name| (name.clone(), links::releases(&name))).collect();
    let shown = ServicesPage { frame, services, more, latest: rows, next };
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
    let ask = move |view: &View<'_>| {
        let Listed { items, next } = releases::list(view, &filter, &wanted)?;
        let with_contents = |row: ReleaseRow| Ok((releases::contents(view, &row.id)?, row));
        let items = items.into_iter().map(with_contents).collect::<view::Result<Vec<_>>>()?;
        Ok(Listed { items, next })
    };
    let answer = app.models.releases.query(ask).await?;
    let frame = Frame::new(shell, Section::Releases, title);
    let frame = frame.told_by(app, &app.models.releases, &answer).await;
    let frame = if query.peek("cursor").is_none() { frame.watching(Watched::Log) } else { frame };
    let Listed { items, next } = answer.value;
    at_least.seen_by(&app.models.history).await?;
    let ids: Vec<_> = items.iter().map(|(_, row)| row.id.clone()).collect();
    let ask = move |view: &View<'_>| ids.iter().map(|id| ran(view, id)).collect();
    let runs: Vec<(Vec<Run>, Vec<Entry>)> = app.models.history.query(ask).await?.value;
    let now = frame.shell.now;
    let found = items.into_iter().zip(runs);
    let found = found.map(|((contents, row), (runs, last))| Found { row, contents, runs, last });
    let rows = found.map(|found| Row::of(found, now)).collect();
    let next = next.map(|next| query.next(path, ("cursor", &next.to_string())));
    Ok((frame, rows, next))
}

/// Where and when a release ran, and the last deployment of it in each environment.
fn ran(view: &View<'_>, id: &ReleaseId) -> view::Result<(Vec<Run>, Vec<Entry>)> {
    let runs = history::runs(view, &id.service, &id.version)?;
    let last: BTreeMap<_, _> = runs.iter().map(|run| (&run.environment, run.number)).collect();
    let mut entries = Vec::new();
    for (environment, number) in last {
        let lane = LaneId { service: id.service.clone(), environment: environment.clone() };
        entries.extend(history::one(view, &lane, number)?);
    }
    Ok((runs, entries))
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
