//! The read models, and how far each has come.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{
    form::{self, Form},
    frame::{Frame, Section, Shell, Watched, page},
    parts::{counted, span},
};
use crate::{
    app::App,
    damage::DamagedShape,
    definitions::{self, DefinedWord, ProjectionDefined},
    problem::Problem,
    projections::{self, Change, PhaseWord, Projection, Rebuild, RebuildWord, VerdictWord},
    views::AtLeast,
};

/// What the page can have done to a rebuild, by the word on the wire.
const DOES: [(&str, Option<Change>); 4] = [
    ("begin", None),
    ("pause", Some(Change::Pause)),
    ("resume", Some(Change::Resume)),
    ("cancel", Some(Change::Cancel)),
];

#[derive(Template)]
#[template(path = "projections.html")]
struct ProjectionsPage {
    frame: Frame,
    rows: Vec<Projection>,
    scripts: Vec<ProjectionDefined>,
    damaged: Vec<SetAside>,
}

/// A damaged stream, and the projections that have set it aside at the same event.
struct SetAside {
    damaged: DamagedShape,
    by: Vec<String>,
}

/// What all of them have set aside, the earliest event first.
fn set_aside(rows: &[Projection], scripts: &[ProjectionDefined]) -> Vec<SetAside> {
    let of_rows = rows.iter().map(|row| (row.name, &row.damaged));
    let of_scripts = scripts.iter().map(|script| (script.name.as_str(), &script.damaged));
    let mut all: BTreeMap<(u64, Option<&str>, &str), Vec<String>> = BTreeMap::new();
    for (name, damaged) in of_rows.chain(of_scripts) {
        for one in damaged {
            let key = (one.position, one.stream.as_deref(), one.problem.as_str());
            all.entry(key).or_default().push(name.to_owned());
        }
    }
    let shape = |((position, stream, problem), by): ((u64, Option<&str>, &str), _)| SetAside {
        damaged: DamagedShape::new(stream, position, problem),
        by,
    };
    all.into_iter().map(shape).collect()
}

/// Every read model.
pub(super) async fn show(
    State(app): State<App>,
    shell: Shell,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    form::query(raw.as_deref(), &[])?;
    let frame = Frame::new(shell, Section::Projections, "Projections");
    // How far the read models are is wanted most when the log cannot be read.
    let position = app.log.head().await.ok().flatten();
    let rows = projections::all(&app).await;
    let moves = |rebuild: &Rebuild| rebuild.is_under_way() && rebuild.status != RebuildWord::Paused;
    let mut scripts = Vec::new();
    for definition in definitions::all(&app, &at_least).await? {
        scripts.push(definitions::describe(&app, &definition).await);
    }
    let goes_on = rows.iter().filter_map(|row| row.rebuild.as_ref()).any(moves)
        || scripts.iter().filter_map(|script| script.rebuild.as_ref()).any(moves)
        || scripts.iter().any(|script| script.status == DefinedWord::CatchingUp);
    let frame = Frame { goes_on, position, ..frame.watching(Watched::Log) };
    let damaged = set_aside(&rows, &scripts);
    let shown = ProjectionsPage { frame, rows, scripts, damaged };
    page(&app, &shown.frame, &shown)
}

/// Begins a rebuild, or changes one.
pub(super) async fn change(
    State(app): State<App>,
    at_least: AtLeast,
    form: Form,
) -> Result<Response, Problem> {
    let mut fields = form.fields(&["name", "does", "max_events_per_second"])?;
    let name = fields.text("name")?.ok_or_else(|| Problem::at("?name", "say which projection"))?;
    let does = fields.word("does", &DOES)?;
    let max = fields.parsed("max_events_per_second")?;
    match does.ok_or_else(|| Problem::at("?does", "it is missing"))? {
        None => projections::begin(&app, (&name, &at_least), max).await?,
        Some(change) => projections::change(&app, (&name, &at_least), change).await?,
    };
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, "/projections")]).into_response())
}

impl ProjectionsPage {
    /// How many streams are told of only in part, in words.
    fn without(damaged: usize) -> String {
        counted(damaged, "stream damaged", "streams damaged")
    }

    /// How far a read model is behind, in words.
    fn lag(row: &Projection) -> String {
        match row.lag_events {
            None => "unknown: the log cannot be read".into(),
            Some(0) => "nothing".into(),
            Some(projections::COUNTED) => format!("{} events or more", projections::COUNTED),
            Some(events) => counted(events, "event", "events"),
        }
    }

    /// How old the first event is that a read model has yet to fold.
    #[expect(clippy::cast_possible_truncation, reason = "as long as nobody waits for ages")]
    fn age(row: &Projection) -> Option<String> {
        let seconds = row.lag_seconds.filter(|seconds| *seconds > 0.0)?;
        Some(span((seconds * 1_000.0) as i64))
    }

    /// What a rebuild is doing, or came to, in words.
    fn rebuild(rebuild: &Rebuild) -> String {
        match rebuild.status {
            RebuildWord::Building => "being rebuilt".into(),
            RebuildWord::Paused => "the rebuild is paused".into(),
            RebuildWord::Waiting => "the rebuild waits".into(),
            RebuildWord::Comparing => "being compared with what answers".into(),
            RebuildWord::Done => match rebuild.verdict.as_ref().map(|verdict| verdict.word) {
                Some(VerdictWord::Same) => "rebuilt, the same as before".into(),
                Some(VerdictWord::Different) => "rebuilt, not the same as before".into(),
                Some(VerdictWord::Unknown) | None => "rebuilt".into(),
            },
            RebuildWord::Cancelled => "the rebuild was cancelled".into(),
            RebuildWord::Failed => "the rebuild failed".into(),
        }
    }

    /// How far a rebuild is, in words.
    fn reached(rebuild: &Rebuild) -> String {
        let Rebuild { events_done, events_total, events_per_second, .. } = rebuild;
        let rate = (*events_per_second > 0).then(|| format!(", {events_per_second} a second"));
        let left = rebuild.seconds_left.and_then(|left| i64::try_from(left).ok());
        let left = left.map(|left| format!(", {} left", span(left.saturating_mul(1_000))));
        let (rate, left) = (rate.unwrap_or_default(), left.unwrap_or_default());
        format!("{events_done} of {events_total} events{rate}{left}")
    }
}
