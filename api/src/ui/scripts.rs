//! Projections that users write: what they come to, and the place to write one.

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use serde_json::value::RawValue;
use shiplog_domain::projection::{Language, ProjectionName};
use shiplog_projections::{
    definitions::{self as told, Change},
    script::{States, Wanted},
};
use shiplog_store::position::GlobalPosition;

use super::{
    form::{self, Form},
    frame::{Frame, Section, Shell, Watched, page},
    marks::Mark,
    parts::{Time, Who},
};
use crate::{
    answering::fresh,
    app::App,
    definitions::{
        self, DefinedWord, ProjectionDefined,
        define::{self, Definition, Step},
        preview::{self, Trial, Tried},
        states::{self, PartitionShape},
    },
    path::ScriptPath,
    problem::Problem,
    query::Query,
    shapes::{Moment, Text, TextError},
    views::AtLeast,
};

/// How many partitions a page shows.
const SHOWN: usize = 100;

/// What a script looks like, for who has none yet.
const FIRST: &str = include_str!("first.js");

/// What the page can have done to a projection, by the word on the wire.
const DOES: [(&str, Step); 3] =
    [("pause", Step::Pause), ("resume", Step::Resume), ("drop", Step::Drop)];

#[derive(Template)]
#[template(path = "script.html")]
struct ScriptPage {
    frame: Frame,
    shown: ProjectionDefined,
    mark: Mark,
    defined_at: Time,
    by: Who,
    partitions: Vec<Kept>,
    /// How many more there are than are shown.
    more: bool,
    changes: Vec<(Time, Who, &'static str)>,
    key: String,
}

/// A partition, with its state laid out.
struct Kept {
    name: String,
    state: String,
    position: u64,
}

impl From<PartitionShape> for Kept {
    fn from(shape: PartitionShape) -> Self {
        let shown = shape.result.as_ref().unwrap_or(&shape.state);
        Self { name: shape.partition, state: laid_out(shown), position: shape.position }
    }
}

/// JSON over several lines.
fn laid_out(json: &RawValue) -> String {
    let value: Result<serde_json::Value, _> = serde_json::from_str(json.get());
    let text = value.and_then(|value| serde_json::to_string_pretty(&value));
    text.unwrap_or_else(|_| json.get().to_owned())
}

impl ProjectionDefined {
    /// What it is doing, as a sign and a word.
    pub(super) fn mark(&self) -> Mark {
        Mark::of_projection(self.status)
    }

    /// Whether it has states that can be made anew.
    pub(super) fn is_rebuilt(&self) -> bool {
        self.language == Language::Javascript && self.status != DefinedWord::Paused
    }

    /// Why it does not go on: `event 101, line 3: TypeError: …`.
    pub(super) fn trouble(&self) -> Option<String> {
        let Some(fault) = &self.fault else { return self.why.clone() };
        let place = fault.place().unwrap_or_else(|| "it does not load".into());
        Some(format!("{place}: {}", fault.message))
    }
}

/// One projection.
pub(super) async fn show(
    State(app): State<App>,
    shell: Shell,
    ScriptPath(name): ScriptPath,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    form::query(raw.as_deref(), &[])?;
    let definition = definitions::find(&app, &name, &at_least).await?;
    if definition.language == Language::Javascript {
        states::reached(&app, &definition, &at_least).await?;
    }
    let shown = definitions::describe(&app, &definition).await;
    let states = match definition.language {
        Language::Javascript => {
            app.scripts.states(&definition, Wanted::After(None, SHOWN + 1)).await?
        }
        Language::Sql => None,
    };
    let mut partitions = states.map(|States { partitions, .. }| partitions).unwrap_or_default();
    let more = partitions.len() > SHOWN;
    partitions.truncate(SHOWN);
    let asked = name.clone();
    let changes = app.models.definitions.query(move |view| told::changes(view, &asked, SHOWN));
    let changes = changes.await?.value.into_iter().map(|change| {
        let Change { what, at, actor, .. } = change;
        (Time::of(at), Who::from(&actor), what.as_str())
    });
    let frame = Frame::new(shell, Section::Projections, name.to_string()).watching(Watched::Log);
    let goes_on = shown.status == DefinedWord::CatchingUp;
    let page_shown = ScriptPage {
        mark: shown.mark(),
        defined_at: Time::of(definition.defined_at),
        by: Who::from(&definition.actor),
        partitions: partitions
            .into_iter()
            .map(|one| Kept::from(PartitionShape::from(one)))
            .collect(),
        more,
        changes: changes.collect(),
        key: fresh().to_string(),
        frame: Frame { goes_on, position: shown.position.map(GlobalPosition), ..frame },
        shown,
    };
    page(&app, &page_shown.frame, &page_shown)
}

/// Pauses, resumes or drops one.
pub(super) async fn rest(
    State(app): State<App>,
    shell: Shell,
    ScriptPath(name): ScriptPath,
    form: Form,
) -> Result<Response, Problem> {
    let mut fields = form.fields(&["does"])?;
    let caller = form::caller(&shell, &mut fields)?;
    let step = fields.word("does", &DOES)?.ok_or_else(|| Problem::at("?does", "it is missing"))?;
    define::take(&app, &name, &caller, step).await?;
    let place = match step {
        Step::Pause | Step::Resume => format!("/projections/{name}"),
        Step::Drop => "/projections".into(),
    };
    Ok(form::recorded(&caller, place))
}

#[derive(Template)]
#[template(path = "write.html")]
struct WritePage {
    frame: Frame,
    name: String,
    source: String,
    since: String,
    tried: Option<Trying>,
    /// Why it was not tried, or not defined.
    wrong: Option<String>,
    key: String,
}

/// What a script made of the history.
struct Trying {
    fault: Option<String>,
    stack: Option<String>,
    state: Option<String>,
    partitions: Vec<Kept>,
    partitions_total: usize,
    events: u64,
    log: Vec<String>,
}

impl From<Tried> for Trying {
    fn from(tried: Tried) -> Self {
        let Tried { state, result, partitions, partitions_total, events_done, fault, log, .. } =
            tried;
        let (message, stack) = fault.map_or((None, None), |fault| {
            let place = fault.place().map(|place| format!("{place}: ")).unwrap_or_default();
            (Some(format!("{place}{}", fault.message)), fault.stack)
        });
        Self {
            fault: message,
            stack,
            state: result.or(state).map(|state| laid_out(&state)),
            partitions: partitions.into_iter().map(Kept::from).collect(),
            partitions_total,
            events: events_done,
            log,
        }
    }
}

/// The place to write one: empty, or with what is defined under a name.
pub(super) async fn write(
    State(app): State<App>,
    shell: Shell,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    let mut query = form::query(raw.as_deref(), &["name"])?;
    let name: Option<ProjectionName> = query.parsed("name")?;
    let source = match &name {
        Some(name) => definitions::find(&app, name, &at_least).await?.source,
        None => FIRST.to_owned(),
    };
    let name = name.map(|name| name.to_string()).unwrap_or_default();
    editor(&app, shell, (name, source, String::new()), Ok(None))
}

/// Tries what was written, or defines it.
pub(super) async fn written(
    State(app): State<App>,
    shell: Shell,
    form: Form,
) -> Result<Response, Problem> {
    let mut fields = form.fields(&["name", "source", "since", "does"])?;
    // A browser ends lines with both characters.
    let source = fields.text("source")?.unwrap_or_default().replace("\r\n", "\n");
    let (name, since) = (
        fields.text("name")?.unwrap_or_default(),
        fields.peek("since").unwrap_or_default().to_owned(),
    );
    let kept = (name.clone(), source.clone(), since);
    if fields.text("does")?.as_deref() == Some("define") {
        return match defined(&app, &shell, &mut fields, (&name, &source)).await {
            Ok(response) => Ok(response),
            Err(problem) => editor(&app, shell, kept, Err(problem)),
        };
    }
    let tried = tried(&app, &mut fields, &source).await;
    editor(&app, shell, kept, tried.map(Some))
}

fn source(text: &str) -> Result<Text<1, 65_536>, Problem> {
    text.parse().map_err(|error: TextError| Problem::at("?source", error.to_string()))
}

async fn tried(app: &App, fields: &mut Query, text: &str) -> Result<Tried, Problem> {
    let trial = Trial::of(source(text)?, fields.instant("since")?.map(Moment));
    preview::run(app, &trial, |_| {}).await
}

async fn defined(
    app: &App,
    shell: &Shell,
    fields: &mut Query,
    (name, text): (&str, &str),
) -> Result<Response, Problem> {
    let caller = form::caller(shell, fields)?;
    let name: ProjectionName =
        name.parse().map_err(|error: shiplog_domain::projection::NameError| {
            Problem::at("?name", error.to_string())
        })?;
    let given = Definition { language: Language::Javascript, source: source(text)? };
    define::define(app, &name, &caller, &given).await?;
    Ok(form::recorded(&caller, format!("/projections/{name}")))
}

fn editor(
    app: &App,
    shell: Shell,
    (name, source, since): (String, String, String),
    tried: Result<Option<Tried>, Problem>,
) -> Result<Response, Problem> {
    let (tried, wrong) = match tried {
        Ok(tried) => (tried.map(Trying::from), None),
        Err(problem) => (None, Some(problem.detail)),
    };
    let title = if name.is_empty() { "Write a projection".into() } else { format!("Write {name}") };
    let frame = Frame::new(shell, Section::Projections, title);
    let shown = WritePage { frame, name, source, since, tried, wrong, key: fresh().to_string() };
    page(app, &shown.frame, &shown)
}
