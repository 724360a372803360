//! Making a client, and making sure that it works.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use eventstore::{Client, NodePreference, operations::Features};
use rustls::crypto::CryptoProvider;

use super::{
    address::{Address, Node},
    contained::within,
    failure::Failure,
};
use crate::log::Cause;

/// The first servers that say where in `$all` the events of a stream are.
const OLDEST: (usize, usize) = (22, 6);

/// Whether a client of the crate has been made in this process.
static DIALLED: AtomicBool = AtomicBool::new(false);

/// Why there is no connection.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DialError {
    /// Nobody has tried so far.
    #[error("no node has been asked so far")]
    NotYet,
    /// There was one.
    #[error("the connection was lost: {0}")]
    Lost(Cause),
    /// No node answered.
    #[error("no node answers: {0}")]
    Unreachable(Cause),
    /// The servers cannot do what we need.
    #[error("the server's version is `{found}`; it takes 22.6 or newer")]
    TooOld {
        /// Its version.
        found: String,
    },
    /// The crate installs a rustls provider, and panics if there is one.
    #[error("another part of the process has chosen rustls' provider before")]
    Provider,
}

impl DialError {
    /// Whether there is no sense in trying again.
    pub(super) fn is_final(&self) -> bool {
        match self {
            Self::TooOld { .. } | Self::Provider => true,
            Self::NotYet | Self::Lost(_) | Self::Unreachable(_) => false,
        }
    }
}

/// Makes a client of the node that is named, or of the one that suits best.
///
/// Choosing one takes as long as the seeds take to answer, so that is the limit.
pub(super) async fn dial(
    address: &Address,
    only: Option<&Node>,
    preference: NodePreference,
) -> Result<Client, DialError> {
    if !DIALLED.swap(true, Ordering::SeqCst) && CryptoProvider::get_default().is_some() {
        DIALLED.store(false, Ordering::SeqCst);
        return Err(DialError::Provider);
    }
    let unreachable = |failure| DialError::Unreachable(Arc::new(failure));
    let settings = address.settings(only, preference);
    let settings = settings.map_err(|error| unreachable(Failure::Settings(error.to_string())))?;
    let seeds = u32::try_from(settings.hosts().len()).unwrap_or(u32::MAX);
    let limit = settings.gossip_timeout().saturating_mul(seeds.saturating_add(2));
    let client = Client::new(settings).map_err(|error| unreachable(error.into()))?;
    let info = within(limit, client.server_info()).await.map_err(unreachable)?;
    if info.version() < OLDEST || !info.contains_features(Features::BATCH_APPEND) {
        return Err(DialError::TooOld { found: info.version().to_string() });
    }
    Ok(client)
}
