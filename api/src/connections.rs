//! How many connections there are, and what becomes of one too many.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout},
};

/// How often refusals are told in the server's own log.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// How many clients at once are told that there are too many; more are cut off without a word.
const TOLD_AT_ONCE: usize = 64;

/// How long one may take to hear it.
const HEARING: Duration = Duration::from_secs(1);

/// What one too many is told.
const BUSY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    content-type: application/problem+json\r\ncontent-length: 169\r\nretry-after: 1\r\n\
    connection: close\r\n\r\n\
    {\"type\":\"/problems/busy\",\"title\":\"Too much at once\",\"status\":503,\"code\":\"busy\",\
    \"detail\":\"as many connections are open as may be at once\",\"errors\":[],\"request_id\":null}  ";

/// The connections of one server, as far as they are counted.
#[derive(Debug)]
pub(crate) struct Connections {
    most: usize,
    permits: Arc<Semaphore>,
    tellers: Arc<Semaphore>,
    refused: AtomicU64,
    failed: AtomicU64,
    told: Mutex<Option<Instant>>,
}

impl Connections {
    /// At most so many at once.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            permits: Arc::new(Semaphore::new(most)),
            tellers: Arc::new(Semaphore::new(TOLD_AT_ONCE)),
            refused: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            told: Mutex::default(),
        }
    }

    /// How many are open.
    pub(crate) fn open(&self) -> usize {
        self.most.saturating_sub(self.permits.available_permits())
    }

    /// How many were refused because there were as many as there may be.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Relaxed)
    }

    /// How many times the system gave none.
    pub(crate) fn failed(&self) -> u64 {
        self.failed.load(Relaxed)
    }

    /// A place for one more; none if there are as many as there may be.
    pub(crate) fn admit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.permits).try_acquire_owned().ok()
    }

    /// Tells one too many so, and lets it go.
    pub(crate) fn refuse(&self, socket: TcpStream) {
        self.refused.fetch_add(1, Relaxed);
        if self.is_worth_telling() {
            let (most, refused) = (self.most, self.refused());
            tracing::warn!(
                most,
                refused,
                "connections are refused: {most} are open, as many as may be"
            );
        }
        let Ok(teller) = Arc::clone(&self.tellers).try_acquire_owned() else { return };
        tokio::spawn(async move {
            let _teller = teller;
            // Whoever does not hear it sees the connection end.
            let _ = timeout(HEARING, tell(socket)).await;
        });
    }

    /// Notes that the system gave no connection.
    pub(crate) fn not_accepted(&self, error: &io::Error) {
        self.failed.fetch_add(1, Relaxed);
        if self.is_worth_telling() {
            tracing::warn!(%error, "a connection cannot be accepted: {error}");
        }
    }

    fn is_worth_telling(&self) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = told.is_none_or(|told| told.elapsed() >= TOLD_EVERY);
        if is_due {
            *told = Some(Instant::now());
        }
        is_due
    }
}

/// Answers whatever is asked. What is sent is read, or the answer could be lost with it.
async fn tell(mut socket: TcpStream) -> io::Result<()> {
    socket.write_all(BUSY).await?;
    socket.shutdown().await?;
    let mut unread = [0; 4_096];
    while socket.read(&mut unread).await? > 0 {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::BUSY;

    #[test]
    fn what_one_too_many_is_told_is_a_whole_answer() {
        let text = str::from_utf8(BUSY).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{}", body.len());
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(
            (problem["code"].as_str(), problem["status"].as_u64()),
            (Some("busy"), Some(503))
        );
    }
}
