//! Whether words that were said before in a run ask for something new.
//!
//! A step that runs again is recorded once. But who deploys 2.0, goes back to 1.5 and deploys 2.0
//! once more says the third time what was said the first time, and means something new. What the
//! run itself has done in between tells the two apart; what others did does not, for then the first
//! request may be the one that is sent again late.

use std::collections::HashSet;

use serde_json::Value;
use shiplog_domain::{
    environment, lane::LaneId, projection, release::ReleaseId, stream::StreamName,
};

use super::key::Key;

/// Where a request is recorded, and what undoes it there.
#[derive(Clone, Debug)]
pub(crate) struct Course {
    /// `None` where the names in it are none; then the server takes no such request.
    stream: Option<StreamName>,
    undone: Undone,
}

/// What makes the same words, said again, a new request.
#[derive(Clone, Debug)]
enum Undone {
    /// The run has put another release there; or, where a deployment was asked for or began, it
    /// came to nothing.
    Deployment {
        /// Whether it was to go on, not reported as ended.
        is_open: bool,
    },
    /// The run has told of another end of the same deployment.
    End(u64),
    /// The run has recorded one of these.
    By(&'static [&'static str]),
}

/// How a deployment ends.
const ENDS: [&str; 4] =
    ["DeploymentSucceeded", "DeploymentFailed", "DeploymentCancelled", "DeploymentRejected"];

impl Course {
    /// A new deployment of a lane.
    pub(crate) fn deployment(service: &str, environment: &str, is_open: bool) -> Self {
        Self { stream: lane(service, environment), undone: Undone::Deployment { is_open } }
    }

    /// How a deployment ended.
    pub(crate) fn end(service: &str, environment: &str, number: u64) -> Self {
        Self { stream: lane(service, environment), undone: Undone::End(number) }
    }

    /// What happened to a deployment and is undone by nothing.
    pub(crate) fn step(service: &str, environment: &str) -> Self {
        Self { stream: lane(service, environment), undone: Undone::By(&[]) }
    }

    /// A change to an environment, which these events undo.
    pub(crate) fn environment(name: &str, undone_by: &'static [&'static str]) -> Self {
        let stream = name.parse().ok().map(|name| environment::stream(&name));
        Self { stream, undone: Undone::By(undone_by) }
    }

    /// A change to a release, which these events undo.
    pub(crate) fn release(
        service: &str,
        version: &str,
        undone_by: &'static [&'static str],
    ) -> Self {
        let id = service.parse().ok().zip(version.parse().ok());
        let stream = id.map(|(service, version)| ReleaseId { service, version }.stream());
        Self { stream, undone: Undone::By(undone_by) }
    }

    /// A change to a projection, which these events undo.
    pub(crate) fn projection(name: &str, undone_by: &'static [&'static str]) -> Self {
        let stream = name.parse().ok().map(|name| projection::stream(&name));
        Self { stream, undone: Undone::By(undone_by) }
    }

    /// The stream that holds what comes of it.
    pub(super) fn stream(&self) -> Option<&StreamName> {
        self.stream.as_ref()
    }
}

fn lane(service: &str, environment: &str) -> Option<StreamName> {
    let (service, environment) = (service.parse().ok()?, environment.parse().ok()?);
    Some(LaneId { service, environment }.stream())
}

/// What a stream says of a request, read event by event.
#[derive(Debug)]
pub(super) struct Past<'a> {
    key: &'a Key,
    undone: &'a Undone,
    /// What the request put there, once its first event was read.
    content: Option<Value>,
    /// The deployments that were made by these words.
    numbers: HashSet<u64>,
    /// The version of the newest event that undid it.
    undone_at: Option<u64>,
}

impl<'a> Past<'a> {
    /// Nothing was read yet.
    pub(super) fn new(key: &'a Key, course: &'a Course) -> Self {
        let (undone, numbers) = (&course.undone, HashSet::new());
        Self { key, undone, content: None, numbers, undone_at: None }
    }

    /// Reads the next event.
    pub(super) fn take(&mut self, event: &Value) {
        let key = text(event, "/idempotency_key");
        if self.key.says_the_same_as(key) {
            self.numbers.extend(number(event));
            self.content.get_or_insert_with(|| content(event));
        } else if let Some(content) = &self.content
            && self.undoes(event, content)
        {
            self.undone_at = event.get("version").and_then(Value::as_u64);
        }
    }

    /// The version of the newest event that makes the same words a new request, if one does.
    pub(super) fn undone_at(&self) -> Option<u64> {
        self.undone_at
    }

    fn undoes(&self, event: &Value, ours: &Value) -> bool {
        let kind = text(event, "/type");
        let is_of_the_run = || self.key.is_of_the_run_of(text(event, "/idempotency_key"));
        match self.undone {
            Undone::Deployment { .. } if kind == "DeploymentRequested" => {
                is_of_the_run() && content(event) != *ours
            }
            Undone::Deployment { is_open } => {
                let came_to_nothing = ENDS.contains(&kind) && kind != "DeploymentSucceeded";
                *is_open
                    && came_to_nothing
                    && number(event).is_some_and(|one| self.numbers.contains(&one))
            }
            Undone::End(ours) => {
                ENDS.contains(&kind) && number(event) == Some(*ours) && is_of_the_run()
            }
            Undone::By(kinds) => kinds.contains(&kind) && is_of_the_run(),
        }
    }
}

/// What is put there: not what is said of it.
fn content(event: &Value) -> Value {
    let places = ["release/version", "release/commit", "release/artifacts", "configuration"];
    let part = |place| event.pointer(&format!("/data/{place}")).cloned().unwrap_or_default();
    places.map(part).into_iter().collect()
}

fn number(event: &Value) -> Option<u64> {
    event.pointer("/data/number").and_then(Value::as_u64)
}

fn text<'a>(event: &'a Value, pointer: &str) -> &'a str {
    event.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
