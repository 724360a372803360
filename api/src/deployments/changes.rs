//! What a deployment changed against what ran before it, or is beside another one.

use axum::{
    Json,
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::Serialize;
use shiplog_domain::{
    lane::{self, Configuration, DeploymentNumber, LaneId},
    names::{EnvironmentName, NameError, ServiceName, Version},
    release::{Manifest, ReleaseId},
};
use shiplog_projections::{
    history::{self, Entry},
    releases::{self, ReleaseRow},
    view::View,
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::show::one;
use crate::{
    app::App,
    path::{self, DeploymentPath},
    problem::Problem,
    query::Query,
    shapes::{Actor, Change, DigestChange, Moment, Name, Place, StatusWord, moment},
    views::AtLeast,
};

/// How many releases between the two are told of.
const BETWEEN: usize = 50;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_changes))
}

/// What a deployment changed against what ran before it, or would have replaced, or against another
/// one of its service.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Changes {
    /// What ran before, or the other one; null if nothing ran.
    from: Option<Place>,
    to: Place,
    asked: BothAsked,
    /// From when the one was asked for to when the other one was; negative if that was earlier.
    between_ms: Option<i64>,
    commits: Commits,
    /// Artifacts that are not the same, by name.
    artifacts: Vec<DigestChange>,
    /// Things that it is not configured alike with, by name; null where one of the two did not say.
    configuration: Option<Vec<DigestChange>>,
    /// What comes in, release by release: those that were first heard of between the two, the oldest
    /// first, then the one that was deployed; nothing where that is the older one.
    pub(crate) releases: Vec<ReleaseChanges>,
    /// What goes out where the older one is deployed, release by release: the one that is left, then
    /// those that were first heard of between the two, the newest first.
    pub(crate) taken_out: Vec<ReleaseChanges>,
}

/// Where the two were asked for, by whom and when.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct BothAsked {
    from: Option<AskedFor>,
    to: AskedFor,
}

/// Where a deployment was asked for, by whom and when, and what became of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct AskedFor {
    #[schema(value_type = Name)]
    environment: EnvironmentName,
    actor: Actor,
    requested_at: Moment,
    #[schema(value_type = StatusWord)]
    status: lane::Status,
}

impl From<&Entry> for AskedFor {
    fn from(entry: &Entry) -> Self {
        Self {
            environment: entry.lane.environment.clone(),
            actor: (&entry.actor).into(),
            requested_at: Moment(entry.deployment.requested.at),
            status: entry.deployment.status(),
        }
    }
}

/// From which commit to which.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Commits {
    from: Option<String>,
    to: Option<String>,
}

/// What one release changes.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ReleaseChanges {
    #[schema(value_type = Name)]
    pub(crate) version: Version,
    pub(crate) commit: Option<String>,
    /// When it was first heard of; null if only its deployment is known.
    first_seen_at: Option<Moment>,
    pub(crate) notes: Option<String>,
    pub(crate) changes: Vec<Change>,
}

/// Show what a deployment changed against what it replaced, or was to replace.
///
/// With `against`, it is compared with any other deployment of its service: `41` in the same
/// environment, `staging/12` in another one.
#[utoipa::path(get, path = "/v1/deployments/{service}/{environment}/{number}/changes",
    tag = "deployments",
    params(crate::openapi::LaneParams, crate::openapi::NumberParam, crate::openapi::AgainstParam),
    responses((status = 200, description = "What it changed", body = Changes)))]
async fn get_changes(
    State(app): State<App>,
    DeploymentPath { lane, number }: DeploymentPath,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    let mut query = Query::parse(raw.as_deref(), &["against"])?;
    let other = other(&mut query, &lane)?;
    at_least.seen_by(&app.models.history).await?;
    let (entry, position) = one(&app, &lane, number).await?;
    let before = match other {
        Some((lane, number)) => Some(one(&app, &lane, number).await?.0),
        None => ran_before(&app, &entry).await?,
    };
    at_least.seen_by(&app.models.releases).await?;
    let changes = against(&app, &entry, before.as_ref()).await?;
    Ok((app.receipt(position), Json(changes)).into_response())
}

/// Takes the deployment of the same service that another one is to be compared with.
pub(crate) fn other(
    query: &mut Query,
    lane: &LaneId,
) -> Result<Option<(LaneId, DeploymentNumber)>, Problem> {
    query.read("against", |text| {
        let (environment, digits) = match text.rsplit_once('/') {
            Some((environment, digits)) => {
                (environment.parse().map_err(|error: NameError| error.to_string())?, digits)
            }
            None => (lane.environment.clone(), text),
        };
        let number = path::number(digits).ok_or_else(|| {
            format!(
                "`{text}` is no deployment of `{}`; there are `41` and `staging/12`",
                lane.service
            )
        })?;
        Ok((LaneId { service: lane.service.clone(), environment }, number))
    })
}

/// What ran before a deployment took effect or, until then, when it was asked for. Of a lane that is
/// damaged, what it replaced by what the history has.
pub(crate) async fn ran_before(app: &App, entry: &Entry) -> Result<Option<Entry>, Problem> {
    let number = entry.deployment.number();
    let look = |state: &lane::State, _: Option<_>| {
        Some(state.ran_before(state.deployment(number)?)?.number())
    };
    let read = app.lanes.read(&entry.lane.stream(), look).await.map_err(Problem::from);
    let before = match read {
        Err(problem) if problem.kind.is_of_one_stream() => {
            entry.replaced.as_ref().map(|replaced| replaced.number)
        }
        read => read?,
    };
    match before {
        Some(before) => Ok(Some(known(app, &entry.lane, before).await?)),
        None => Ok(None),
    }
}

/// A deployment that its lane knows of. A lane is read from the log, and may know of it first.
pub(crate) async fn known(
    app: &App,
    lane: &LaneId,
    number: DeploymentNumber,
) -> Result<Entry, Problem> {
    let id = lane.clone();
    let told = app.models.history.query(move |view| history::one(view, &id, number)).await?.value;
    if let Some(told) = told {
        return Ok(told);
    }
    AtLeast::wanted(app, app.log.head().await?).seen_by(&app.models.history).await?;
    Ok(one(app, lane, number).await?.0)
}

/// What a deployment changed against another one.
pub(crate) async fn against(
    app: &App,
    entry: &Entry,
    before: Option<&Entry>,
) -> Result<Changes, Problem> {
    let deployment = &entry.deployment;
    let after: &Manifest = deployment.release();
    let old = before.map(|before| &**before.deployment.release());
    let Direction { comes_in: releases, taken_out } = told(app, entry, old).await?;
    let since = |before: &Entry| {
        deployment.requested.at.as_millisecond() - before.deployment.requested.at.as_millisecond()
    };
    Ok(Changes {
        from: before.map(|before| (&before.deployment).into()),
        to: deployment.into(),
        asked: BothAsked { from: before.map(Into::into), to: entry.into() },
        between_ms: before.map(since),
        commits: Commits {
            from: old.and_then(|release| release.commit.clone()),
            to: after.commit.clone(),
        },
        artifacts: DigestChange::of(after.artifacts_beside(old)),
        configuration: reconfigured(before.map(|before| &before.deployment), deployment),
        releases,
        taken_out,
    })
}

/// What comes in, and what goes out.
struct Direction {
    comes_in: Vec<ReleaseChanges>,
    taken_out: Vec<ReleaseChanges>,
}

/// What comes in with a deployment after `old`, or goes out where it is the older release.
async fn told(app: &App, entry: &Entry, old: Option<&Manifest>) -> Result<Direction, Problem> {
    let new: &Manifest = entry.deployment.release();
    let own = || ReleaseChanges::new(new, None);
    let Some(old) = old else {
        return Ok(Direction { comes_in: vec![own()], taken_out: Vec::new() });
    };
    let Between { goes_back, releases } =
        between(app, &entry.lane.service, &old.version, &new.version).await?;
    let mut between: Vec<_> = releases.iter().map(ReleaseChanges::from).collect();
    if goes_back {
        between.reverse();
        between.insert(0, ReleaseChanges::new(old, None));
        return Ok(Direction { comes_in: Vec::new(), taken_out: between });
    }
    if old.version != new.version || !old.is_same_as(new) {
        between.push(own());
    }
    Ok(Direction { comes_in: between, taken_out: Vec::new() })
}

/// The releases between two, and which way it goes.
pub(crate) struct Between {
    /// Whether the second was first heard of before the first.
    pub(crate) goes_back: bool,
    /// Those that were first heard of after one of the two and before the other, the oldest first.
    pub(crate) releases: Vec<ReleaseRow>,
}

/// What there is between two releases of a service.
pub(crate) async fn between(
    app: &App,
    service: &ServiceName,
    old: &Version,
    new: &Version,
) -> Result<Between, Problem> {
    let id = |version: &Version| ReleaseId { service: service.clone(), version: version.clone() };
    let (old, new) = (id(old), id(new));
    let ask = move |view: &View<'_>| {
        let goes_back = releases::is_older(view, &new, &old)?;
        let (older, newer) = if goes_back { (&new, &old) } else { (&old, &new) };
        Ok(Between { goes_back, releases: releases::amid(view, older, newer, BETWEEN)? })
    };
    Ok(app.models.releases.query(ask).await?.value)
}

/// Where nothing ran before, nothing was configured.
fn reconfigured(
    before: Option<&lane::Deployment>,
    after: &lane::Deployment,
) -> Option<Vec<DigestChange>> {
    let nothing = Configuration::default();
    let before = before.map_or(Some(&nothing), lane::Deployment::configuration);
    DigestChange::between(before, after.configuration())
}

impl ReleaseChanges {
    fn new(release: &Manifest, first_seen_at: Option<Timestamp>) -> Self {
        Self {
            version: release.version.clone(),
            commit: release.commit.clone(),
            first_seen_at: moment(first_seen_at),
            notes: release.notes.clone(),
            changes: release.changes.iter().cloned().map(Into::into).collect(),
        }
    }
}

impl From<&ReleaseRow> for ReleaseChanges {
    fn from(row: &ReleaseRow) -> Self {
        Self::new(&row.manifest, Some(row.first_seen_at))
    }
}
