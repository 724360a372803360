//! Read models that have come far enough.

use std::time::Duration;

use axum::{
    extract::FromRequestParts,
    http::{HeaderName, request::Parts},
};
use shiplog_projections::models::{Behind, Model};
use shiplog_store::position::{ConsistencyToken, GlobalPosition};

use crate::{
    app::App,
    problem::{Problem, ProblemKind},
};

/// How far a read has to have come.
pub(crate) const AT_LEAST: HeaderName = HeaderName::from_static("shiplog-at-least");

/// How long a read waits for that.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// How far the caller wants the answer to have come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AtLeast(Option<GlobalPosition>);

impl FromRequestParts<App> for AtLeast {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let value = parts.headers.get(AT_LEAST).filter(|value| !value.is_empty());
        let Some(value) = value else { return Ok(Self(None)) };
        let text = value.to_str().map_err(|_| bad("it is not ASCII"))?;
        let token: ConsistencyToken = text.parse().map_err(|error| bad(format!("{error}")))?;
        if token.log != app.log.id() {
            let (theirs, ours) = (token.log, app.log.id());
            return Err(ProblemKind::OtherLog
                .because(format!("the token is of log `{theirs}`; this is log `{ours}`")));
        }
        Ok(Self(token.position))
    }
}

fn bad(detail: impl Into<String>) -> Problem {
    Problem::at("Shiplog-At-Least", detail)
}

impl AtLeast {
    /// Waits until `model` has come as far as the caller wants.
    pub(crate) async fn seen_by(self, model: &Model) -> Result<(), Problem> {
        match self.0 {
            Some(position) => model.at_least(position, PATIENCE).await.map_err(Problem::from),
            None => Ok(()),
        }
    }
}

impl From<Behind> for Problem {
    fn from(behind: Behind) -> Self {
        let Behind { name, checkpoint, stalled } = behind;
        let at = checkpoint.map_or_else(|| "the beginning".into(), |at| format!("position {at}"));
        let why = if stalled { "it is stalled, see `/readyz`" } else { "ask again shortly" };
        ProblemKind::ProjectionBehind.because(format!("`{name}` is at {at}: {why}"))
    }
}
