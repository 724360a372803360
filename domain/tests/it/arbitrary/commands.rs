//! Commands: what people and machines may ask for next.

use std::collections::BTreeSet;

use proptest::prelude::*;
use shiplog_domain::{
    environment::{self, Frozen, Rules},
    lane::{
        Approvals, Asked, Command, DeploymentNumber, Happened, Outcome, Override, Rail, Rails,
        Report, Request, RollbackTo, When,
    },
    metadata::ActorKind,
    release::{self, Blocked},
};

use super::{
    built,
    events::{correction, tier},
    minute, number, one_of, some, text, version,
};
use crate::samples::{self, configured, corrects, fails, starts};

fn when() -> impl Strategy<Value = When> {
    (0..30_i64, any::<bool>()).prop_map(|(minutes, stated)| When { at: minute(minutes), stated })
}

/// The number of a deployment that a short history may well have.
pub(crate) fn known_number() -> impl Strategy<Value = DeploymentNumber> {
    (1..=6_u32).prop_map(DeploymentNumber)
}

/// Anything that can be asked of a lane.
pub(crate) fn command() -> impl Strategy<Value = Command> {
    let deployment = (known_number(), when(), happened())
        .prop_map(|(number, when, happened)| Command::Deployment { number, when, happened });
    prop_oneof![
        2 => (request(), rails(), crosses())
            .prop_map(|(request, rails, crosses)| Command::Request { request, rails, crosses }),
        3 => (request(), outcome())
            .prop_map(|(request, outcome)| Command::Report(Report { request, outcome })),
        5 => deployment,
        1 => (when(), some(text())).prop_map(|(when, reason)| Command::Remove { when, reason }),
    ]
}

/// Guard rails, each of which may stand or not.
pub(crate) fn rails() -> impl Strategy<Value = Rails> {
    let freeze = (0..30_i64).prop_map(|at| Frozen {
        at: minute(at),
        reason: "an audit".into(),
        until: None,
    });
    let block =
        (0..30_i64).prop_map(|at| Blocked { at: minute(at), reason: "it loses orders".into() });
    (option(freeze), any::<bool>(), 0..3_u8, any::<bool>(), option(block)).prop_map(
        |(freeze, one_at_a_time, needed, by_requester, block)| Rails {
            freeze,
            one_at_a_time,
            approvals: Approvals { needed, by_requester },
            block,
            blocked: BTreeSet::new(),
            registered: None,
        },
    )
}

fn option<T: std::fmt::Debug>(some: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    proptest::option::weighted(0.2, some)
}

fn crosses() -> impl Strategy<Value = Option<Override>> {
    let rails = proptest::sample::subsequence(Rail::ALL.to_vec(), 1..=4);
    option(rails.prop_map(|rails| Override { rails, reason: "it burns".into() }))
}

fn request() -> impl Strategy<Value = Request> {
    let digest = some(one_of(&["a", "b"]));
    (asked(), when(), digest).prop_map(|(asked, when, digest)| Request {
        configuration: digest.and_then(configured),
        ..samples::request(asked, when)
    })
}

fn asked() -> impl Strategy<Value = Asked> {
    prop_oneof![
        6 => built().prop_map(Asked::Deploy),
        1 => built().prop_map(Asked::Unknown),
        3 => (rollback_to(), some(built())).prop_map(|(to, release)| Asked::Rollback { to, release }),
        1 => (built(), some(number()))
            .prop_map(|(release, mends)| Asked::RollForward { release, mends }),
        1 => some(number()).prop_map(|of| Asked::Retry { of }),
    ]
}

/// Whatever a rollback may go back to, whether it is there or not.
pub(crate) fn rollback_to() -> impl Strategy<Value = RollbackTo> {
    prop_oneof![
        Just(RollbackTo::Previous),
        known_number().prop_map(RollbackTo::Number),
        version().prop_map(RollbackTo::Version),
    ]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        1 => Just(Outcome::Started),
        4 => Just(Outcome::Succeeded),
        1 => Just(Outcome::Failed { error: None }),
    ]
}

/// Whatever can happen to a deployment and is recorded once, however often it is said.
pub(crate) fn happened() -> impl Strategy<Value = Happened> {
    let by = one_of(&["ada".to_owned(), "grace".to_owned()]);
    prop_oneof![
        4 => Just(Happened::Succeeded),
        2 => Just(fails()),
        1 => Just(starts()),
        1 => by.clone().prop_map(|by| Happened::Approve { by, kind: ActorKind::Person, comment: None }),
        1 => by.prop_map(|by| Happened::Reject { by, reason: None }),
        1 => Just(Happened::Cancel { reason: None }),
        2 => correction().prop_map(corrects),
    ]
}

/// Anything that can be asked of a release.
pub(crate) fn release_command() -> impl Strategy<Value = release::Command> {
    use release::Command;
    let at = || (0..30_i64).prop_map(minute);
    let reason = || one_of(&["it loses orders".to_owned(), "it leaks".to_owned()]);
    let release = (1..=2_u8).prop_map(|commit| samples::built("1", &commit.to_string()));
    prop_oneof![
        (at(), release).prop_map(|(at, release)| Command::Register { at, release }),
        (at(), reason()).prop_map(|(at, reason)| Command::Block { at, reason }),
        (at(), reason()).prop_map(|(at, reason)| Command::Unblock { at, reason }),
    ]
}

/// Anything that can be asked of an environment.
pub(crate) fn environment_command() -> impl Strategy<Value = environment::Command> {
    use environment::Command;
    let at = || (0..30_i64).prop_map(minute);
    let rules = (tier(), 0..2_u8, any::<bool>(), any::<bool>()).prop_map(
        |(tier, approvals, self_approval, one_at_a_time)| Rules {
            tier,
            approvals,
            self_approval,
            one_at_a_time,
        },
    );
    let reason = one_of(&["Black Friday".to_owned(), "an audit".to_owned()]);
    prop_oneof![
        (at(), rules).prop_map(|(at, rules)| Command::Declare { at, rules }),
        (at(), reason, some(at())).prop_map(|(at, reason, until)| Command::Freeze {
            at,
            reason,
            until
        }),
        (at(), some(text())).prop_map(|(at, reason)| Command::Unfreeze { at, reason }),
        (at(), some(text())).prop_map(|(at, reason)| Command::Retire { at, reason }),
    ]
}
