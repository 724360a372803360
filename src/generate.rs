//! Believable histories of deployments, to look at and to measure with.
//!
//! The same [`Plan`] makes the same history, whenever and wherever.

mod aftermath;
mod agenda;
mod ask;
mod cast;
mod chance;
mod course;
mod history;
mod load;
mod releases;
mod rhythm;
mod setting;
mod story;
#[cfg(test)]
mod tests;
mod words;
mod world;

use jiff::{SignedDuration, Timestamp};
use shiplog_domain::{
    environment, lane, metadata::Metadata, names::EnvironmentName, release, stream::StreamName,
};

use self::history::History;
pub(crate) use self::load::{Recorder, Summary, load};

/// Where the demonstration's releases go, in this order, and the branches that are looked at.
const DEMO: [&str; 8] = [
    "testing",
    "staging",
    "production",
    "review/gift-cards",
    "review/new-header",
    "review/search-filters",
    "review/dark-mode",
    "review/faster-checkout",
];

/// What kind of history is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Another seed, another history.
    pub(crate) seed: u64,
    /// How many services there are.
    pub(crate) services: usize,
    /// Where releases go, in the order of promotion; each `review/…` is for one branch.
    pub(crate) environments: Vec<EnvironmentName>,
    /// About how many deployments there are.
    pub(crate) deployments: usize,
    /// When it ends.
    pub(crate) until: Timestamp,
    /// How many months of 30 days it lasts.
    pub(crate) months: u32,
}

impl Plan {
    /// A few dozen services over five months.
    pub(crate) fn demo(until: Timestamp) -> Self {
        Self {
            seed: 7,
            services: 36,
            environments: DEMO.iter().filter_map(|name| name.parse().ok()).collect(),
            deployments: 5_000,
            until,
            months: 5,
        }
    }

    /// When it begins.
    fn begins(&self) -> Timestamp {
        rhythm::earlier(self.until, SignedDuration::from_hours(i64::from(self.months) * 30 * 24))
    }
}

/// One thing that somebody asked for or reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// When it happened.
    pub(crate) at: Timestamp,
    /// To which stream.
    pub(crate) stream: StreamName,
    /// What.
    pub(crate) what: What,
    /// Who said so; the idempotency key follows from the seed and the step's place.
    pub(crate) metadata: Metadata,
}

/// What is asked for or reported, of whichever family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// Of a lane.
    Lane(Box<lane::Command>),
    /// Of a release.
    Release(release::Command),
    /// Of an environment.
    Environment(environment::Command),
}

/// The steps of a history in the order of time, made as they are asked for.
///
/// Taken in this order, none of them is refused.
pub(crate) fn history(plan: &Plan) -> impl Iterator<Item = Step> + Send + use<> {
    History::new(plan)
}
