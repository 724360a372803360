//! What would have become of what was asked for, had other rules held.

mod policy;
mod table;

use std::{collections::BTreeMap, convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use shiplog_domain::names::{EnvironmentName, ServiceName, Version};
use shiplog_projections::{
    turn::Turn,
    what_if::{Difference, Policy, Report, WhatIfError, what_if},
};
use tokio::{runtime::Handle, sync::oneshot, time::timeout};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::policy::PolicyGiven;
use crate::{
    app::App,
    body::{Body, parse},
    csv_text::{Format, format, table},
    problem::{Problem, ProblemKind, internal},
    query::Query,
    shapes::{Actor, Moment, Name, Number, Object},
};

/// Where it is asked.
pub(crate) const PATH: &str = "/v1/what-if";

/// One at a time: it takes the whole log, and a processor.
pub(crate) const AT_ONCE: usize = 1;

/// How long a replay may take.
const LONGEST: Duration = Duration::from_mins(5);

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(ask_what_if))
}

/// The decisions that would have differed.
#[derive(Serialize, ToSchema)]
struct WhatIfReport {
    /// Up to which position the log was replayed; null before the first event.
    position: Option<u64>,
    /// How many deployments were judged.
    deployments: u64,
    /// How many of them were reported, and so met no rule in fact.
    reported: u64,
    /// How many decisions would have differed, by rule.
    counts: BTreeMap<&'static str, u64>,
    /// They, in the order of the log.
    items: Vec<DifferenceShape>,
}

/// A decision that would have differed.
#[derive(Serialize, ToSchema)]
#[schema(as = Difference)]
struct DifferenceShape {
    #[schema(value_type = Name)]
    service: ServiceName,
    #[schema(value_type = Name)]
    environment: EnvironmentName,
    #[schema(value_type = Number)]
    number: u32,
    #[schema(value_type = Name)]
    version: Version,
    requested_at: Moment,
    actor: Actor,
    /// Whether it was reported: no rule stood in its way in fact, and one would in that of a request.
    reported: bool,
    /// By which rule: `freeze`, `one_at_a_time`, `approvals`, `block`, `rollback_inference`.
    rule: &'static str,
    /// What was decided: `taken`, `overridden`, `rollback`, `no_rollback`.
    was: &'static str,
    /// What would have been: `refused`, `taken`, `rollback`, `no_rollback`.
    would_be: &'static str,
    /// The code of the refusal.
    code: Option<&'static str>,
    /// In words.
    detail: String,
    /// Where it was asked for.
    #[schema(minimum = 1)]
    position: u64,
}

impl From<&Difference> for DifferenceShape {
    fn from(difference: &Difference) -> Self {
        let Difference { position, lane, number, version, at, actor, reported, .. } = difference;
        Self {
            service: lane.service.clone(),
            environment: lane.environment.clone(),
            number: number.0,
            version: version.clone(),
            requested_at: Moment(*at),
            actor: actor.into(),
            reported: *reported,
            rule: difference.rule.as_str(),
            was: difference.was.as_str(),
            would_be: difference.would_be.as_str(),
            code: difference.code,
            detail: difference.detail.clone(),
            position: position.0,
        }
    }
}

impl From<&Report> for WhatIfReport {
    fn from(report: &Report) -> Self {
        let counts = report.counts().into_iter().map(|(rule, count)| (rule.as_str(), count));
        Self {
            position: report.position.map(|position| position.0),
            deployments: report.deployments,
            reported: report.reported,
            counts: counts.collect(),
            items: report.differences.iter().map(Into::into).collect(),
        }
    }
}

/// Ask which decisions would have differed under other rules.
///
/// The whole log is replayed, and nothing is recorded. Each deployment is judged on its lane as it stood
/// when it was asked for.
#[utoipa::path(post, path = "/v1/what-if", tag = "questions",
    params(crate::openapi::FormatParam), request_body = PolicyGiven,
    responses((status = 200, description = "What would have been otherwise", content(
        (WhatIfReport = "application/json"), (String = "text/csv")))))]
async fn ask_what_if(
    State(app): State<App>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
    Body(given): Body<PolicyGiven>,
) -> Result<Response, Problem> {
    let mut asked = Query::parse(raw.as_deref(), &["format"])?;
    let format = format(&mut asked, &headers)?;
    let policy = Policy::from(given);
    let busy = || ProblemKind::Busy.because("the log is being replayed for somebody else");
    let turn = app.replays.take().await.ok_or_else(busy)?;
    let report = replayed(&app, policy, turn).await?;
    let receipt = app.receipt(report.position);
    let body = match format {
        Format::Csv => table(table::COLUMNS, report.differences.iter().map(table::row))?,
        Format::Json => Json(WhatIfReport::from(&report)).into_response(),
    };
    Ok((receipt, body).into_response())
}

/// Replays the log on a thread of its own, for as long as somebody waits for it.
async fn replayed(app: &App, policy: Policy, turn: Turn) -> Result<Report, Problem> {
    let (log, handle) = (Arc::clone(&app.log), Handle::current());
    let (waiting, gone) = oneshot::channel::<Infallible>();
    let replayed = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        handle.block_on(async {
            tokio::select! {
                report = timeout(LONGEST, what_if(&*log, &policy)) => Some(report),
                _ = gone => None,
            }
        })
    });
    let report = replayed.await.map_err(|error| internal(&error))?;
    drop(waiting);
    match report {
        Some(Ok(report)) => Ok(report?),
        Some(Err(_)) | None => Err(ProblemKind::QueryStopped
            .because(format!("replaying the log took more than {} s", LONGEST.as_secs()))),
    }
}

impl From<WhatIfError> for Problem {
    fn from(error: WhatIfError) -> Self {
        match error {
            WhatIfError::Log(fault) => fault.into(),
            WhatIfError::Unreadable { .. } => internal(&error),
        }
    }
}

/// Reads a policy as `POST /v1/what-if` takes it.
///
/// # Errors
///
/// What is wrong with it, and where.
pub fn policy(bytes: &[u8]) -> Result<Policy, Problem> {
    parse(bytes).map(|Object(given): Object<PolicyGiven>| given.into())
}

/// A report as `POST /v1/what-if` answers it.
pub fn report(report: &Report) -> serde_json::Value {
    serde_json::to_value(WhatIfReport::from(report)).unwrap_or_default()
}
