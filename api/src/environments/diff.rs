//! What changed in an environment between two instants.

use axum::{
    Json,
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::Serialize;
use shiplog_domain::names::{EnvironmentName, ServiceName, Version};
use shiplog_projections::{
    current::{self, Brief},
    page::ListedByName,
    view::View,
};
use utoipa::ToSchema;

use super::{PATH, unheard};
use crate::{
    app::App,
    path::EnvironmentPath,
    problem::Problem,
    query::{MAX_LIMIT, Query, encode},
    shapes::{DigestChange, Moment, Name, Number},
    views::AtLeast,
};

/// What changed between two instants.
#[derive(Serialize, ToSchema)]
pub(super) struct EnvironmentDiff {
    #[schema(value_type = Name)]
    environment: EnvironmentName,
    from: Moment,
    to: Moment,
    /// As known then.
    known_at: Moment,
    /// The services that are not the same, by name.
    items: Vec<Difference>,
    /// Where the next page of them starts, for `cursor`.
    next: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct Difference {
    #[schema(value_type = Name)]
    service: ServiceName,
    change: ChangeWord,
    /// What ran at the first instant.
    from: Option<Ran>,
    /// What ran at the second.
    to: Option<Ran>,
    /// Things that the two are not configured alike with, by name; null where one of them did not say.
    configuration: Option<Vec<DigestChange>>,
}

/// What kind of change it is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ChangeWord {
    Added,
    Removed,
    Changed,
}

#[derive(Serialize, ToSchema)]
struct Ran {
    #[schema(value_type = Number)]
    number: u32,
    #[schema(value_type = Name)]
    version: Version,
    commit: Option<String>,
    since: Moment,
}

impl From<Brief> for Ran {
    fn from(brief: Brief) -> Self {
        let Brief { number, version, commit, at, .. } = brief;
        Self { number: number.0, version, commit, since: Moment(at) }
    }
}

impl From<current::Difference> for Difference {
    fn from(difference: current::Difference) -> Self {
        let current::Difference { service, from, to } = difference;
        let change = match (&from, &to) {
            (None, _) => ChangeWord::Added,
            (Some(_), None) => ChangeWord::Removed,
            (Some(_), Some(_)) => ChangeWord::Changed,
        };
        let configured = |brief: &Option<Brief>| brief.as_ref()?.configuration.clone();
        let (before, after) = (configured(&from), configured(&to));
        Self {
            service,
            change,
            configuration: DigestChange::between(before.as_ref(), after.as_ref()),
            from: from.map(Into::into),
            to: to.map(Into::into),
        }
    }
}

/// Show what changed in an environment between two instants.
#[utoipa::path(get, path = "/v1/environments/{name}/diff", tag = "environments",
    params(crate::openapi::EnvironmentParam, crate::openapi::DiffParams,
        crate::openapi::NamePageParams),
    responses((status = 200, description = "What changed", body = EnvironmentDiff)))]
pub(super) async fn diff_environment(
    State(app): State<App>,
    EnvironmentPath(name): EnvironmentPath,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    let known = ["from", "to", "known_at", "limit", "cursor"];
    let mut query = Query::parse(raw.as_deref(), &known)?;
    let page = query.page_by_name(&format!("changes of {name}"), MAX_LIMIT)?;
    let (from, to) = (needed(&mut query, "from")?, needed(&mut query, "to")?);
    let known_at = query.instant("known_at")?;
    at_least.seen_by(&app.models.current).await?;
    let asked = name.clone();
    let ask = move |view: &View<'_>| current::diff(view, &asked, (from, to, known_at), &page);
    let answer = app.models.current.query(ask).await?;
    let ListedByName { items, next } = answer.value.ok_or_else(|| unheard(&name))?;
    let path = format!("{PATH}/{}/diff", encode(name.as_str()));
    let diff = EnvironmentDiff {
        environment: name,
        from: Moment(from),
        to: Moment(to),
        known_at: Moment(known_at.unwrap_or_else(|| app.clock.now())),
        items: items.into_iter().map(Into::into).collect(),
        next: next.map(|next| next.to_string()),
    };
    let link = query.next_link(&path, diff.next.as_ref());
    Ok((app.receipt(answer.position), link, Json(diff)).into_response())
}

fn needed(query: &mut Query, name: &str) -> Result<Timestamp, Problem> {
    let instant = query.instant(name)?;
    instant.ok_or_else(|| Problem::at(format!("?{name}"), "it is missing"))
}
