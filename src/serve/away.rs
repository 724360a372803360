//! Serving while the cluster is away: what was derived from the log before, until that is there.

use std::{path::Path, pin::pin, sync::Arc};

use shiplog_api::{Hosts, Stage};
use shiplog_projections::models::folded_log;
use shiplog_store::log::Log;
use tokio::net::TcpListener;

use super::{
    Derived, Machine, Stop,
    renewal::{Running, attend},
};
use crate::log::Awaited;

/// Serves the read models in `directory`, if they are of one log, and then the log with what
/// `start` makes of it; ends when somebody asks to stop.
pub(super) async fn serve(
    (listener, hosts, connections): (TcpListener, Hosts, usize),
    stop: Stop,
    (directory, machine): (&Path, &Machine),
    awaited: Awaited,
    (start, renew): (
        impl AsyncFnOnce(&Arc<dyn Log>) -> anyhow::Result<Derived>,
        impl AsyncFn() -> anyhow::Result<Running>,
    ),
) -> anyhow::Result<()> {
    let stand_in = folded_log(directory).map(|id| awaited.stand_in(id));
    tell(&awaited, stand_in.is_some());
    let (stage, before) = match stand_in {
        Some(log) => {
            let derived = Derived::follow(&log, machine, directory).await?;
            (Stage::of(derived.app(log), hosts, connections), Some(derived))
        }
        None => (Stage::empty(Awaited::REASON, hosts, connections), None),
    };
    let arrival = async {
        let log = awaited.arrival(&machine.clock).await;
        // Who follows the log folds into the same files.
        if let Some(derived) = &before {
            derived.stop().await;
        }
        let derived = start(&log).await?;
        stage.show(derived.app(Arc::clone(&log)));
        tracing::info!("the cluster answers: the server goes on with it");
        anyhow::Ok((log, derived))
    };
    let mut serving = pin!(shiplog_api::serve(listener, &stage, stop.asked()));
    let derived = tokio::select! {
        () = &mut serving => before,
        arrived = arrival => {
            Some(attend(serving, &stage, arrived?, renew).await?)
        }
    };
    if let Some(derived) = derived {
        derived.stop().await;
    }
    Ok(())
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
