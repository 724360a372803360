//! What a projection has come to: its state, or one for each partition.

use axum::{
    Json,
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::value::RawValue;
use shiplog_domain::projection::{Language, ProjectionName};
use shiplog_projections::{
    definitions::Definition,
    script::{Partition, States, Status, Wanted},
};
use shiplog_store::position::GlobalPosition;
use utoipa::ToSchema;

use super::{ScriptPath, find};
use crate::{
    app::App,
    problem::{Problem, ProblemKind},
    query::Query,
    views::AtLeast,
};

/// The most characters that a partition's name has.
const KEY: usize = 1_000;

/// A state, and up to where it is folded.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProjectionState {
    /// What the script has made of the events; null before the first that it handles.
    #[schema(value_type = Object)]
    state: Box<RawValue>,
    /// What `transformBy` and `filterBy` make of the state; not there where the script has neither.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    result: Option<Box<RawValue>>,
    /// Up to which position of the log it is folded; null before the first event.
    position: Option<u64>,
}

/// A page of partitions.
#[derive(Debug, Serialize, ToSchema)]
struct PartitionList {
    items: Vec<PartitionShape>,
    /// Where the next page starts, for `cursor`.
    next: Option<String>,
    /// Up to which position of the log they are folded; null before the first event.
    position: Option<u64>,
}

/// A partition of a projection.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Partition)]
pub(crate) struct PartitionShape {
    pub(crate) partition: String,
    #[schema(value_type = Object)]
    pub(crate) state: Box<RawValue>,
    /// What `transformBy` and `filterBy` make of the state; not there where the script has neither.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub(crate) result: Option<Box<RawValue>>,
    /// The event that changed it last.
    #[schema(minimum = 1)]
    pub(crate) position: u64,
}

impl From<Partition> for PartitionShape {
    fn from(partition: Partition) -> Self {
        let Partition { key, state, result, position } = partition;
        Self { partition: key, state: raw(state), result: result.map(raw), position: position.0 }
    }
}

impl PartitionShape {
    /// Its state and its result, whatever it is called.
    pub(super) fn into_state(self) -> (Option<Box<RawValue>>, Option<Box<RawValue>>) {
        (Some(self.state), self.result)
    }
}

/// JSON as it is kept: it was checked when it came from the script's process.
fn raw(json: String) -> Box<RawValue> {
    RawValue::from_string(json).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// Show the state of a projection, or of one of its partitions.
#[utoipa::path(get, path = "/v1/projections/{name}/state", tag = "projections",
    params(crate::openapi::ScriptParam, crate::openapi::PartitionParam),
    responses((status = 200, description = "The state", body = ProjectionState)))]
pub(super) async fn get_state(
    State(app): State<App>,
    ScriptPath(name): ScriptPath,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    let mut query = Query::parse(raw.as_deref(), &["partition"])?;
    let partition = query.sized("partition", 1..=KEY)?;
    let definition = script(&app, &name, &at_least).await?;
    reached(&app, &definition, &at_least).await?;
    let states = read(&app, &definition, partition).await?;
    let position = states.as_ref().and_then(|(_, position)| *position);
    let state = shape(states);
    Ok((app.receipt(position), Json(state)).into_response())
}

fn shape(state: Option<(Option<Partition>, Option<GlobalPosition>)>) -> ProjectionState {
    let (partition, position) = state.unwrap_or_default();
    let position = position.map(|position| position.0);
    match partition {
        Some(Partition { state, result, .. }) => {
            ProjectionState { state: raw(state), result: result.map(raw), position }
        }
        None => ProjectionState { state: RawValue::NULL.to_owned(), result: None, position },
    }
}

/// One state; an error where there has to be a partition and there is none, or the other way round.
async fn read(
    app: &App,
    definition: &Definition,
    partition: Option<String>,
) -> Result<Option<(Option<Partition>, Option<GlobalPosition>)>, Problem> {
    let name = &definition.name;
    let is_partitioned = app.scripts.standing(definition).and_then(|one| one.is_partitioned);
    match (is_partitioned, &partition) {
        (Some(true), None) => {
            let why =
                format!("it has partitions: `GET /v1/projections/{name}/partitions` lists them");
            return Err(Problem::at("?partition", why));
        }
        (Some(false), Some(_)) => {
            return Err(Problem::at("?partition", "it has no partitions: leave this out"));
        }
        (Some(_) | None, _) => {}
    }
    let is_one_of_many = partition.is_some();
    let wanted = Wanted::One(partition.clone().unwrap_or_default());
    let Some(states) = app.scripts.states(definition, wanted).await? else { return Ok(None) };
    let States { partitions, position, recorded_at: _ } = states;
    let found = partitions.into_iter().next();
    if found.is_none() && is_one_of_many {
        let key = partition.unwrap_or_default();
        return Err(ProblemKind::NotFound
            .because(format!("the projection `{name}` has no partition `{key}`")));
    }
    Ok(Some((found, position)))
}

/// List the partitions of a projection by name, each with its state.
///
/// A projection without partitions has one, whose name is empty, once it has handled an event.
#[utoipa::path(get, path = "/v1/projections/{name}/partitions", tag = "projections",
    params(crate::openapi::ScriptParam, crate::openapi::PartitionsParams),
    responses((status = 200, description = "A page of partitions", body = PartitionList)))]
pub(super) async fn list_partitions(
    State(app): State<App>,
    ScriptPath(name): ScriptPath,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    let mut query = Query::parse(raw.as_deref(), &["limit", "cursor"])?;
    let (limit, after) = (query.limit()?, query.sized("cursor", 0..=KEY)?);
    let definition = script(&app, &name, &at_least).await?;
    reached(&app, &definition, &at_least).await?;
    let wanted = Wanted::After(after, limit + 1);
    let states = app.scripts.states(&definition, wanted).await?;
    let (mut items, position) = match states {
        Some(States { partitions, position, recorded_at: _ }) => (partitions, position),
        None => (Vec::new(), None),
    };
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|last| last.key.clone());
    let items = items.into_iter().map(Into::into).collect();
    let list = PartitionList { items, next, position: position.map(|position| position.0) };
    Ok((app.receipt(position), Json(list)).into_response())
}

/// A projection that has states.
pub(super) async fn script(
    app: &App,
    name: &ProjectionName,
    at_least: &AtLeast,
) -> Result<Definition, Problem> {
    let definition = find(app, name, at_least).await?;
    match definition.language {
        Language::Javascript => Ok(definition),
        Language::Sql => {
            let why = format!("`{name}` is a query: ask for `/v1/projections/{name}/rows`");
            Err(ProblemKind::Refused.because(why).coded("projection-is-a-query"))
        }
    }
}

/// Waits until the projection is as far as the caller wants, and as everything that was acknowledged.
/// What its states lack is noted, and the answer says so.
pub(crate) async fn reached(
    app: &App,
    definition: &Definition,
    at_least: &AtLeast,
) -> Result<(), Problem> {
    let Some(position) = at_least.target() else { return Ok(()) };
    let standing = app.scripts.at_least(definition, position, at_least.left()).await;
    let checkpoint = standing.as_ref().and_then(|one| one.checkpoint);
    if checkpoint >= Some(position) {
        return Ok(());
    }
    let name = &definition.name;
    let at = checkpoint.map_or_else(|| "the beginning".into(), |at| format!("position {at}"));
    let waits = standing.is_none_or(|one| match one.status {
        Status::CatchingUp | Status::Live => true,
        Status::Paused | Status::Faulted(_) | Status::Stalled { .. } => false,
    });
    let why = if waits {
        "ask again shortly".into()
    } else {
        format!("it does not go on, see `/v1/projections/{name}`")
    };
    let problem = ProblemKind::ProjectionBehind.because(format!("`{name}` is at {at}: {why}"));
    at_least.note(checkpoint, problem).await
}
