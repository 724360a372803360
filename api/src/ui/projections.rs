//! The read models, and how far each has come.

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::Response,
};

use super::{
    form,
    frame::{Frame, Section, Shell, Watched, page},
    parts::{counted, span},
};
use crate::{
    app::App,
    problem::Problem,
    projections::{self, PhaseWord, Projection},
};

#[derive(Template)]
#[template(path = "projections.html")]
struct ProjectionsPage {
    frame: Frame,
    rows: Vec<Projection>,
}

/// Every read model.
pub(super) async fn show(
    State(app): State<App>,
    shell: Shell,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    form::query(raw.as_deref(), &[])?;
    let frame = Frame::new(shell, Section::Projections, "Projections");
    // How far the read models are is wanted most when the log cannot be read.
    let position = app.log.head().await.ok().flatten();
    let frame = Frame { position, ..frame.watching(Watched::Log) };
    let shown = ProjectionsPage { frame, rows: projections::all(&app).await };
    page(&app, &shown.frame, &shown)
}

impl ProjectionsPage {
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
}
