//! Answers that go out: how many are in the making, and how many bytes of them wait for their clients.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use hyper::{
    Method,
    body::{Frame, SizeHint},
};
use shiplog_projections::turn;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::problem::ProblemKind;

/// The most bytes of all answers together, beside what each has for itself.
pub(crate) const BUDGET_BYTES: usize = 32 << 20;

/// How much of an answer is not counted, and how much of it is given out at once.
const FREE_BYTES: usize = 64 * 1024;

/// In what the budget is counted.
const UNIT: usize = 1024;

/// How long an answer waits for room.
const PATIENCE: Duration = Duration::from_secs(2);

/// The budget of a server, which its answers share.
#[derive(Clone, Debug)]
pub(crate) struct Budget(Arc<Semaphore>);

impl Default for Budget {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(BUDGET_BYTES / UNIT)))
    }
}

/// Has a read keep its turn until there is room for its answer, and an answer its room until it is sent.
pub(crate) async fn meter(State(budget): State<Budget>, request: Request, next: Next) -> Response {
    let is_read = [Method::GET, Method::HEAD].contains(request.method());
    let answering = async { budget.hold(next.run(request).await, PATIENCE).await };
    // What is recorded takes a turn for each thing that it has to know, and none for recording it.
    if is_read { turn::as_one(answering).await } else { answering.await }
}

impl Budget {
    /// The answer with room for it, or that there is none. What has no known size is a stream, which
    /// never has much.
    async fn hold(&self, answer: Response, patience: Duration) -> Response {
        let size = answer.body().size_hint().exact().unwrap_or_default();
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let units = size.saturating_sub(FREE_BYTES).div_ceil(UNIT).min(BUDGET_BYTES / UNIT);
        let Ok(units @ 1..) = u32::try_from(units) else { return answer };
        let room = timeout(patience, Arc::clone(&self.0).acquire_many_owned(units)).await;
        let Ok(Ok(room)) = room else {
            let detail = format!(
                "the answers to other requests take the {} MiB that there are for all together",
                BUDGET_BYTES >> 20
            );
            return ProblemKind::Busy.because(detail).into_response();
        };
        answer.map(|body| Body::new(Held { body, rest: Bytes::new(), _room: room }))
    }
}

/// A body that is given out piece by piece, so that its room counts until its client has taken it.
struct Held {
    body: Body,
    /// What is left of the last frame.
    rest: Bytes,
    _room: OwnedSemaphorePermit,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                ended => return Poll::Ready(ended),
            }
        }
        let length = self.rest.len().min(FREE_BYTES);
        let piece = self.rest.split_to(length);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, body) = (self.rest.len() as u64, self.body.size_hint());
        let mut both = SizeHint::new();
        both.set_lower(rest.saturating_add(body.lower()));
        if let Some(upper) = body.upper() {
            both.set_upper(rest.saturating_add(upper));
        }
        both
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    fn answer(bytes: usize) -> Response {
        Response::new(Body::from(vec![b'x'; bytes]))
    }

    #[tokio::test]
    async fn an_answer_has_its_room_until_it_is_sent() {
        let budget = Budget::default();
        let whole = BUDGET_BYTES / UNIT;
        let small = budget.hold(answer(FREE_BYTES), Duration::ZERO).await;
        assert_eq!(budget.0.available_permits(), whole, "what is small is not counted");
        let large = budget.hold(answer(FREE_BYTES + 3 * UNIT), Duration::ZERO).await;
        assert_eq!(budget.0.available_permits(), whole - 3);
        assert_eq!(large.body().size_hint().exact(), Some((FREE_BYTES + 3 * UNIT) as u64));
        let mut body = large.into_body();
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(first.len(), FREE_BYTES);
        assert_eq!(body.size_hint().exact(), Some(3 * UNIT as u64));
        let second = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!((second.len(), body.is_end_stream()), (3 * UNIT, true));
        drop((small, body));
        assert_eq!(budget.0.available_permits(), whole);
    }

    #[tokio::test]
    async fn an_answer_without_room_is_told_to_come_back() {
        let budget = Budget::default();
        let all = budget.hold(answer(2 * BUDGET_BYTES), Duration::ZERO).await;
        assert_eq!(budget.0.available_permits(), 0, "it takes no more than there is");
        let refused = budget.hold(answer(2 * FREE_BYTES), Duration::ZERO).await;
        assert_eq!(refused.status(), 503);
        drop(all);
        assert_eq!(budget.hold(answer(2 * FREE_BYTES), Duration::ZERO).await.status(), 200);
    }
}
