//! What a generated history is about: services, environments, and the lanes between them.

use std::{collections::VecDeque, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use shiplog_domain::{
    environment::Tier,
    lane::LaneId,
    names::{EnvironmentName, ServiceName, Version},
    release::ReleaseId,
    stream::StreamName,
};

use super::{
    cast::Team,
    releases::{Release, Scheme},
};

/// How many deployments back anything that happens may refer to.
pub(crate) const HORIZON: u32 = 6;

/// How many in a thousand releases go on to production, and to any other environment.
const PROMOTED_TO_PRODUCTION: u32 = 700;
const PROMOTED: u32 = 850;

pub(super) struct Service {
    pub(super) name: ServiceName,
    pub(super) team: &'static Team,
    pub(super) scheme: Scheme,
    /// How many releases it has had.
    pub(super) released: u32,
    pub(super) newest: Option<Arc<Release>>,
    /// The working time between two releases.
    pub(super) pace: SignedDuration,
    /// How long a deployment takes, more or less.
    pub(super) takes: SignedDuration,
    /// Whether its deployments are reported by the cluster when they are over.
    pub(super) is_told: bool,
    /// Whether its releases are made known before they are deployed.
    pub(super) registers: bool,
    /// Whether it runs in three regions.
    pub(super) is_spread: bool,
}

pub(super) struct Place {
    pub(super) name: EnvironmentName,
    pub(super) stream: StreamName,
    pub(super) tier: Tier,
    pub(super) frozen_until: Option<Timestamp>,
}

impl Place {
    pub(super) fn is_production(&self) -> bool {
        self.tier == Tier::Production
    }

    /// The branch that is looked at there, if it is for one.
    pub(super) fn branch(&self) -> Option<&str> {
        self.name.as_str().strip_prefix("review/")
    }

    /// How many in a thousand releases are promoted to it.
    pub(super) fn promoted(&self) -> u32 {
        if self.is_production() { PROMOTED_TO_PRODUCTION } else { PROMOTED }
    }
}

/// A deployment that succeeded.
#[derive(Clone)]
pub(super) struct Success {
    pub(super) number: u32,
    pub(super) release: Arc<Release>,
}

pub(super) struct Lane {
    pub(super) service: usize,
    pub(super) place: usize,
    pub(super) stream: StreamName,
    /// The lane that its releases go to from here.
    pub(super) next: Option<usize>,
    /// The number of its last deployment.
    pub(super) number: u32,
    /// The newest release that was asked for.
    pub(super) newest: u32,
    /// Whether a deployment has not ended.
    pub(super) is_open: bool,
    /// Whether nobody wants anything of it any more.
    pub(super) is_closed: bool,
    /// Whether the service was taken out.
    pub(super) is_gone: bool,
    /// The last ones, by time.
    pub(super) successes: VecDeque<Success>,
}

impl Lane {
    /// A lane that nothing was deployed to yet.
    pub(super) fn new(id: &LaneId, service: usize, place: usize) -> Self {
        Self {
            service,
            place,
            stream: id.stream(),
            next: None,
            number: 0,
            newest: 0,
            is_open: false,
            is_closed: false,
            is_gone: false,
            successes: VecDeque::new(),
        }
    }

    pub(super) fn running(&self) -> Option<&Success> {
        self.successes.back().filter(|_| !self.is_gone)
    }

    /// What ran before what runs, if that is not long ago.
    pub(super) fn before(&self) -> Option<&Success> {
        let running = &self.running()?.release.manifest.version;
        let differs = |one: &&Success| one.release.manifest.version != *running;
        self.successes.iter().rev().find(differs).filter(|one| self.remembers(one.number))
    }

    /// Whether a deployment is recent enough to be spoken of.
    pub(super) fn remembers(&self, number: u32) -> bool {
        number + HORIZON > self.number
    }

    pub(super) fn succeed(&mut self, number: u32, release: Arc<Release>) {
        self.successes.push_back(Success { number, release });
        if self.successes.len() > HORIZON as usize {
            self.successes.pop_front();
        }
    }
}

/// The stream of a release.
pub(super) fn release_stream(service: &ServiceName, version: &Version) -> StreamName {
    ReleaseId { service: service.clone(), version: version.clone() }.stream()
}
