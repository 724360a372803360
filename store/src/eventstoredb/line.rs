//! A client that works, with a connection of our own to the leader.

use std::{fmt, sync::Arc};

use eventstore::Client;
use futures::{FutureExt as _, TryFutureExt as _};
use tokio::sync::OnceCell;

use super::{
    address::{Address, Node},
    connection::Connection,
    failure::{Failure, Verdict},
    identity, leader,
};

/// A client that works, as far as anybody knows, and a connection of our own to the leader.
pub(super) struct Line {
    /// The client itself.
    pub(super) client: Client,
    /// The how many-eth it is.
    pub(super) number: u64,
    pub(super) address: Address,
    /// The leader, if somebody has said who it is.
    pub(super) leader: Option<Node>,
    /// Made when it is needed: who only subscribes needs none.
    pub(super) connection: OnceCell<Arc<Connection>>,
}

impl Line {
    /// The connection to the leader.
    pub(super) async fn connection(&self) -> Result<Arc<Connection>, Failure> {
        let connect = || {
            let connecting = leader::connect(&self.address, self.leader.as_ref());
            connecting.map_ok(Arc::new).boxed()
        };
        self.connection.get_or_try_init(connect).await.map(Arc::clone)
    }

    /// Whether the node answers the cheapest call there is, over each connection to it.
    pub(super) async fn answers(&self) -> bool {
        let own = async {
            match self.connection.get() {
                Some(connection) => connection.ask().await,
                None => Ok(()),
            }
        };
        let (client, own) = tokio::join!(identity::ask(&self.client).boxed(), own.boxed());
        [client, own].iter().all(|answer| match answer.as_ref().map_err(Failure::verdict) {
            // That another node leads now is an answer, and is heard by the next call.
            Ok(()) | Err(Verdict::Kept | Verdict::Elsewhere(_)) => true,
            Err(Verdict::Lost | Verdict::Silent) => false,
        })
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.number)
    }
}
