//! One call, from its HTTP request to its HTTP response.
//!
//! Every method is served as if both sides streamed: on the wire, one message is a short stream.

use std::future::Future;

use futures::{Stream, stream};
use hyper::body::Incoming;
use prost::Message;
use tonic::{Request, Response, Status, Streaming, body::BoxBody, server::Grpc};

use super::codec::{Outgoing, Wire};

/// The largest message that is read: a little more than the largest append.
const MESSAGE_BYTES: usize = 17 << 20;

/// What a method answers: messages, or why there are none.
pub(crate) type Answers<A> = Result<stream::BoxStream<'static, Result<A, Status>>, Status>;

/// Serves one call with a method.
pub(crate) async fn serve<Q, A, F>(
    request: http::Request<Incoming>,
    method: impl Fn(Request<Streaming<Q>>) -> F + Send,
) -> http::Response<BoxBody>
where
    Q: Message + Default + 'static,
    A: Outgoing,
    F: Future<Output = Answers<A>>,
{
    let service = tower::service_fn(move |request| {
        let answers = method(request);
        async { answers.await.map(Response::new) }
    });
    let mut grpc = Grpc::new(Wire::<A, Q>::new()).max_decoding_message_size(MESSAGE_BYTES);
    grpc.streaming(service, request).await
}

/// The one question of a call.
pub(crate) async fn question<Q>(request: Request<Streaming<Q>>) -> Result<Q, Status> {
    let first = request.into_inner().message().await?;
    first.ok_or_else(|| Status::internal("a call without a message"))
}

/// The one answer of a call.
pub(crate) fn once<A: Send + 'static>(answer: A) -> Answers<A> {
    many(stream::iter([Ok(answer)]))
}

/// Answers as they come.
#[expect(clippy::unnecessary_wraps, reason = "it is how a method answers")]
pub(crate) fn many<A>(
    answers: impl Stream<Item = Result<A, Status>> + Send + 'static,
) -> Answers<A> {
    Ok(Box::pin(answers))
}
