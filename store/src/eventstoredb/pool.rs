//! Connections for subscriptions, so many to each.
//!
//! A server lets about a hundred calls go on over one connection, and what a slow reader has not
//! taken yet counts against all of them. So subscriptions have connections of their own.

use std::sync::{Arc, Mutex, PoisonError};

use eventstore::NodePreference;

use super::{address::Address, supervisor::Supervisor};

/// The most subscriptions of one connection.
const MOST: usize = 50;

/// Connections to whatever node the connection string prefers.
pub(super) struct Pool {
    address: Address,
    pub(super) preference: NodePreference,
    supervisors: Mutex<Vec<Arc<Supervisor>>>,
}

impl Pool {
    /// A pool with one connection, which is being made.
    pub(super) fn new(address: Address) -> Self {
        let preference = address.preference;
        let pool = Self { address, preference, supervisors: Mutex::default() };
        drop(pool.take());
        pool
    }

    /// A connection that has room for one more, for as long as it is held.
    pub(super) fn take(&self) -> Arc<Supervisor> {
        let mut supervisors = self.supervisors.lock().unwrap_or_else(PoisonError::into_inner);
        // One of them is held here.
        let roomy = supervisors.iter().find(|held| Arc::strong_count(held) <= MOST);
        if let Some(supervisor) = roomy {
            return Arc::clone(supervisor);
        }
        let supervisor = Arc::new(Supervisor::start(self.address.clone(), self.preference));
        supervisors.push(Arc::clone(&supervisor));
        supervisor
    }
}
