//! What asks a server to stop.

use std::io;

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// Whether somebody has asked the server to stop.
#[derive(Clone, Debug)]
pub(super) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// From now on SIGINT and SIGTERM no longer end the process by themselves.
    ///
    /// Must be called within a tokio runtime.
    pub(super) fn listen() -> io::Result<Self> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let (ask, asked) = watch::channel(false);
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            tracing::info!("stopping: finishing what runs");
            ask.send_replace(true);
            // Whoever asks later finds it said.
            ask.closed().await;
        });
        Ok(Self(asked))
    }

    /// Waits until somebody asks, or has asked already.
    pub(super) async fn asked(mut self) {
        // An error would be that nobody can ask any more.
        let _ = self.0.wait_for(|asked| *asked).await;
    }
}
