//! Releases: what they are made of, and where each one runs and ran.

pub(crate) mod register;

use axum::{
    Json,
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::Serialize;
use shiplog_domain::{
    names::{EnvironmentName, ServiceName, Version},
    release::Manifest,
};
use shiplog_projections::{
    history::{self, Run},
    page::Listed,
    releases::{self, Filter, Known, ReleaseRow},
    view::View,
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    path::ReleasePath,
    problem::{Problem, ProblemKind},
    query::{PAGING, Query},
    shapes::{Artifact, Block, Moment, Name, Number, Release, moment},
    views::AtLeast,
};

const PATH: &str = "/v1/releases";

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_releases))
        .routes(routes!(get_release, register::register_release))
        .routes(routes!(register::block_release))
        .routes(routes!(register::unblock_release))
}

/// A page of releases.
#[derive(Serialize, ToSchema)]
struct ReleaseList {
    items: Vec<ReleaseBrief>,
    /// Where the next page starts, for `cursor`.
    next: Option<String>,
}

/// A release, as it is listed.
#[derive(Serialize, ToSchema)]
struct ReleaseBrief {
    #[schema(value_type = Name)]
    service: ServiceName,
    #[schema(value_type = Name)]
    version: Version,
    commit: Option<String>,
    /// Whether it was registered; else it is known by its deployments.
    registered: bool,
    /// The block in force.
    blocked: Option<Block>,
    first_seen_at: Moment,
    /// How many different contents bear its name, as far as they are told apart: more than one where a
    /// tag moved; 20 at most.
    #[schema(minimum = 1, maximum = 20)]
    contents_count: usize,
    /// The environments in which it runs.
    #[schema(value_type = Vec<Name>)]
    runs_in: Vec<EnvironmentName>,
}

/// A release, whole.
#[derive(Serialize, ToSchema)]
struct ReleaseWhole {
    #[schema(value_type = Name)]
    service: ServiceName,
    #[schema(value_type = Name)]
    version: Version,
    commit: Option<String>,
    /// Whether it was registered; else it is known by its deployments.
    registered: bool,
    /// The block in force.
    blocked: Option<Block>,
    first_seen_at: Moment,
    /// The environments in which it runs.
    #[schema(value_type = Vec<Name>)]
    runs_in: Vec<EnvironmentName>,
    release: Release,
    /// The different contents that bear its name, in the order in which they were heard of: more than
    /// one where a tag moved; 20 at most.
    contents: Vec<ContentShape>,
    /// Where it runs and ran.
    runs: Vec<RunShape>,
}

/// A content that bears the name of a release.
#[derive(Serialize, ToSchema)]
#[schema(as = Content)]
struct ContentShape {
    commit: Option<String>,
    artifacts: Vec<Artifact>,
    first_seen_at: Moment,
}

impl From<Known> for ContentShape {
    fn from(Known { manifest, first_seen_at }: Known) -> Self {
        let Manifest { commit, artifacts, .. } = manifest;
        let artifacts = artifacts.into_iter().map(Into::into).collect();
        Self { commit, artifacts, first_seen_at: Moment(first_seen_at) }
    }
}

/// A time that a release ran somewhere.
#[derive(Serialize, ToSchema)]
#[schema(as = Run)]
struct RunShape {
    #[schema(value_type = Name)]
    environment: EnvironmentName,
    /// The deployment that put it there.
    #[schema(value_type = Number)]
    number: u32,
    since: Moment,
    /// Null while it runs.
    until: Option<Moment>,
}

impl From<Run> for RunShape {
    fn from(Run { environment, number, since, until }: Run) -> Self {
        Self { environment, number: number.0, since: Moment(since), until: moment(until) }
    }
}

fn runs_in(runs: &[Run], now: Timestamp) -> Vec<EnvironmentName> {
    let runs = runs.iter().filter(|run| run.is_at(now));
    runs.map(|run| run.environment.clone()).collect()
}

impl ReleaseBrief {
    fn new(row: ReleaseRow, contents_count: usize, runs: &[Run], now: Timestamp) -> Self {
        let ReleaseRow { id, manifest, registered, blocked, first_seen_at } = row;
        Self {
            service: id.service,
            version: id.version,
            commit: manifest.commit,
            registered,
            blocked: blocked.map(Into::into),
            first_seen_at: Moment(first_seen_at),
            contents_count,
            runs_in: runs_in(runs, now),
        }
    }
}

impl ReleaseWhole {
    fn new(row: ReleaseRow, contents: Vec<Known>, runs: Vec<Run>, now: Timestamp) -> Self {
        let release = Release::from(&row.manifest);
        let brief = ReleaseBrief::new(row, contents.len(), &runs, now);
        let ReleaseBrief { service, version, commit, registered, blocked, .. } = brief;
        let (first_seen_at, runs_in) = (brief.first_seen_at, brief.runs_in);
        let runs = runs.into_iter().map(Into::into).collect();
        Self {
            service,
            version,
            commit,
            registered,
            blocked,
            first_seen_at,
            runs_in,
            release,
            contents: contents.into_iter().map(Into::into).collect(),
            runs,
        }
    }
}

/// List releases, those heard of last first, and where they run.
#[utoipa::path(get, path = "/v1/releases", tag = "releases",
    params(crate::openapi::ServiceParam, crate::openapi::PageParams),
    responses((status = 200, description = "A page of releases", body = ReleaseList)))]
async fn list_releases(
    State(app): State<App>,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    let mut query = Query::parse(raw.as_deref(), &[PAGING.as_slice(), &["service"]].concat())?;
    let (filter, page) = (Filter { service: query.parsed("service")? }, query.page("releases")?);
    at_least.seen_by(&app.models.releases).await?;
    let ask = move |view: &View<'_>| {
        let listed = releases::list(view, &filter, &page)?;
        let ids = listed.items.iter().map(|row| &row.id);
        let counts =
            ids.map(|id| releases::count_contents(view, id)).collect::<Result<Vec<_>, _>>();
        Ok((listed, counts?))
    };
    let listed = app.models.releases.query(ask).await?;
    let (Listed { items: rows, next }, counts) = listed.value;
    let link = query.next_link(PATH, next.as_ref());
    let ids: Vec<_> = rows.iter().map(|row| row.id.clone()).collect();
    at_least.seen_by(&app.models.history).await?;
    let runs = app.models.history.query(move |view| {
        ids.iter().map(|id| history::runs(view, &id.service, &id.version)).collect()
    });
    let runs: Vec<Vec<Run>> = runs.await?.value;
    let now = app.clock.now();
    let items = rows.into_iter().zip(counts).zip(runs);
    let items = items.map(|((row, count), runs)| ReleaseBrief::new(row, count, &runs, now));
    let list = ReleaseList { items: items.collect(), next: next.map(|next| next.to_string()) };
    Ok((app.receipt(listed.position), link, Json(list)).into_response())
}

/// Show a release: what it is made of, and where it runs and ran.
#[utoipa::path(get, path = "/v1/releases/{service}/{version}", tag = "releases",
    params(crate::openapi::ReleaseParams),
    responses((status = 200, description = "The release", body = ReleaseWhole)))]
async fn get_release(
    State(app): State<App>,
    ReleasePath(id): ReleasePath,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    Query::parse(raw.as_deref(), &[])?;
    at_least.seen_by(&app.models.releases).await?;
    let asked = id.clone();
    let ask = move |view: &View<'_>| {
        let row = releases::one(view, &asked)?;
        row.map(|row| Ok((row, releases::contents(view, &asked)?))).transpose()
    };
    let found = app.models.releases.query(ask).await?;
    let (row, contents) = found.value.ok_or_else(|| {
        let (service, version) = (&id.service, &id.version);
        ProblemKind::NotFound.because(format!("there is no release `{version}` of `{service}`"))
    })?;
    at_least.seen_by(&app.models.history).await?;
    let ask = move |view: &View<'_>| history::runs(view, &id.service, &id.version);
    let runs = app.models.history.query(ask).await?.value;
    let whole = ReleaseWhole::new(row, contents, runs, app.clock.now());
    Ok((app.receipt(found.position), Json(whole)).into_response())
}
