//! Connections for subscriptions, so many to each.
//!
//! A server lets about a hundred calls go on over one connection, and what a slow reader has not
//! taken yet counts against all of them. So subscriptions have connections of their own.

use std::sync::{Arc, Mutex, PoisonError};

use eventstore::NodePreference;

use super::{
    address::Address,
    supervisor::{Availability, Supervisor},
};
use crate::outage::Outage;

/// The most subscriptions of one connection.
const MOST: usize = 50;

/// Connections to whatever node the connection string prefers.
pub(super) struct Pool {
    address: Address,
    pub(super) preference: NodePreference,
    supervisors: Mutex<Vec<Arc<Supervisor>>>,
    outage: Arc<Outage>,
}

impl Pool {
    /// A pool with one connection, which is being made.
    pub(super) fn new(address: Address, outage: Arc<Outage>) -> Self {
        let preference = address.preference;
        let pool = Self { address, preference, supervisors: Mutex::default(), outage };
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
        let availability = Availability { part: self.outage.part(), needs_answers: false };
        let supervisor = Supervisor::start(self.address.clone(), self.preference, availability);
        let supervisor = Arc::new(supervisor);
        supervisors.push(Arc::clone(&supervisor));
        supervisor
    }
}
