//! Finding the leader: a node that does not lead says who does.

use super::{
    address::{Address, Node},
    connection::Connection,
    failure::{Failure, Verdict},
};

/// Connects to the leader: the node that is named, or whoever the seeds say.
///
/// If none of them knows of a leader, to one that answers: it says itself that nothing can be
/// written.
///
/// # Errors
///
/// Why the last of them cannot be reached.
pub(super) async fn connect(address: &Address, only: Option<&Node>) -> Result<Connection, Failure> {
    if let Some(node) = only {
        return Connection::open(address, node).await;
    }
    let (mut leaderless, mut failed) = (None, Failure::Ended);
    for seed in &address.seeds {
        match follow(address, seed).await {
            Ok(Found::Leader(connection)) => return Ok(connection),
            Ok(Found::Leaderless(connection)) => leaderless = Some(connection),
            Err(failure) => failed = failure,
        }
    }
    leaderless.ok_or(failed)
}

/// What a seed leads to.
enum Found {
    Leader(Connection),
    /// A node that is there, and no leader.
    Leaderless(Connection),
}

async fn follow(address: &Address, seed: &Node) -> Result<Found, Failure> {
    let connection = Connection::open(address, seed).await?;
    let Err(failure) = connection.ask().await else { return Ok(Found::Leader(connection)) };
    match failure.verdict() {
        Verdict::Elsewhere(leader) => Ok(Found::Leader(Connection::open(address, &leader).await?)),
        // One that may not read the log is told so by the call that it makes.
        Verdict::Kept => Ok(Found::Leader(connection)),
        Verdict::Lost | Verdict::Silent => Ok(Found::Leaderless(connection)),
    }
}
