//! Serving while the cluster is away: what was derived from the log before, until that is there.

use std::{path::Path, sync::Arc};

use anyhow::Context as _;
use shiplog_api::{App, Stage};
use shiplog_projections::models::{ReadModels, folded_log};
use shiplog_store::{clock::SystemClock, log::Log};
use tokio::net::TcpListener;

use super::{Stop, follow};
use crate::log::Awaited;

/// Serves the read models in `directory`, if they are of one log, and then the log with what
/// `start` makes of it; ends when somebody asks to stop.
pub(super) async fn serve(
    listener: TcpListener,
    stop: Stop,
    directory: &Path,
    awaited: Awaited,
    start: impl AsyncFnOnce(&Arc<dyn Log>) -> anyhow::Result<Arc<ReadModels>>,
) -> anyhow::Result<()> {
    let stand_in = folded_log(directory).map(|id| awaited.stand_in(id));
    tell(&awaited, stand_in.is_some());
    let (stage, before) = match stand_in {
        Some(log) => {
            let models = follow(&log, directory).await?;
            (Stage::of(app(log, &models)), Some(models))
        }
        None => (Stage::empty(Awaited::REASON), None),
    };
    let arrival = async {
        let log = awaited.arrival().await;
        // Who follows the log folds into the same files.
        if let Some(models) = &before {
            models.stop().await;
        }
        let models = start(&log).await?;
        stage.show(app(log, &models));
        tracing::info!("the cluster answers: the server goes on with it");
        anyhow::Ok(models)
    };
    let serving = shiplog_api::serve(listener, &stage, stop.asked());
    tokio::pin!(serving);
    let models = tokio::select! {
        served = &mut serving => {
            served.context("the server failed")?;
            before
        }
        arrived = arrival => {
            let models = arrived?;
            serving.await.context("the server failed")?;
            Some(models)
        }
    };
    if let Some(models) = models {
        models.stop().await;
    }
    Ok(())
}

/// A server of a log and its read models.
pub(super) fn app(log: Arc<dyn Log>, models: &Arc<ReadModels>) -> App {
    App::new(log, Arc::clone(models), Arc::new(SystemClock))
}

fn tell(awaited: &Awaited, has_models: bool) {
    let why = awaited.why();
    let meanwhile = if has_models {
        "reads are answered from the read models, and writes are not taken"
    } else {
        "nothing is served, as there are no read models to answer from"
    };
    tracing::warn!(%why, "{why}; until the cluster answers, {meanwhile}");
}
