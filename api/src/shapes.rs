//! What goes over the wire: the shapes of requests and answers.

mod actor;
mod configuration;
mod deployment;
mod guard;
mod intent;
mod labels;
mod lane;
mod moment;
mod object;
mod release;
mod text;
mod whole;
mod words;

pub(crate) use self::{
    actor::{Actor, ActorGiven},
    configuration::{ConfigurationGiven, DigestChange},
    deployment::{Approval, CorrectionMade, Deployment, HealthNow, Place, TakenBackBy, Told},
    guard::{Crossed, IrreversibleShape, OverrideGiven, ShownGiven},
    intent::Intent,
    labels::Labels,
    lane::{EnvironmentNow, Frozen, Lane},
    moment::{Moment, moment},
    object::Object,
    release::{Artifact, Block, Change, Release, ReleaseGiven},
    text::{Prose, Text, TextError},
    whole::{NumberGiven, Whole},
    words::{
        CONTROL_FREE, ClassificationWord, FateWord, HealthWord, IntentShape, LinkShape, Name,
        Number, ProgressWord, RailWord, StatusWord, TierWord, Token,
    },
};
