//! A way out, confirmed: what it would do is said before it is done, and it is done only if that
//! still holds.

mod asked;
mod facts;

use std::collections::BTreeSet;

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use shiplog_domain::{
    environment::{State as EnvironmentState, Tier, stream},
    lane::{LaneId, Rail, State as LaneState},
    release::ReleaseId,
    text::is_blank,
};
use shiplog_store::position::StreamVersion;

use self::{
    asked::{Entered, Way},
    facts::{Blocks, Choice, Leaves, Plan, choices},
};
use super::{
    form::{self, Form},
    frame::{Frame, Section, Shell, page},
    links,
    parts::rail_word,
};
use crate::{
    answering::fresh,
    app::App,
    caller::Caller,
    deployments, lanes,
    path::LanePath,
    problem::{FieldError, Problem, ProblemKind},
    views::AtLeast,
};

#[derive(Template)]
#[template(path = "way.html")]
struct WayPage {
    frame: Frame,
    lane: LaneId,
    lane_path: String,
    way: Way,
    /// The version of the lane that the page speaks of.
    version: u64,
    leaves: Option<Leaves>,
    plan: Result<Plan, String>,
    choices: Vec<Choice>,
    /// Whether the environment's name is to be typed.
    typed: bool,
    entered: Entered,
    said: Said,
    key: String,
}

/// What became of an earlier try.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    Nothing,
    /// Something in the form is wrong.
    Wrong,
    /// The lane has changed since the page was made.
    Moved,
    /// The rules said no.
    Refused(String),
}

impl WayPage {
    fn has_moved(&self) -> bool {
        self.said == Said::Moved
    }

    fn refusal(&self) -> Option<&str> {
        if let Said::Refused(why) = &self.said { Some(why) } else { None }
    }

    /// What stands in the way, in a word for people.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass references")]
    fn rail(rail: &Rail) -> &'static str {
        rail_word(*rail)
    }

    /// What the button does, in full.
    fn does(&self, plan: &Plan) -> String {
        let LaneId { service, environment } = &self.lane;
        let version = &plan.version;
        match self.way {
            Way::Rollback { .. } => format!("Roll back {service} in {environment} to {version}"),
            Way::Retry { .. } => format!("Try {service} {version} in {environment} again"),
            Way::RollForward { .. } => {
                format!("Roll {service} in {environment} forward to {version}")
            }
        }
    }

    /// Whether a choice is what the plan puts back.
    fn is_planned(&self, choice: &Choice) -> bool {
        self.plan.as_ref().is_ok_and(|plan| plan.choice == Some(choice.number))
    }

    fn headline(&self) -> String {
        self.way.title(&self.lane)
    }
}

macro_rules! ways {
    ($($(#[$doc:meta])* $kind:ident: $ask:ident, $take:ident;)+) => {$(
        $(#[$doc])*
        pub(super) async fn $ask(
            State(app): State<App>,
            shell: Shell,
            LanePath(lane): LanePath,
            at_least: AtLeast,
            RawQuery(raw): RawQuery,
        ) -> Result<Response, Problem> {
            let mut query = form::query(raw.as_deref(), &asked::PARAMETERS)?;
            let way = Way::$kind(&mut query)?;
            let entered = Entered { actor: shell.actor.clone(), ..Entered::default() };
            confirmation(&app, shell, &at_least, lane, (way, entered, Said::Nothing)).await
        }

        /// Does it, if the lane is still what the page has shown; else says what it is now.
        pub(super) async fn $take(
            State(app): State<App>,
            shell: Shell,
            LanePath(lane): LanePath,
            at_least: AtLeast,
            form: Form,
        ) -> Result<Response, Problem> {
            let known = [asked::PARAMETERS.as_slice(), &asked::FIELDS].concat();
            let mut fields = form.fields(&known)?;
            let way = Way::$kind(&mut fields)?;
            let (mut entered, caller) = (Entered::of(&mut fields), form::caller(&shell, &mut fields));
            let problem = match record(&app, &at_least, (&lane, &way), (&entered, caller)).await {
                Ok(recorded) => return Ok(recorded),
                Err(problem) => problem,
            };
            let said = said(&problem).ok_or_else(|| problem.clone())?;
            entered.errors = problem.errors;
            let again = confirmation(&app, shell, &at_least, lane, (way, entered, said)).await?;
            Ok((problem.kind.status(), again).into_response())
        }
    )+};
}

ways! {
    /// Says what a rollback would do, and asks whether to do it.
    rollback: ask_rollback, take_rollback;
    /// Says what trying the same again would do, and asks whether to do it.
    retry: ask_retry, take_retry;
    /// Says what another release would do, and asks whether to put it there.
    roll_forward: ask_roll_forward, take_roll_forward;
}

/// What the page says of a try that recorded nothing; none if that is no matter of this page.
fn said(problem: &Problem) -> Option<Said> {
    if problem.kind == ProblemKind::StaleVersion {
        return Some(Said::Moved);
    }
    if problem.kind == ProblemKind::Refused {
        return Some(Said::Refused(problem.detail.clone()));
    }
    let wrong = problem.kind == ProblemKind::Malformed && !problem.errors.is_empty();
    wrong.then_some(Said::Wrong)
}

/// The page that says what would be done, as the lane is now.
async fn confirmation(
    app: &App,
    shell: Shell,
    at_least: &AtLeast,
    lane: LaneId,
    (way, entered, said): (Way, Entered, Said),
) -> Result<Response, Problem> {
    let asked = way.asked(app, at_least, &lane).await?;
    let (rails, _) = app.admission.rails_of_request(&lane, &asked).await?;
    let (typed, now) = (tier(app, &lane).await? == Tier::Production, shell.now);
    let look = move |state: &LaneState, version: Option<StreamVersion>| {
        let state = &*state.as_of(now);
        let plan = facts::plan(state, asked, &rails, now);
        version.map(|version| (version.0, facts::leaves(state), plan, choices(state)))
    };
    let seen = app.lanes.read(&lane.stream(), look).await?;
    let (version, leaves, mut plan, mut choices) =
        seen.ok_or_else(|| lanes::unheard(app, &lane))?;
    let blocks = blocks(app, &lane, plan.as_ref().ok(), &choices).await?;
    for choice in &mut choices {
        choice.heed(&blocks);
    }
    if let Ok(plan) = &mut plan {
        plan.heed(&blocks);
    }
    let shown = WayPage {
        frame: Frame::new(shell, Section::Board, way.title(&lane)),
        lane_path: links::lane(&lane),
        way,
        version,
        leaves,
        plan,
        choices,
        typed,
        entered,
        said,
        key: fresh().to_string(),
        lane,
    };
    page(app, &shown.frame, &shown)
}

/// The blocks in force of what could be put there.
async fn blocks(
    app: &App,
    lane: &LaneId,
    plan: Option<&Plan>,
    choices: &[Choice],
) -> Result<Blocks, Problem> {
    let planned = plan.map(|plan| &plan.version);
    let versions: BTreeSet<_> = choices.iter().map(|one| &one.version).chain(planned).collect();
    let mut blocks = Blocks::new();
    for version in versions {
        let id = ReleaseId { service: lane.service.clone(), version: version.clone() };
        let block = app.releases.read(&id.stream(), |state, _| state.blocked.clone()).await?;
        blocks.extend(block.map(|block| (id.version, block)));
    }
    Ok(blocks)
}

async fn tier(app: &App, lane: &LaneId) -> Result<Tier, Problem> {
    let name = &lane.environment;
    let look = |state: &EnvironmentState, _: Option<_>| {
        state.rules.map_or_else(|| Tier::guess(name), |rules| rules.tier)
    };
    Ok(app.environments.read(&stream(name), look).await?)
}

/// Records it, as the API would.
async fn record(
    app: &App,
    at_least: &AtLeast,
    (lane, way): (&LaneId, &Way),
    (entered, caller): (&Entered, Result<Caller, Problem>),
) -> Result<Response, Problem> {
    let environment = lane.environment.as_str();
    if tier(app, lane).await? == Tier::Production && entered.confirm != environment {
        return Err(Problem::at("?confirm", format!("type `{environment}`, its name")));
    }
    if is_blank(&entered.reason) {
        return Err(Problem::at("?reason", "say why"));
    }
    let caller = caller?;
    if caller.claimed.is_none() {
        return Err(Problem::at("?version", "it is missing"));
    }
    let asked = way.asked(app, at_least, lane).await?;
    let (rails, _) = app.admission.rails_of_request(lane, &asked).await?;
    let now = app.clock.now();
    let shown =
        |state: &LaneState, _: Option<_>| facts::acknowledged(&state.as_of(now), asked, &rails);
    let shown = app.lanes.read(&lane.stream(), shown).await?;
    let request = way.request(app, at_least, lane, (entered, shown)).await?;
    let made = deployments::create(app, caller.clone(), request).await?;
    Ok(form::recorded(&caller, links::deployment(&made.lane, made.number)))
}

impl Entered {
    /// What is wrong with a field.
    fn wrong(&self, name: &str) -> Option<&str> {
        let named = |error: &&FieldError| error.pointer.trim_start_matches(['?', '/']) == name;
        self.errors.iter().find(named).map(|error| error.detail.as_str())
    }
}
