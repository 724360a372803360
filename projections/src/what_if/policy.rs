//! Other rules than those that held.

use std::collections::BTreeMap;

use jiff::Timestamp;
use shiplog_domain::{
    environment::{Frozen, Rules},
    names::EnvironmentName,
};

use super::{Inference, Weekly};

/// Other rules than those that held; where nothing is said, those hold on.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// What changes in which environment.
    pub environments: BTreeMap<EnvironmentName, Change>,
    /// What changes in all other environments.
    pub elsewhere: Option<Change>,
    /// When a deployment that did not say so counts as a rollback.
    pub inference: Option<Inference>,
    /// Whether deployments that were reported, and so met no rule, are left out.
    pub without_reports: bool,
}

/// What changes in an environment.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// How many people must agree to a deployment.
    pub approvals: Option<u8>,
    /// Whether who asked may be one of them.
    pub self_approval: Option<bool>,
    /// Whether a lane takes one deployment at a time.
    pub one_at_a_time: Option<bool>,
    /// The freezes that there are instead of those that there were.
    pub freezes: Option<Vec<Frozen>>,
    /// The freezes that there are every week, beside all others.
    pub weekly: Vec<Weekly>,
}

impl Policy {
    /// What changes in an environment.
    pub(super) fn of(&self, environment: &EnvironmentName) -> Option<&Change> {
        self.environments.get(environment).or(self.elsewhere.as_ref())
    }
}

impl Change {
    pub(super) fn rules(&self, rules: Rules) -> Rules {
        Rules {
            tier: rules.tier,
            approvals: self.approvals.unwrap_or(rules.approvals),
            self_approval: self.self_approval.unwrap_or(rules.self_approval),
            one_at_a_time: self.one_at_a_time.unwrap_or(rules.one_at_a_time),
        }
    }

    /// The freeze in force, where `actual` was: of several, the one that ends last.
    pub(super) fn freeze(&self, at: Timestamp, actual: Option<Frozen>) -> Option<Frozen> {
        let holds =
            |frozen: &&Frozen| frozen.at <= at && frozen.until.is_none_or(|until| until > at);
        let planned: Vec<_> = match &self.freezes {
            Some(freezes) => freezes.iter().filter(holds).cloned().collect(),
            None => actual.into_iter().collect(),
        };
        let weekly = self.weekly.iter().filter_map(|weekly| weekly.at(at));
        planned.into_iter().chain(weekly).max_by_key(|one| one.until.unwrap_or(Timestamp::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::weekly::tests::friday, *};

    #[test]
    fn other_freezes_take_the_place_of_those_that_there_were_and_weekly_ones_do_not() {
        let at: Timestamp = "2026-07-03T14:00:00Z".parse().unwrap();
        let actual = Some(Frozen { at, reason: "peak".into(), until: None });
        let reason = |change: &Change| change.freeze(at, actual.clone()).map(|one| one.reason);
        assert_eq!(reason(&Change::default()).as_deref(), Some("peak"));
        let none = Change { freezes: Some(Vec::new()), ..Change::default() };
        assert_eq!(reason(&none), None);
        let weekly = Change { weekly: vec![friday("15:00", "00:00")], ..none };
        assert_eq!(reason(&weekly).as_deref(), Some("weekend"));
    }
}
