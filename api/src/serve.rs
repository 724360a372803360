//! Answering a socket until it is time to stop.

use std::{io, time::Duration};

use tokio::{net::TcpListener, sync::oneshot, time::sleep};

use crate::stage::Stage;

/// How long requests that run when the server stops may take.
const GRACE: Duration = Duration::from_secs(10);

/// Answers at `listener` until `stop` is ready; then accepts no more and finishes what runs.
///
/// What has not finished 10 s later is cut off; whether a write among that was recorded, its
/// retry tells.
///
/// # Errors
///
/// What accepting says.
pub async fn serve(
    listener: TcpListener,
    stage: &Stage,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (stopped, stopping) = oneshot::channel();
    let shown = stage.clone();
    let stop = async move {
        stop.await;
        shown.shutdown();
        // Nobody is left to be told if the server has ended by itself.
        let _ = stopped.send(());
    };
    let serving = axum::serve(listener, stage.router()).with_graceful_shutdown(stop);
    let cut_off = async {
        match stopping.await {
            Ok(()) => sleep(GRACE).await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        served = serving => served,
        () = cut_off => {
            tracing::warn!("cut off what had not finished after {GRACE:?}");
            Ok(())
        }
    }
}
