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

/// How long a read that asks for nothing waits for what is recorded already.
pub(crate) const COURTESY: Duration = Duration::from_millis(250);

/// How far the answer has to have come.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AtLeast {
    /// As far as the caller wants; an error is better than less.
    Wanted(Option<GlobalPosition>),
    /// Where the log is now, if that does not take long; the answer says how far it has come.
    Head(Option<GlobalPosition>),
}

impl FromRequestParts<App> for AtLeast {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let value = parts.headers.get(AT_LEAST).filter(|value| !value.is_empty());
        let Some(value) = value else {
            // A log that cannot be read keeps nobody from what was folded of it.
            return Ok(Self::Head(app.log.head().await.ok().flatten()));
        };
        let text = value.to_str().map_err(|_| bad("it is not ASCII"))?;
        let token: ConsistencyToken = text.parse().map_err(|error| bad(format!("{error}")))?;
        if token.log != app.log.id() {
            let (theirs, ours) = (token.log, app.log.id());
            return Err(ProblemKind::OtherLog
                .because(format!("the token is of log `{theirs}`; this is log `{ours}`")));
        }
        Ok(Self::Wanted(token.position))
    }
}

fn bad(detail: impl Into<String>) -> Problem {
    Problem::at("Shiplog-At-Least", detail)
}

impl AtLeast {
    /// Waits until `model` has come that far.
    pub(crate) async fn seen_by(self, model: &Model) -> Result<(), Problem> {
        match self {
            Self::Wanted(Some(position)) => {
                model.at_least(position, PATIENCE).await.map_err(Problem::from)
            }
            Self::Head(Some(position)) => {
                // Being behind is no error to who did not ask.
                let _ = model.at_least(position, COURTESY).await;
                Ok(())
            }
            Self::Wanted(None) | Self::Head(None) => Ok(()),
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
