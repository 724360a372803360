//! What goes over the wire: the shapes of requests and answers.

mod actor;
mod deployment;
mod labels;
mod lane;
mod moment;
mod release;
mod text;
mod words;

pub(crate) use self::{
    actor::{Actor, ActorGiven},
    deployment::{Deployment, Place, Told},
    labels::Labels,
    lane::{EnvironmentNow, Frozen, Lane},
    moment::{Moment, moment},
    release::{Release, ReleaseGiven},
    text::Text,
    words::{
        CONTROL_FREE, ClassificationWord, HealthWord, IntentShape, LinkShape, Name, Number,
        StatusWord, TierWord, Token,
    },
};
