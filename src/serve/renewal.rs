//! A server whose log is an older one now: it begins again, as at a start, and answers meanwhile that it
//! cannot.

use std::{pin::Pin, sync::Arc};

use shiplog_api::Stage;
use shiplog_store::log::Log;

use super::Derived;

/// What is said to clients until everything is there again.
const REASON: &str = "an older copy of the log was put back, and the server begins again with that";

/// A log, and what is derived from it.
pub(super) type Running = (Arc<dyn Log>, Derived);

/// Waits until nothing is served any more. Each time that the log turns out to be an older copy, what
/// `renew` makes is served instead.
///
/// # Errors
///
/// If that cannot be made.
pub(super) async fn attend(
    mut serving: Pin<&mut impl Future<Output = ()>>,
    stage: &Stage,
    (mut log, mut derived): Running,
    renew: impl AsyncFn() -> anyhow::Result<Running>,
) -> anyhow::Result<Derived> {
    loop {
        let position = tokio::select! {
            () = &mut serving => return Ok(derived),
            position = log.rewound() => position.0,
        };
        tracing::warn!(
            position,
            "the log does not have the event at position {position} any more: an older copy was put back, or \
             another log; the server begins again with what is there"
        );
        stage.withhold(REASON);
        let renewing = async {
            // Who follows the log folds into the same files.
            derived.stop().await;
            renew().await
        };
        let renewed = tokio::select! {
            () = &mut serving => return Ok(derived),
            renewed = renewing => renewed?,
        };
        (log, derived) = renewed;
        stage.show(derived.app(Arc::clone(&log)));
        tracing::info!("the server goes on with the log as it is now");
    }
}
