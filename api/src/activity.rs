//! What a connection is doing, and for how long: a client that does nothing is not waited for.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::OwnedSemaphorePermit,
    time::{Instant, sleep},
};

/// How long a client may take to send the head of a request.
pub(crate) const HEAD_TIME: Duration = Duration::from_secs(10);

/// How long a connection may be without a request.
pub(crate) const IDLE_TIME: Duration = Duration::from_mins(1);

/// How long a client may take nothing of what is sent to it.
pub(crate) const WRITE_TIME: Duration = Duration::from_mins(1);

/// How often it is looked.
const LOOK: Duration = Duration::from_secs(2);

/// What an HTTP/2 connection begins with. It carries more than requests, and is never half-way into one.
const HTTP_2: u8 = b'P';
const HTTP_2_NEXT: u8 = b'R';

/// Nothing.
const NEVER: u64 = u64::MAX;

/// What a connection is doing; times are in milliseconds since it was made.
#[derive(Debug)]
pub(crate) struct Activity {
    began: Instant,
    /// How many requests are being answered.
    requests: AtomicUsize,
    /// Since when there is no request.
    idle: AtomicU64,
    /// Since when a request is coming in of which the head is not whole.
    head: AtomicU64,
    /// Since when the client has taken nothing.
    blocked: AtomicU64,
}

impl Activity {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            requests: AtomicUsize::new(0),
            idle: AtomicU64::new(0),
            head: AtomicU64::new(NEVER),
            blocked: AtomicU64::new(NEVER),
        })
    }

    /// A request has come; it is being answered for as long as this is kept.
    pub(crate) fn request(self: &Arc<Self>) -> Answering {
        self.requests.fetch_add(1, Relaxed);
        self.head.store(NEVER, Relaxed);
        Answering(Arc::clone(self))
    }

    /// Waits until the client has done nothing for too long.
    pub(crate) async fn given_up(&self) -> &'static str {
        loop {
            sleep(LOOK).await;
            let now = self.now();
            let since =
                |since: &AtomicU64| Duration::from_millis(now.saturating_sub(since.load(Relaxed)));
            if since(&self.blocked) > WRITE_TIME {
                return "it takes nothing of its answer";
            }
            if self.requests.load(Relaxed) > 0 {
                continue;
            }
            if since(&self.head) > HEAD_TIME {
                return "its request does not come to the end of its head";
            }
            if since(&self.idle) > IDLE_TIME {
                return "it asks for nothing";
            }
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(NEVER - 1)
    }

    fn read(&self, bytes: &[u8]) {
        if bytes.is_empty()
            || self.requests.load(Relaxed) > 0
            || bytes.starts_with(&[HTTP_2, HTTP_2_NEXT])
        {
            return;
        }
        // The first byte counts: who sends one from time to time is no faster.
        _ = self.head.compare_exchange(NEVER, self.now(), Relaxed, Relaxed);
    }

    fn wrote(&self, polled: &Poll<io::Result<usize>>) {
        match polled {
            Poll::Pending => _ = self.blocked.compare_exchange(NEVER, self.now(), Relaxed, Relaxed),
            Poll::Ready(_) => self.blocked.store(NEVER, Relaxed),
        }
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(crate) struct Answering(Arc<Activity>);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.idle.store(self.0.now(), Relaxed);
        self.0.requests.fetch_sub(1, Relaxed);
    }
}

/// A socket whose activity is noted.
#[derive(Debug)]
pub(crate) struct Watched<S> {
    /// Its place among the connections: given back before the client sees that it has ended.
    pub(crate) _place: OwnedSemaphorePermit,
    pub(crate) socket: S,
    pub(crate) activity: Arc<Activity>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let polled = Pin::new(&mut self.socket).poll_read(context, into);
        self.activity.read(into.filled().get(before..).unwrap_or_default());
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.activity.wrote(&polled);
        polled
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.socket).poll_write_vectored(context, slices);
        self.activity.wrote(&polled);
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}
