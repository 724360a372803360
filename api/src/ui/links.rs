//! The addresses of pages.

use shiplog_domain::{
    lane::{DeploymentNumber, LaneId},
    names::{EnvironmentName, ServiceName, Version},
};

use crate::query::encode;

/// A lane's page.
pub(super) fn lane(lane: &LaneId) -> String {
    format!("/lanes/{}/{}", encode(lane.service.as_str()), encode(lane.environment.as_str()))
}

/// A deployment's page.
pub(super) fn deployment(id: &LaneId, number: DeploymentNumber) -> String {
    format!("{}/{}", lane(id), number.0)
}

/// The page of a service's releases, at one of them.
pub(super) fn release(service: &ServiceName, version: &Version) -> String {
    format!("{}#{}", releases(service), encode(version.as_str()))
}

/// Where an environment's forms are sent.
pub(super) fn environment(name: &EnvironmentName) -> String {
    format!("/environments/{}", encode(name.as_str()))
}

/// The page of a service's releases.
pub(super) fn releases(service: &ServiceName) -> String {
    format!("/releases/{}", encode(service.as_str()))
}

/// A link that somebody gave, if following it is harmless.
pub(super) fn outside(url: &str) -> Option<String> {
    let known = url.starts_with("https://") || url.starts_with("http://");
    known.then(|| url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_links_to_the_web_are_followed() {
        assert!(outside("https://ci.example/1").is_some());
        for url in ["javascript:alert(1)", "data:text/html,x", "//x", "ftp://x", " https://x"] {
            assert_eq!(outside(url), None, "{url}");
        }
    }
}
