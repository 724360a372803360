//! Listening on a port, and letting go of it.

use std::{
    convert::Infallible,
    io,
    sync::{Arc, mpsc},
};

use hyper::{server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::{AbortHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

use crate::{
    cluster::Cluster,
    service::{Visit, answer},
};

/// How much a client may send ahead, on one stream and on all of a connection.
const WINDOW_BYTES: u32 = 4 << 20;

/// How many calls a connection takes at a time; those beyond wait until one of them has ended.
const CALLS: u32 = 100;

/// A connection that can be dropped.
#[derive(Debug, Default)]
pub(crate) struct Connection {
    killed: Notify,
}

impl Connection {
    /// Drops it, with all calls on it.
    pub(crate) fn kill(&self) {
        self.killed.notify_one();
    }
}

/// A node that listens.
#[derive(Debug)]
pub(crate) struct Listening {
    task: AbortHandle,
    open: mpsc::Receiver<Infallible>,
}

/// A port, and what tells that it is let go of: dropped in this order, whenever that is.
struct Port {
    listener: TcpListener,
    opened: mpsc::Sender<Infallible>,
}

/// What a node needs to serve.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) node: usize,
    pub(crate) tls: Option<TlsAcceptor>,
}

impl Server {
    /// Serves whoever connects. It has to be called within a runtime.
    pub(crate) fn listen(self, listener: std::net::TcpListener) -> io::Result<Listening> {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let (opened, open) = mpsc::channel();
        let task = tokio::spawn(self.accept(Port { listener, opened })).abort_handle();
        Ok(Listening { task, open })
    }

    async fn accept(self, port: Port) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = port.listener.accept() => {
                    if let Ok((socket, _)) = accepted {
                        let (server, opened) = (self.clone(), port.opened.clone());
                        connections.spawn(async move {
                            server.connection(socket).await;
                            drop(opened);
                        });
                    }
                }
                Some(_) = connections.join_next() => {}
            }
        }
    }

    /// Serves one connection. What goes wrong on it is the client's to notice.
    async fn connection(self, socket: TcpStream) {
        let _open = self.cluster.connections().open();
        // Without it, each answer would wait for an acknowledgement.
        if socket.set_nodelay(true).is_err() {
            return;
        }
        match self.tls.clone() {
            None => self.serve(socket).await,
            Some(tls) => {
                if let Ok(socket) = tls.accept(socket).await {
                    self.serve(socket).await;
                }
            }
        }
    }

    async fn serve(self, socket: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
        let connection = Arc::new(Connection::default());
        let visit = Visit::new(self.cluster, self.node, Arc::clone(&connection));
        let service = service_fn(move |request| {
            let visit = visit.clone();
            async { Ok::<_, Infallible>(answer(visit, request).await) }
        });
        let serving = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(4 * WINDOW_BYTES)
            .max_concurrent_streams(CALLS)
            .serve_connection(TokioIo::new(socket), service);
        tokio::select! {
            _ = serving => {}
            () = connection.killed.notified() => {}
        }
    }
}

impl Listening {
    /// Lets go of the port and drops every connection. When it returns, all are gone.
    pub(crate) fn stop(self) {
        let Self { task, open } = self;
        task.abort();
        // Nothing is ever sent: it waits until the last sender is gone.
        while open.recv().is_ok() {}
    }
}
