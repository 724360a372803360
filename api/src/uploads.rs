//! Bodies that come in: how long one may take, and how many bytes of them there are at once.

use std::{
    error::Error,
    fmt, io,
    pin::Pin,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use hyper::body::{Frame, SizeHint};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Sleep, sleep_until},
};

use crate::problem::{Problem, ProblemKind};

/// How long a body may take, beside what its size allows it.
const TIME: Duration = Duration::from_secs(30);

/// How many bytes a second a large body has to come in with.
const LEAST_RATE: u64 = 64 * 1024;

/// How much of each body is taken whatever others there are, so that reports go on beside batches.
const FREE: u64 = 64 * 1024;

/// The most bytes of all bodies together, beside that.
pub(crate) const BUDGET: usize = 48 << 20;

/// In what the budget is counted.
const UNIT: u64 = 1024;

/// The budget of a server, which its requests share.
#[derive(Clone, Debug)]
pub(crate) struct Budget(Arc<Semaphore>);

impl Default for Budget {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(BUDGET / 1024)))
    }
}

/// What one request has taken of the budget, until it is answered; and why it got no more.
#[derive(Debug)]
pub(crate) struct Account {
    budget: Budget,
    refused: OnceLock<Refused>,
}

/// Why a body is not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    Slow,
    Full,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Slow => "the body comes in too slowly",
            Self::Full => "too many bytes of bodies are held",
        })
    }
}

impl Error for Refused {}

impl Account {
    /// The problem of a body that was not read to its end, if that was ours to say.
    pub(crate) fn problem(&self) -> Option<Problem> {
        self.refused.get().map(|refused| match refused {
            Refused::Slow => ProblemKind::TooSlow.because(format!(
                "the body was not whole within {} s and one more for each {} KiB",
                TIME.as_secs(),
                LEAST_RATE / 1024
            )),
            Refused::Full => ProblemKind::Busy.because(format!(
                "the bodies of other requests take the {} MiB that there are for all together",
                BUDGET >> 20
            )),
        })
    }
}

/// Meters the body of a request, and keeps what it took until it is answered.
pub(crate) async fn meter(State(budget): State<Budget>, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let account = Arc::new(Account { budget, refused: OnceLock::new() });
    let taken = Taken::default();
    let (mut parts, body) = request.into_parts();
    parts.extensions.insert(Arc::clone(&account));
    let body = Metered::new(body, account, Arc::clone(&taken));
    let answer = next.run(Request::from_parts(parts, Body::new(body))).await;
    drop(taken);
    answer
}

/// What was taken of the budget.
type Taken = Arc<Mutex<Vec<OwnedSemaphorePermit>>>;

/// A body that is read in time and within the budget.
struct Metered {
    body: Body,
    account: Arc<Account>,
    taken: Taken,
    began: Instant,
    deadline: Pin<Box<Sleep>>,
    received: u64,
    /// In units.
    paid: u64,
}

impl Metered {
    fn new(body: Body, account: Arc<Account>, taken: Taken) -> Self {
        let began = Instant::now();
        let deadline = Box::pin(sleep_until(began + TIME));
        Self { body, account, taken, began, deadline, received: 0, paid: 0 }
    }

    /// Takes the budget for so many more bytes.
    fn pay(&mut self, bytes: usize) -> Result<(), Refused> {
        self.received += bytes as u64;
        let more = Duration::from_secs(self.received / LEAST_RATE);
        self.deadline.as_mut().reset(self.began + TIME + more);
        let owed = self.received.saturating_sub(FREE).div_ceil(UNIT);
        let units = u32::try_from(owed.saturating_sub(self.paid)).unwrap_or(u32::MAX);
        if units == 0 {
            return Ok(());
        }
        let budget = Arc::clone(&self.account.budget.0);
        let permit = budget.try_acquire_many_owned(units).map_err(|_| Refused::Full)?;
        self.paid = owed;
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).push(permit);
        Ok(())
    }

    fn refuse(&self, why: Refused) -> axum::Error {
        // The first is the one that counts.
        let _ = self.account.refused.set(why);
        axum::Error::new(io::Error::other(why))
    }
}

impl HttpBody for Metered {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) else {
            ready!(self.deadline.as_mut().poll(context));
            return Poll::Ready(Some(Err(self.refuse(Refused::Slow))));
        };
        if let Some(Ok(frame)) = &frame {
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            if let Err(why) = self.pay(bytes) {
                return Poll::Ready(Some(Err(self.refuse(why))));
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
