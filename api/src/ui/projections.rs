//! The read models, and how far each has come.

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::Response,
};

use super::{
    form,
    frame::{Frame, Section, Shell, Watched, page},
    parts::span,
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
    let frame = Frame { position: app.log.head().await?, ..frame.watching(Watched::Log) };
    let shown = ProjectionsPage { frame, rows: projections::all(&app).await? };
    page(&app, &shown.frame, &shown)
}

impl ProjectionsPage {
    /// How far a read model is behind, in words.
    fn lag(row: &Projection) -> String {
        match row.lag_events {
            0 => "none".into(),
            projections::COUNTED => format!("{} events or more", projections::COUNTED),
            events => format!("{events} events"),
        }
    }

    /// How old the first event is that a read model has yet to fold.
    #[expect(clippy::cast_possible_truncation, reason = "as long as nobody waits for ages")]
    fn age(row: &Projection) -> Option<String> {
        (row.lag_events > 0).then(|| span((row.lag_seconds * 1_000.0) as i64))
    }
}
