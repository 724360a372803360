//! Rolling back: what it would do, said before it is done, and done only if that still holds.

mod facts;

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use shiplog_domain::{
    environment::{State as EnvironmentState, Tier, stream},
    lane::{DeploymentNumber, LaneId, RollbackTo, State as LaneState},
};
use shiplog_store::position::StreamVersion;

use self::facts::{Choice, Leaves, Plan};
use super::{
    form::{self, Form},
    frame::{Frame, Section, Shell, page},
    links,
    parts::Time,
};
use crate::{
    answering::fresh,
    app::App,
    deployments::{self, DeploymentRequest},
    lanes,
    path::{self, LanePath},
    problem::{Problem, ProblemKind},
    query::Query,
};

#[derive(Template)]
#[template(path = "rollback.html")]
struct RollbackPage {
    frame: Frame,
    lane: LaneId,
    lane_path: String,
    /// The version of the lane that the page speaks of.
    version: u64,
    leaves: Option<Leaves>,
    plan: Result<Plan, String>,
    choices: Vec<Choice>,
    /// Whether the environment's name is to be typed.
    typed: bool,
    frozen: Option<(String, Time)>,
    entered: Entered,
    moved: bool,
    key: String,
}

/// What somebody has filled in, and what is wrong with it.
#[derive(Default)]
struct Entered {
    actor: String,
    reason: String,
    confirm: String,
    wrong: Vec<(String, String)>,
}

impl Entered {
    fn of(fields: &Query, problem: &Problem) -> Self {
        let text = |name| fields.peek(name).unwrap_or_default().to_owned();
        let wrong = problem.errors.iter();
        let wrong = wrong.map(|one| (one.pointer.replace('?', ""), one.detail.clone()));
        Self {
            actor: text("actor"),
            reason: text("reason"),
            confirm: text("confirm"),
            wrong: wrong.collect(),
        }
    }

    /// What is wrong with a field.
    fn wrong(&self, name: &str) -> Option<&str> {
        let found = self.wrong.iter().find(|(field, _)| field == name);
        found.map(|(_, what)| what.as_str())
    }
}

/// What an environment is, as far as a rollback needs to know.
struct Around {
    tier: Tier,
    frozen: Option<(String, Time)>,
}

/// Says what a rollback would do, and asks whether to do it.
pub(super) async fn ask(
    State(app): State<App>,
    shell: Shell,
    LanePath(lane): LanePath,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    let mut query = form::query(raw.as_deref(), &["to"])?;
    let to = target(&mut query)?;
    let entered = Entered { actor: shell.actor.clone(), ..Entered::default() };
    confirmation(&app, shell, lane, (to, entered, false)).await
}

fn target(query: &mut Query) -> Result<RollbackTo, Problem> {
    let number = number(query)?;
    Ok(number.map_or(RollbackTo::Previous, RollbackTo::Number))
}

fn number(query: &mut Query) -> Result<Option<DeploymentNumber>, Problem> {
    query.read("to", |text| {
        path::number(text).ok_or_else(|| format!("`{text}` is not a deployment's number"))
    })
}

/// The page that says what would be done, as the lane is now.
async fn confirmation(
    app: &App,
    shell: Shell,
    lane: LaneId,
    (to, entered, moved): (RollbackTo, Entered, bool),
) -> Result<Response, Problem> {
    let Around { tier, frozen } = around(app, &lane, &shell).await?;
    let now = shell.now;
    let look = move |state: &LaneState, version: Option<StreamVersion>| {
        let plan = facts::plan(state, to, now);
        version.map(|version| (version.0, facts::leaves(state), plan, facts::choices(state)))
    };
    let seen = app.lanes.read(&lane.stream(), look).await?;
    let (version, leaves, plan, choices) = seen.ok_or_else(|| lanes::unheard(&lane))?;
    let title = format!("Roll back {} in {}", lane.service, lane.environment);
    let shown = RollbackPage {
        frame: Frame::new(shell, Section::Board, title),
        lane_path: links::lane(&lane),
        version,
        leaves,
        plan,
        choices,
        typed: tier == Tier::Production,
        frozen,
        entered,
        moved,
        key: fresh().to_string(),
        lane,
    };
    page(app, &shown.frame, &shown)
}

async fn around(app: &App, lane: &LaneId, shell: &Shell) -> Result<Around, Problem> {
    let (name, now) = (lane.environment.clone(), shell.now);
    let look = move |state: &EnvironmentState, _| Around {
        tier: state.rules.map_or_else(|| Tier::guess(&name), |rules| rules.tier),
        frozen: state
            .frozen
            .as_ref()
            .filter(|freeze| freeze.until.is_none_or(|until| until > now))
            .map(|freeze| (freeze.reason.clone(), Time::of(freeze.at))),
    };
    Ok(app.environments.read(&stream(&lane.environment), look).await?)
}

/// Rolls back, if the lane is still what the page has shown; else says what it is now.
pub(super) async fn take(
    State(app): State<App>,
    shell: Shell,
    LanePath(lane): LanePath,
    form: Form,
) -> Result<Response, Problem> {
    let mut fields = form.fields(&["to", "reason", "confirm"])?;
    let to = number(&mut fields)?.ok_or_else(|| Problem::at("?to", "it is missing"))?;
    let typed = around(&app, &lane, &shell).await?.tier == Tier::Production;
    let problem = match roll_back(&app, &shell, &mut fields, (&lane, to, typed)).await {
        Ok(recorded) => return Ok(recorded),
        Err(problem) => problem,
    };
    // A lane that has moved, or a rule that says no to what the lane is now: the page says it anew.
    let moved = problem.kind == ProblemKind::StaleVersion || problem.kind == ProblemKind::Refused;
    if !moved && (problem.kind != ProblemKind::Malformed || problem.errors.is_empty()) {
        return Err(problem);
    }
    let entered = Entered::of(&fields, &problem);
    let again = confirmation(&app, shell, lane, (RollbackTo::Number(to), entered, moved)).await?;
    Ok((problem.kind.status(), again).into_response())
}

async fn roll_back(
    app: &App,
    shell: &Shell,
    fields: &mut Query,
    (lane, to, typed): (&LaneId, DeploymentNumber, bool),
) -> Result<Response, Problem> {
    let name = fields.text("confirm")?;
    if typed && name.as_deref() != Some(lane.environment.as_str()) {
        let wanted = format!("type `{}`, the environment's name", lane.environment);
        return Err(Problem::at("?confirm", wanted));
    }
    let reason = form::reason(fields)?;
    let caller = form::caller(shell, fields)?;
    if caller.claimed.is_none() {
        return Err(Problem::at("?version", "it is missing"));
    }
    let request = DeploymentRequest::rollback(lane, to, reason);
    let made = deployments::create(app, caller.clone(), request).await?;
    Ok(form::recorded(&caller, links::deployment(&made.lane, made.number)))
}
