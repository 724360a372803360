//! A connection of our own to one node, for what has to be quick: appends, and pages of a stream.
//!
//! Packets are sent at once (`TCP_NODELAY`), and it is closed as soon as nobody holds it. The
//! crate's own connection does neither.

use std::{error::Error, sync::Arc, time::Duration};

use eventstore::RecordedEvent;
use futures::{FutureExt as _, Stream, stream};
use http::{Uri, uri::PathAndQuery};
use hyper::{client::conn::http2, rt};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::{
    client::legacy::connect::HttpConnector,
    rt::{TokioExecutor, TokioTimer},
};
use prost::Message;
use tokio::{task::AbortHandle, time::timeout};
use tonic::{
    Request, Streaming, body::BoxBody, client::Grpc, codec::ProstCodec, metadata::MetadataMap,
};
use tower::{Service as _, service_fn};

use super::{
    address::{Address, Node},
    failure::Failure,
    scope::IDENTITY,
    tls,
    wire::{BatchReq, BatchResp, Content, ReadReq, ReadResp},
};

/// A page with as many bytes is not read on.
pub(super) const MANY_BYTES: usize = 4 << 20;

/// The largest message that is read: a little more than the largest record.
const MESSAGE_BYTES: usize = 17 << 20;

/// How long a node may take to answer the cheapest call there is.
pub(super) const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

/// A connection, for as long as it is held. All its calls require the leader.
#[derive(Debug)]
pub(super) struct Connection {
    calls: http2::SendRequest<BoxBody>,
    origin: Uri,
    headers: MetadataMap,
    task: AbortHandle,
}

impl Connection {
    /// Connects to a node.
    pub(super) async fn open(address: &Address, node: &Node) -> Result<Self, Failure> {
        let limit = address.gossip_timeout;
        let opening = async {
            let open = Self::try_open(address, node).boxed().await;
            open.map_err(|why| Failure::Unreachable(Arc::from(why)))
        };
        within(limit, opening).await
    }

    async fn try_open(
        address: &Address,
        node: &Node,
    ) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let (origin, headers) = (address.uri(node)?, address.headers()?);
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        let (calls, task) = if address.tls {
            let https = HttpsConnectorBuilder::new().with_tls_config(tls::config(address)?);
            let mut https = https.https_only().enable_http2().wrap_connector(tcp);
            handshake(address, https.call(origin.clone()).await?).await?
        } else {
            handshake(address, tcp.call(origin.clone()).await?).await?
        };
        Ok(Self { calls, origin, headers, task })
    }

    /// Begins a call that takes appends, in the order of `appends`. It is there with its first answer.
    pub(super) async fn batch(
        &self,
        appends: impl Stream<Item = BatchReq> + Send + 'static,
    ) -> Result<Streaming<BatchResp>, Failure> {
        self.call("/event_store.client.streams.Streams/BatchAppend", appends).await
    }

    /// Reads so many events of a stream at the most, from a version on; none of a stream that is not there.
    pub(super) async fn read(
        &self,
        stream: &str,
        from: u64,
        most: usize,
        limit: Duration,
    ) -> Result<Vec<RecordedEvent>, Failure> {
        let page = stream::iter([ReadReq::page(stream, from, most)]);
        let call = self.call("/event_store.client.streams.Streams/Read", page);
        let mut answers: Streaming<ReadResp> = within(limit, call).await?;
        let (mut records, mut bytes) = (Vec::new(), 0);
        while bytes < MANY_BYTES {
            let next = async { answers.message().await.map_err(Failure::from) };
            let Some(answer) = within(limit, next).await? else { break };
            match answer.content {
                Some(Content::Event(event)) => {
                    let Some(record) = event.event() else { continue };
                    bytes += record.data.len() + record.custom_metadata.len();
                    records.push(record);
                }
                Some(Content::NoStream(())) => break,
                None => {}
            }
        }
        Ok(records)
    }

    /// Asks for the cheapest thing that the leader has to look into its log for.
    pub(super) async fn ask(&self) -> Result<(), Failure> {
        within(SIGN_OF_LIFE, self.read(IDENTITY, 0, 1, SIGN_OF_LIFE)).await.map(drop)
    }

    async fn call<Q: Message + 'static, A: Message + Default + 'static>(
        &self,
        method: &'static str,
        questions: impl Stream<Item = Q> + Send + 'static,
    ) -> Result<Streaming<A>, Failure> {
        let calls = self.calls.clone();
        let service = service_fn(move |request| {
            let mut calls = calls.clone();
            async move { calls.send_request(request).await }
        });
        let mut request = Request::new(questions);
        *request.metadata_mut() = self.headers.clone();
        let method = PathAndQuery::from_static(method);
        let mut grpc = Grpc::with_origin(service, self.origin.clone());
        grpc = grpc.max_decoding_message_size(MESSAGE_BYTES);
        let answers = grpc.streaming(request, method, ProstCodec::<Q, A>::default()).await;
        Ok(answers?.into_inner())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Agrees on HTTP/2, and has a task see to the connection.
async fn handshake(
    address: &Address,
    socket: impl rt::Read + rt::Write + Send + Unpin + 'static,
) -> Result<(http2::SendRequest<BoxBody>, AbortHandle), hyper::Error> {
    let (interval, timeout) = address.keep_alive();
    let (calls, connection) = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(interval)
        .keep_alive_timeout(timeout)
        .keep_alive_while_idle(true)
        .handshake(socket)
        .await?;
    // How it ends is heard by each of its calls.
    let task = tokio::spawn(async move { drop(connection.await) });
    Ok((calls, task.abort_handle()))
}

/// Waits for a call for so long.
pub(super) async fn within<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    timeout(limit, call).await.unwrap_or(Err(Failure::Late(limit)))
}
