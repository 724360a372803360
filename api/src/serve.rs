//! Answering a socket until it is time to stop.

use std::{io, pin::pin, sync::Arc, time::Duration};

use axum::{body::Body, http::Request};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};
use tower::ServiceExt as _;

use crate::{
    activity::{Activity, Watched},
    answered::Answered,
    stage::Stage,
};

/// How long requests that run when the server stops may take.
const GRACE: Duration = Duration::from_secs(10);

/// How long nobody is accepted after the system gave no connection.
const BREATH: Duration = Duration::from_millis(50);

/// The most bytes of the head of a request, and of what waits to be written on a connection.
const MAX_BUFFER: usize = 64 * 1024;

/// The same for HTTP/2, where each is for a stream, and how many of these a connection has.
const WINDOW: u32 = 64 * 1024;
const STREAMS: u32 = 64;

/// Answers at `listener` until `stop` is ready; then accepts no more and finishes what runs.
///
/// A client that does nothing is cut off: 10 s into the head of a request, 60 s without a request or
/// without taking anything of an answer. There are as many connections at once as the stage has
/// room for; one more is told so (`503`). What has not finished 10 s after `stop` is cut off; whether a
/// write among that was recorded, its retry tells.
pub async fn serve(
    listener: TcpListener,
    stage: &Stage,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    let (stopped, stopping) = watch::channel(false);
    let mut running = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => admit(socket, stage, &stopping, &mut running),
                Err(error) if is_of_the_client(&error) => {}
                Err(error) => {
                    stage.connections().not_accepted(&error);
                    sleep(BREATH).await;
                }
            },
            Some(_) = running.join_next() => {}
        }
    }
    drop(listener);
    stage.shutdown();
    stopped.send_replace(true);
    let finished = async { while running.join_next().await.is_some() {} };
    if timeout(GRACE, finished).await.is_err() {
        tracing::warn!("cut off what had not finished after {GRACE:?}");
        running.shutdown().await;
    }
}

/// Whether a client has gone before it was let in.
fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

fn admit(
    socket: TcpStream,
    stage: &Stage,
    stopping: &watch::Receiver<bool>,
    running: &mut JoinSet<()>,
) {
    let Some(place) = stage.connections().admit() else {
        return stage.connections().refuse(socket);
    };
    // Without it, a small answer may wait for an acknowledgement. Not having it is no reason to say no.
    let _ = socket.set_nodelay(true);
    let (stage, stopping) = (stage.clone(), stopping.clone());
    let activity = Activity::new();
    let socket = Watched { _place: place, socket, activity: Arc::clone(&activity) };
    running.spawn(converse(socket, activity, stage, stopping));
}

/// Answers one client until it, or the server, has had enough.
async fn converse(
    socket: Watched<TcpStream>,
    activity: Arc<Activity>,
    stage: Stage,
    mut stopping: watch::Receiver<bool>,
) {
    let noted = Arc::clone(&activity);
    let router = stage.router();
    let service = service_fn(move |request: Request<Incoming>| {
        let answering = noted.request();
        let router = router.clone();
        async move {
            let answer = router.oneshot(request.map(Body::new)).await;
            answer.map(|answer| answer.map(|body| Answered { body, _answering: answering }))
        }
    });
    let builder = builder();
    let mut conversation = pin!(builder.serve_connection(TokioIo::new(socket), service));
    let mut given_up = pin!(activity.given_up());
    let mut is_stopping = false;
    loop {
        tokio::select! {
            // What goes wrong on a connection is for its client to see.
            _ = &mut conversation => return,
            why = &mut given_up => {
                tracing::debug!(why, "a connection is cut off");
                return;
            }
            _ = stopping.wait_for(|stopping| *stopping), if !is_stopping => {
                is_stopping = true;
                conversation.as_mut().graceful_shutdown();
            }
        }
    }
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // `Activity` has the times.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(MAX_BUFFER);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(4 * WINDOW)
        .max_header_list_size(WINDOW)
        .max_send_buf_size(MAX_BUFFER);
    builder
}
