//! The parts of paths that name something.

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};
use shiplog_domain::{
    lane::{DeploymentNumber, LaneId},
    names::EnvironmentName,
    projection::ProjectionName,
    release::ReleaseId,
};

use crate::{problem::Problem, query::encode};

/// A lane, by service and environment.
pub(crate) struct LanePath(pub(crate) LaneId);

/// A deployment, by service, environment and number.
pub(crate) struct DeploymentPath {
    pub(crate) lane: LaneId,
    pub(crate) number: DeploymentNumber,
}

/// A release, by service and version.
pub(crate) struct ReleasePath(pub(crate) ReleaseId);

/// An environment, by name.
pub(crate) struct EnvironmentPath(pub(crate) EnvironmentName);

/// A projection that a user wrote, by name.
pub(crate) struct ScriptPath(pub(crate) ProjectionName);
/// A projection, by name.
pub(crate) struct ProjectionPath(pub(crate) String);

struct Segments(Vec<(String, String)>);

impl Segments {
    async fn of<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Path::from_request_parts(parts, state)
            .await
            .map(|Path(segments)| Self(segments))
            .map_err(|rejection| Problem::at("{path}", rejection.body_text()))
    }

    fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
        &self,
        name: &str,
    ) -> Result<T, Problem> {
        let pointer = || format!("{{{name}}}");
        let segment = self.0.iter().find(|(key, _)| key == name);
        let (_, text) = segment.ok_or_else(|| Problem::at(pointer(), "it is missing"))?;
        text.parse().map_err(|error: T::Err| Problem::at(pointer(), error.to_string()))
    }

    fn lane(&self) -> Result<LaneId, Problem> {
        Ok(LaneId { service: self.parsed("service")?, environment: self.parsed("environment")? })
    }
}

/// Reads a deployment's number: a positive whole number of 32 bits, without sign.
pub(crate) fn number(text: &str) -> Option<DeploymentNumber> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|number| plain && *number > 0);
    number.map(DeploymentNumber)
}

impl<S: Send + Sync> FromRequestParts<S> for LanePath {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Segments::of(parts, state).await?.lane().map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for DeploymentPath {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let segments = Segments::of(parts, state).await?;
        let text: String = segments.parsed("number")?;
        let number = number(&text).ok_or_else(|| {
            Problem::at(
                "{number}",
                format!("`{text}` is not a whole number from 1 to {}", u32::MAX),
            )
        })?;
        Ok(Self { lane: segments.lane()?, number })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ReleasePath {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let segments = Segments::of(parts, state).await?;
        let (service, version) = (segments.parsed("service")?, segments.parsed("version")?);
        Ok(Self(ReleaseId { service, version }))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for EnvironmentPath {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Segments::of(parts, state).await?.parsed("name").map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ProjectionPath {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Segments::of(parts, state).await?.parsed("name").map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ScriptPath {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Segments::of(parts, state).await?.parsed("name").map(Self)
    }
}

/// The address of a deployment.
pub(crate) fn of_deployment(lane: &LaneId, number: DeploymentNumber) -> String {
    let (service, environment) = (encode(lane.service.as_str()), encode(lane.environment.as_str()));
    format!("/v1/deployments/{service}/{environment}/{}", number.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_positive_and_plain() {
        assert_eq!(number("42"), Some(DeploymentNumber(42)));
        for text in ["", "0", "-1", "+1", "1.0", "4294967296", "x"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn an_address_encodes_each_segment() {
        let lane = LaneId {
            service: "alphagov/frontend".parse().unwrap(),
            environment: "review/ü".parse().unwrap(),
        };
        assert_eq!(
            of_deployment(&lane, DeploymentNumber(3)),
            "/v1/deployments/alphagov%2Ffrontend/review%2F%C3%BC/3"
        );
    }
}
