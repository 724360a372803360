//! The addresses of pages.

use shiplog_domain::{
    lane::{DeploymentNumber, LaneId},
    names::{EnvironmentName, ServiceName, Version, is_step},
};

use crate::query::encode;

/// A lane's page.
///
/// Of one that was named `.` or `..`, which browsers take out of a path, its history: what is put
/// after that address leads to the same page.
pub(super) fn lane(lane: &LaneId) -> String {
    let [service, environment] = [lane.service.as_str(), lane.environment.as_str()];
    let is_reached = !is_step(service) && !is_step(environment);
    let (service, environment) = (encode(service), encode(environment));
    if is_reached {
        format!("/lanes/{service}/{environment}")
    } else {
        format!("/history?service={service}&environment={environment}#items")
    }
}

/// A deployment's page.
pub(super) fn deployment(id: &LaneId, number: DeploymentNumber) -> String {
    format!("{}/{}", lane(id), number.0)
}

/// The page of a service's releases, at one of them.
pub(super) fn release(service: &ServiceName, version: &Version) -> String {
    let page = releases(service);
    if page.contains('#') { page } else { format!("{page}#{}", encode(version.as_str())) }
}

/// Where an environment's forms are sent.
pub(super) fn environment(name: &EnvironmentName) -> String {
    format!("/environments/{}", encode(name.as_str()))
}

/// The page of a service's releases; of one that no path can name, its history.
pub(super) fn releases(service: &ServiceName) -> String {
    let name = encode(service.as_str());
    if is_step(service.as_str()) {
        format!("/history?service={name}#items")
    } else {
        format!("/releases/{name}")
    }
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
    fn what_browsers_resolve_is_in_no_path() {
        let id = |service: &str, environment: &str| LaneId {
            service: service.parse().unwrap(),
            environment: environment.parse().unwrap(),
        };
        let reached = id("a/../b", "review?#\\ %2E");
        assert_eq!(lane(&reached), "/lanes/a%2F..%2Fb/review%3F%23%5C%20%252E");
        for (service, environment) in [("..", "production"), ("checkout", ".")] {
            let link = deployment(&id(service, environment), DeploymentNumber(3));
            let page = format!("/history?service={service}&environment={environment}");
            assert_eq!(link, format!("{page}#items/3"));
        }
    }

    #[test]
    fn only_links_to_the_web_are_followed() {
        assert!(outside("https://ci.example/1").is_some());
        for url in ["javascript:alert(1)", "data:text/html,x", "//x", "ftp://x", " https://x"] {
            assert_eq!(outside(url), None, "{url}");
        }
    }
}
