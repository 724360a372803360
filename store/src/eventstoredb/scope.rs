//! Which streams of the cluster are ours, and what they are called there.

use std::borrow::Cow;

use eventstore::SubscriptionFilter;
use shiplog_domain::stream::StreamName;

/// The families of streams that Shiplog writes; the cluster's categories.
const FAMILIES: [&str; 4] = ["lane-", "release-", "environment-", "projection-"];

/// Where it is written which log this is. No family's name, and of no category.
pub(super) const IDENTITY: &str = "shiplog";

/// What stands before a stream's name in that of its settings ("metadata" there).
const SETTINGS: &str = "$$";

/// How many events the server looks at before it says how far it is.
const WINDOW: u32 = 1_000;

/// The part of the cluster that is this log.
///
/// All of it, usually: then a stream is called there what it is called here. Otherwise a part
/// that begins with some prefix, so that several logs have room on one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scope {
    prefix: String,
}

impl Scope {
    /// The scope of the streams that begin with `prefix`; of everything, if that is empty.
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.into() }
    }

    /// What the cluster calls a stream; `None` if no reader would ever look for it.
    pub(super) fn physical<'a>(&self, stream: &'a StreamName) -> Option<Cow<'a, str>> {
        let name = stream.as_str();
        match self.prefix.as_str() {
            "" => is_of_a_family(name).then_some(Cow::Borrowed(name)),
            prefix => (name != IDENTITY).then(|| Cow::Owned(format!("{prefix}{name}"))),
        }
    }

    /// What we call a stream of the cluster; `None` if it is none of ours.
    pub(super) fn logical(&self, name: &str) -> Option<StreamName> {
        let name = name.strip_prefix(&self.prefix)?;
        let ours = if self.prefix.is_empty() { is_of_a_family(name) } else { name != IDENTITY };
        ours.then(|| StreamName::recorded(name))
    }

    /// Where the cluster keeps the settings of a stream.
    pub(super) fn settings(&self, stream: &StreamName) -> Option<String> {
        self.physical(stream).map(|name| format!("{SETTINGS}{name}"))
    }

    /// Whose settings a stream of the cluster has; `None` if those of none of ours.
    pub(super) fn of_settings(&self, name: &str) -> Option<StreamName> {
        self.logical(name.strip_prefix(SETTINGS)?)
    }

    /// The stream that says which log it is.
    pub(super) fn identity(&self) -> String {
        format!("{}{IDENTITY}", self.prefix)
    }

    /// What the server is to pass over for us.
    pub(super) fn filter(&self) -> SubscriptionFilter {
        let filter = SubscriptionFilter::on_stream_name().max(WINDOW);
        if self.prefix.is_empty() {
            FAMILIES.iter().fold(filter, |filter, family| {
                filter.add_prefix(family).add_prefix(format!("{SETTINGS}{family}"))
            })
        } else {
            let settings = format!("{SETTINGS}{}", self.prefix);
            filter.add_prefix(&self.prefix).add_prefix(settings)
        }
    }
}

fn is_of_a_family(name: &str) -> bool {
    FAMILIES.iter().any(|family| name.starts_with(family))
}

#[cfg(test)]
mod tests {
    use shiplog_domain::{
        environment, lane::LaneId, projection, release::ReleaseId, wire::DomainEvent,
    };

    use super::*;

    #[test]
    fn every_family_of_the_domain_is_followed() {
        let (service, environment) = ("checkout".parse().unwrap(), "production".parse().unwrap());
        let of_environment = environment::stream(&environment);
        let lane = LaneId { service, environment }.stream();
        let (service, version) = ("checkout".parse().unwrap(), "1.4.2".parse().unwrap());
        let release = ReleaseId { service, version }.stream();
        let of_projection = projection::stream(&"lead-time".parse().unwrap());
        for stream in [lane, release, of_environment, of_projection] {
            assert_eq!(Scope::new("").physical(&stream).as_deref(), Some(stream.as_str()));
        }
        assert_eq!(FAMILIES.len(), DomainEvent::SCHEMAS.len());
    }

    #[test]
    fn a_cluster_of_our_own_calls_streams_as_we_do() {
        let scope = Scope::new("");
        for name in ["lane-a@b", "release-a@1", "environment-b", "projection-c"] {
            let stream = StreamName::recorded(name);
            assert_eq!(scope.physical(&stream).as_deref(), Some(name));
            assert_eq!(scope.logical(name), Some(stream));
        }
        for name in ["$ce-lane", "$$lane-a@b", "shiplog", "lanes-a", "order-1", ""] {
            assert_eq!(scope.physical(&StreamName::recorded(name)), None);
            assert_eq!(scope.logical(name), None);
        }
    }

    #[test]
    fn a_part_of_a_cluster_begins_with_its_prefix() {
        let scope = Scope::new("staging.");
        for name in ["lane-a@b", "anything"] {
            let stream = StreamName::recorded(name);
            let physical = format!("staging.{name}");
            assert_eq!(scope.physical(&stream).as_deref(), Some(physical.as_str()));
            assert_eq!(scope.logical(&physical), Some(stream));
        }
        assert_eq!(scope.identity(), "staging.shiplog");
        for name in ["lane-a@b", "staging.shiplog", "$ce-staging.lane"] {
            assert_eq!(scope.logical(name), None);
        }
    }
}
