//! Which deployments are wanted.

use jiff::Timestamp;
use shiplog_domain::{
    lane::{Classification, LaneId, Status},
    names::{EnvironmentName, ServiceName, Version},
};

/// Which deployments are wanted: those for which every condition holds. Without one, all are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter(pub Vec<Condition>);

/// What has to hold for a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Facts of which one is enough.
    pub any: Vec<Fact>,
    /// Whether none of them may be so instead.
    pub negated: bool,
}

impl From<Fact> for Condition {
    fn from(fact: Fact) -> Self {
        Self { any: vec![fact], negated: false }
    }
}

/// Those of one lane.
impl From<&LaneId> for Filter {
    fn from(lane: &LaneId) -> Self {
        let LaneId { service, environment } = lane.clone();
        [Fact::Service(service), Fact::Environment(environment)].into_iter().collect()
    }
}

impl FromIterator<Fact> for Filter {
    fn from_iter<T: IntoIterator<Item = Fact>>(facts: T) -> Self {
        Self(facts.into_iter().map(Into::into).collect())
    }
}

/// What may be so for a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// It is of this service.
    Service(ServiceName),
    /// It is in this environment.
    Environment(EnvironmentName),
    /// The actor with this id requested it.
    Actor(String),
    /// It is of this version.
    Version(Version),
    /// It was built from a commit that begins so, in capital or small letters.
    Commit(String),
    /// It has an artifact of this name or digest.
    Artifact(String),
    /// It has come this far.
    Status(Status),
    /// It was requested for this reason, one of [`super::INTENTS`].
    Intent(&'static str),
    /// It was this, seen from its lane.
    Classification(Classification),
    /// It is a rollback that somebody asked for.
    Declared,
    /// It took back what ran, and nobody had called it a rollback.
    Inferred,
    /// It was corrected never to have taken place.
    Void,
    /// A rollback took it back.
    TakenBack,
    /// Reports of how it ended disagree.
    Contradicted,
    /// It has a label of this name, and of this value if one is given.
    Label(String, Option<String>),
    /// It was requested then or later.
    Since(Timestamp),
    /// It was requested before then.
    Until(Timestamp),
    /// It is over, and took so many milliseconds.
    Took(Comparison, i64),
    /// This was said of it: words in a row, of which the last may only be the beginning of one.
    Said {
        /// The words.
        text: String,
        /// Whether the last one may go on.
        begins: bool,
    },
}

/// How a number compares with another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// It is greater.
    Above,
    /// It is not less.
    AtLeast,
    /// It is less.
    Below,
    /// It is not greater.
    AtMost,
}
