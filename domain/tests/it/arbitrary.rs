//! Events, histories and commands as chance has them.
//!
//! Numbers, times and versions are drawn from few as well as from all, so that some coincide.

mod commands;
mod events;

use std::fmt::Debug;

use jiff::{SignedDuration, Timestamp};
use proptest::{collection::vec, option, prelude::*, strategy::Union};
use shiplog_domain::{lane::DeploymentNumber, names::Version, release::Manifest};

pub(crate) use self::{
    commands::{
        command, environment_command, happened, known_number, release_command, rollback_to,
    },
    events::{environment_event, event, lane_event, release_event},
};
use crate::samples::at;

/// One of few times: so many minutes after midnight.
pub(crate) fn minute(minutes: i64) -> Timestamp {
    at("00:00") + SignedDuration::from_mins(minutes)
}

/// One of few times, or one of all.
pub(crate) fn time() -> impl Strategy<Value = Timestamp> + Clone {
    let all = Timestamp::MIN.as_nanosecond()..=Timestamp::MAX.as_nanosecond();
    prop_oneof![
        4 => (0..30_i64).prop_map(minute),
        1 => all.prop_map(|nanosecond| Timestamp::from_nanosecond(nanosecond).unwrap()),
    ]
}

/// A number that exists more often than not, or any.
pub(crate) fn number() -> impl Strategy<Value = DeploymentNumber> + Clone {
    prop_oneof![8 => 0..=8_u32, 1 => any::<u32>()].prop_map(DeploymentNumber)
}

/// Any text, with all that JSON has to escape.
pub(crate) fn text() -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..6).prop_map(String::from_iter)
}

/// Any name: 1 to 200 characters, none of them a control character.
pub(crate) fn name<N: TryFrom<String, Error: Debug> + Debug>() -> impl Strategy<Value = N> {
    let printable = any::<char>().prop_filter("a control character", |one| !one.is_control());
    prop_oneof![20 => 1..=12_usize, 1 => Just(200)]
        .prop_flat_map(move |length| vec(printable.clone(), length))
        .prop_map(|characters| N::try_from(String::from_iter(characters)).unwrap())
}

/// One of few versions.
pub(crate) fn version() -> impl Strategy<Value = Version> {
    (1..=4_u8).prop_map(|version| version.to_string().parse().unwrap())
}

/// A release of one of few versions, told apart by its commit.
pub(crate) fn built() -> impl Strategy<Value = Manifest> {
    (version(), any::<u64>()).prop_map(|(version, commit)| Manifest {
        commit: Some(commit.to_string()),
        ..Manifest::named(version)
    })
}

fn some<T: Debug>(strategy: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    option::of(strategy)
}

fn one_of<T: Debug + Clone + 'static>(all: &[T]) -> Union<Just<T>> {
    Union::new(all.iter().cloned().map(Just))
}
