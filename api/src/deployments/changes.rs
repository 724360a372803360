//! What a deployment changed against what ran before it.

use std::sync::Arc;

use axum::{
    Json,
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::Serialize;
use shiplog_domain::{
    lane::{self, Configuration},
    names::Version,
    release::{Manifest, ReleaseId},
};
use shiplog_projections::{
    history::Entry,
    projection::View,
    releases::{self, ReleaseRow},
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::show::one;
use crate::{
    app::App,
    path::DeploymentPath,
    problem::Problem,
    query::Query,
    shapes::{Change, DigestChange, Moment, Name, Place, moment},
    views::AtLeast,
};

/// How many releases between the two are told of.
const BETWEEN: usize = 50;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_changes))
}

/// What a deployment changed against what ran before it, or would have replaced.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Changes {
    /// What ran before; null if nothing did.
    from: Option<Place>,
    to: Place,
    commits: Commits,
    /// Artifacts that are not the same, by name.
    artifacts: Vec<DigestChange>,
    /// Things that it is not configured alike with, by name; null where one of the two did not say.
    configuration: Option<Vec<DigestChange>>,
    /// What each release changes, release by release: those that were first heard of between the
    /// two, the oldest first, then the one that was deployed.
    releases: Vec<ReleaseChanges>,
}

/// From which commit to which.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Commits {
    from: Option<String>,
    to: Option<String>,
}

/// What one release changes.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct ReleaseChanges {
    #[schema(value_type = Name)]
    version: Version,
    commit: Option<String>,
    /// When it was first heard of; null if only its deployment is known.
    first_seen_at: Option<Moment>,
    notes: Option<String>,
    changes: Vec<Change>,
}

/// Show what a deployment changed against what it replaced, or was to replace.
#[utoipa::path(get, path = "/v1/deployments/{service}/{environment}/{number}/changes",
    tag = "deployments",
    params(crate::openapi::LaneParams, crate::openapi::NumberParam),
    responses((status = 200, description = "What it changed", body = Changes)))]
async fn get_changes(
    State(app): State<App>,
    DeploymentPath { lane, number }: DeploymentPath,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    Query::parse(raw.as_deref(), &[])?;
    at_least.seen_by(&app.models.history).await?;
    let (entry, position) = one(&app, &lane, number).await?;
    let look = |state: &lane::State, _: Option<_>| {
        let deployment = state.deployment(number)?;
        state.ran_before(deployment).map(Before::from)
    };
    let before = app.lanes.read(&lane.stream(), look).await?;
    at_least.seen_by(&app.models.releases).await?;
    let changes = against(&app, &entry, before).await?;
    Ok((app.receipt(position), Json(changes)).into_response())
}

/// What ran before a deployment.
#[derive(Clone, Debug)]
pub(super) struct Before {
    place: Place,
    release: Manifest,
    configuration: Option<Arc<Configuration>>,
}

impl From<&lane::Deployment> for Before {
    fn from(deployment: &lane::Deployment) -> Self {
        Self {
            place: deployment.into(),
            release: Manifest::clone(deployment.release()),
            configuration: deployment.requested.configuration.clone(),
        }
    }
}

/// What a deployment changed against what ran before it.
pub(super) async fn against(
    app: &App,
    entry: &Entry,
    before: Option<Before>,
) -> Result<Changes, Problem> {
    let (deployment, service) = (&entry.deployment, &entry.lane.service);
    let after: &Manifest = deployment.release();
    let mut releases = Vec::new();
    if let Some(before) = &before {
        let id =
            |version: &Version| ReleaseId { service: service.clone(), version: version.clone() };
        let (older, newer) = (id(&before.release.version), id(&after.version));
        let ask = move |view: &View<'_>| releases::amid(view, &older, &newer, BETWEEN);
        let rows = app.models.releases.query(ask).await?.value;
        releases.extend(rows.iter().map(ReleaseChanges::from));
    }
    releases.push(ReleaseChanges::new(after, None));
    let old = before.as_ref().map(|before| &before.release);
    Ok(Changes {
        to: deployment.into(),
        commits: Commits {
            from: old.and_then(|release| release.commit.clone()),
            to: after.commit.clone(),
        },
        artifacts: DigestChange::of(after.artifacts_beside(old)),
        configuration: reconfigured(before.as_ref(), deployment),
        releases,
        from: before.map(|before| before.place),
    })
}

/// Where nothing ran before, nothing was configured.
fn reconfigured(before: Option<&Before>, after: &lane::Deployment) -> Option<Vec<DigestChange>> {
    let nothing = Configuration::default();
    let before = before.map_or(Some(&nothing), |before| before.configuration.as_deref());
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
