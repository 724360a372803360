//! Read models that have come far enough.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::FromRequestParts,
    http::{HeaderName, request::Parts},
};
use shiplog_projections::models::{self, Model};
use shiplog_store::{
    log::Log,
    position::{ConsistencyToken, GlobalPosition},
};
use tokio::time::Instant;

use crate::{
    app::App,
    lag::{Behind, Lag},
    problem::{Problem, ProblemKind},
};

/// How far a read has to have come.
pub(crate) const AT_LEAST: HeaderName = HeaderName::from_static("shiplog-at-least");

/// How long a read waits for its read models, all together.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// How far the answer to a request has to have come, and how long it may wait for that.
#[derive(Clone)]
pub(crate) struct AtLeast {
    /// What the caller wants; less is an error.
    wanted: Option<GlobalPosition>,
    /// What was acknowledged before the request came; an answer that includes less says so.
    acknowledged: Option<GlobalPosition>,
    until: Instant,
    log: Arc<dyn Log>,
    lag: Lag,
}

impl std::fmt::Debug for AtLeast {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { wanted, acknowledged, .. } = self;
        f.debug_tuple("AtLeast").field(wanted).field(acknowledged).finish_non_exhaustive()
    }
}

impl FromRequestParts<App> for AtLeast {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Ok(lag) = Lag::from_request_parts(parts, app).await;
        let all = Self { lag, acknowledged: app.acknowledged.last(), ..Self::wanted(app, None) };
        let value = parts.headers.get(AT_LEAST).filter(|value| !value.is_empty());
        let Some(value) = value else {
            // A log that cannot be read keeps nobody from what was folded of it.
            let head = app.log.head().await.ok().flatten();
            return Ok(Self { acknowledged: all.acknowledged.max(head), ..all });
        };
        let text = value.to_str().map_err(|_| bad("it is not ASCII"))?;
        let token: ConsistencyToken = text.parse().map_err(|error| bad(format!("{error}")))?;
        if token.log != app.log.id() {
            let (theirs, ours) = (token.log, app.log.id());
            return Err(ProblemKind::OtherLog
                .because(format!("the token is of log `{theirs}`; this is log `{ours}`")));
        }
        Ok(Self { wanted: token.position, ..all })
    }
}

/// The lag of the request's answer, which `answering` looks at in the end.
impl FromRequestParts<App> for Lag {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        Ok(parts.extensions.get_or_insert_default::<Self>().clone())
    }
}

fn bad(detail: impl Into<String>) -> Problem {
    Problem::at("Shiplog-At-Least", detail)
}

impl AtLeast {
    /// At least this, which was recorded a moment ago.
    pub(crate) fn wanted(app: &App, wanted: Option<GlobalPosition>) -> Self {
        let (until, lag) = (Instant::now() + PATIENCE, Lag::default());
        Self { wanted, acknowledged: None, until, log: Arc::clone(&app.log), lag }
    }

    /// Waits until `model` has come that far. What it lacks of what was acknowledged is noted, and the
    /// answer says so.
    ///
    /// # Errors
    ///
    /// [`ProblemKind::ProjectionBehind`] if it lacks what the caller wants.
    pub(crate) async fn seen_by(&self, model: &Model) -> Result<(), Problem> {
        let Some(position) = self.target() else { return Ok(()) };
        match model.at_least(position, self.left()).await {
            Ok(()) => Ok(()),
            Err(behind) => self.note(behind.checkpoint, behind.into()).await,
        }
    }

    /// Where a read model has to be; none if nothing was recorded yet.
    pub(crate) fn target(&self) -> Option<GlobalPosition> {
        self.wanted.max(self.acknowledged)
    }

    /// How long there is still to wait.
    pub(crate) fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// Notes that a read model has waited in vain.
    ///
    /// # Errors
    ///
    /// As [`seen_by`](Self::seen_by).
    pub(crate) async fn note(
        &self,
        checkpoint: Option<GlobalPosition>,
        problem: Problem,
    ) -> Result<(), Problem> {
        if checkpoint < self.wanted {
            return Err(problem);
        }
        self.lag.note(&*self.log, checkpoint, problem).await
    }

    /// What the read models that were looked at so far lack; none if all were level.
    pub(crate) fn behind(&self) -> Option<Behind> {
        self.lag.behind()
    }
}

impl From<models::Behind> for Problem {
    fn from(behind: models::Behind) -> Self {
        let models::Behind { name, checkpoint, stalled } = behind;
        let at = checkpoint.map_or_else(|| "the beginning".into(), |at| format!("position {at}"));
        let why = if stalled { "it is stalled, see `/readyz`" } else { "ask again shortly" };
        ProblemKind::ProjectionBehind.because(format!("`{name}` is at {at}: {why}"))
    }
}
