//! A call of the crate that cannot take the process with it.
//!
//! Two things can. The crate panics over an answer that it does not know. And when the server
//! ends a subscription in good order, `next_subscription_event` asks the ended stream for its
//! next message again and again, within one poll: no timeout fires, no other task of that
//! thread is run, and the task cannot be aborted. All that can be seen of it from outside is
//! the warning that it logs each time round. So each poll runs under a subscriber of ours that
//! hears these warnings and, after a thousand of them, unwinds the poll.

use std::{
    cell::Cell,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::pin,
    sync::OnceLock,
    task::Poll,
    time::Duration,
};

use tracing::{
    Dispatch, Event, Level, Metadata, Subscriber,
    dispatcher::with_default,
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
};

use super::failure::Failure;

/// Where the crate logs from while it spins.
const SPINNER: &str = "eventstore::commands";

/// More warnings than a server has reason to cause between two messages.
const MANY: u32 = 1_000;

thread_local! {
    /// How many warnings this poll has logged.
    static WARNINGS: Cell<u32> = const { Cell::new(0) };
}

/// What the unwinding of a spinning poll carries.
struct Spun;

/// Waits for a call for so long, and says what became of it, whatever it was.
pub(super) async fn within<T>(
    limit: Duration,
    call: impl Future<Output = eventstore::Result<T>>,
) -> Result<T, Failure> {
    tokio::time::timeout(limit, contained(call)).await.unwrap_or(Err(Failure::Late(limit)))
}

/// Waits for a call, and says what became of it, whatever it was.
///
/// After [`Failure::Panicked`] or [`Failure::Ended`], what was called is not to be used again.
pub(super) async fn contained<T>(
    call: impl Future<Output = eventstore::Result<T>>,
) -> Result<T, Failure> {
    let mut call = pin!(call);
    poll_fn(|context| {
        WARNINGS.set(0);
        let poll = AssertUnwindSafe(|| call.as_mut().poll(context));
        match with_default(witness(), || catch_unwind(poll)) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(result)) => Poll::Ready(result.map_err(Failure::from)),
            Err(thrown) if thrown.is::<Spun>() => Poll::Ready(Err(Failure::Ended)),
            Err(_) => Poll::Ready(Err(Failure::Panicked)),
        }
    })
    .await
}

fn witness() -> &'static Dispatch {
    static WITNESS: OnceLock<Dispatch> = OnceLock::new();
    WITNESS.get_or_init(|| Dispatch::new(Witness))
}

/// Hears the warnings of one poll, and nothing else; what the crate has to say besides, our
/// own messages say better.
struct Witness;

impl Subscriber for Witness {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::WARN && metadata.target() == SPINNER
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::WARN)
    }

    fn event(&self, _: &Event<'_>) {
        let warnings = WARNINGS.get() + 1;
        WARNINGS.set(warnings);
        if warnings >= MANY {
            // Not a panic: nobody is told of it but the one who catches it.
            resume_unwind(Box::new(Spun));
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_spins_is_stopped() {
        let spins = async {
            loop {
                tracing::warn!(target: SPINNER, "Received an unknown subscription message");
            }
            #[expect(unreachable_code, reason = "it says of what kind the call is")]
            Ok(())
        };
        assert!(matches!(contained(spins).await, Err(Failure::Ended)));
    }

    #[tokio::test]
    async fn what_panics_is_caught() {
        let panics = async { panic!("it is cued") };
        assert!(matches!(contained::<()>(panics).await, Err(Failure::Panicked)));
    }

    #[tokio::test]
    async fn a_few_warnings_are_no_reason_to_stop() {
        for _ in 0..3 {
            let warns = async {
                for _ in 1..MANY {
                    tracing::warn!(target: SPINNER, "Received an unknown subscription message");
                }
                Ok(7)
            };
            assert!(matches!(contained(warns).await, Ok(7)));
        }
    }

    #[tokio::test]
    async fn what_takes_too_long_is_late() {
        let call = within(Duration::from_millis(1), std::future::pending::<Result<(), _>>());
        assert!(matches!(call.await, Err(Failure::Late(_))));
    }
}
