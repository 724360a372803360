//! What speaks against putting a release back.

use std::fmt;

use super::{Cause, Corrected, Correction, Deployment, DeploymentNumber, Health, HealthReport};
use crate::names::Version;

/// What a lane knows that speaks against putting a release back, as it was configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Objections<'s> {
    /// The rollback that took its last success back.
    pub taken_back_by: Option<&'s Deployment>,
    /// The deployment of it that is blamed for harm, and what was said of that.
    pub blamed: Option<&'s Corrected>,
    /// How it was doing by the latest report.
    pub health: Option<&'s HealthReport>,
    /// What its last success left in doubt.
    pub doubt: Option<Cause>,
}

impl Objections<'_> {
    /// Whether nothing speaks against it; that it was doing worse than it should does not.
    pub fn is_empty(&self) -> bool {
        let Self { taken_back_by, blamed, doubt, .. } = self;
        taken_back_by.is_none() && blamed.is_none() && doubt.is_none() && self.unhealthy().is_none()
    }

    /// The report that it was not doing at all.
    pub fn unhealthy(&self) -> Option<&HealthReport> {
        self.health.filter(|report| report.health == Health::Unhealthy)
    }

    /// Each of them in words.
    pub fn in_words(&self) -> Vec<String> {
        let said = |text: Option<&str>| text.map_or_else(String::new, |text| format!(": {text}"));
        let taken_back = self.taken_back_by.map(|rollback| {
            let reason = said(rollback.requested.reason.as_deref());
            format!("taken back by {}{reason}", rollback.number())
        });
        let blamed = self.blamed.map(|blamed| format!("blamed{}", said(Some(&blamed.reason))));
        let unhealthy = self
            .unhealthy()
            .map(|report| format!("reported as unhealthy{}", said(report.detail.as_deref())));
        let doubt = self.doubt.map(|cause| format!("it {}", cause.as_str()));
        [taken_back, blamed, unhealthy, doubt].into_iter().flatten().collect()
    }
}

/// A release that ran here, with what speaks against putting it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contender {
    /// Its last success.
    pub number: DeploymentNumber,
    /// What it is called.
    pub version: Version,
    /// What speaks against it, in words.
    pub against: Vec<String>,
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({}) was {}", self.version, self.number, self.against.join(", "))
    }
}

impl Deployment {
    /// The correction that blames it for harm, if it was not cleared since.
    pub fn blame(&self) -> Option<&Corrected> {
        self.corrections.iter().fold(None, |blame, one| match one.correction {
            Correction::Blamed => Some(one),
            Correction::Cleared => None,
            Correction::Void | Correction::Intent { .. } => blame,
        })
    }
}
