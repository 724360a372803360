//! Events of every type, with or without each of their optional fields.

use std::sync::Arc;

use proptest::{
    collection::{btree_map, vec},
    prelude::*,
};
use shiplog_domain::{
    environment::{self, Declared, Frozen, Retired, Tier, Unfrozen},
    lane::{
        self, Annotated, Approvals, Approved, Cancelled, Configuration, Corrected, Correction,
        Failed, Health, HealthReport, Intent, Irreversible, Link, LinkKind, Override, Rail,
        Rejected, Removed, Requested, Started, Succeeded, TargetFailed, TargetReport,
    },
    names::TargetName,
    projection::{self, Defined, Dropped, Language, Paused, Resumed},
    release::{self, Artifact, Blocked, Change, Manifest, Registered, Unblocked},
    wire::DomainEvent,
};

use super::{name, number, one_of, some, text, time, version};

/// Any event of any family.
pub(crate) fn event() -> impl Strategy<Value = DomainEvent> {
    prop_oneof![
        14 => lane_event().prop_map(DomainEvent::Lane),
        3 => release_event().prop_map(DomainEvent::Release),
        4 => environment_event().prop_map(DomainEvent::Environment),
        2 => projection_event().prop_map(DomainEvent::Projection),
    ]
}

/// Any event of a lane.
pub(crate) fn lane_event() -> impl Strategy<Value = lane::Event> {
    use lane::Event;
    prop_oneof![
        4 => requested(),
        4 => told(|number, at| Event::Succeeded(Succeeded { number, at })),
        2 => failed(),
        1 => cancelled(),
        1 => rejected(),
        1 => approved(),
        1 => started(),
        2 => on_target(),
        1 => health(),
        1 => annotated(),
        2 => corrected(),
        1 => (time(), some(text())).prop_map(|(at, reason)| Event::Removed(Removed { at, reason })),
    ]
}

fn told(
    tell: fn(lane::DeploymentNumber, jiff::Timestamp) -> lane::Event,
) -> impl Strategy<Value = lane::Event> {
    (number(), time()).prop_map(move |(number, at)| tell(number, at))
}

fn requested() -> impl Strategy<Value = lane::Event> {
    let told = (some(text()), some(text()), some(text()), some(text()));
    let labels = btree_map(text(), text(), 0..3);
    let beside = (guarded(), some(configuration()));
    (time(), number(), intent(), manifest(), told, labels, beside).prop_map(
        |(at, number, intent, release, (by, reason, url, external_id), labels, beside)| {
            let ((approvals, crosses, acknowledged), configuration) = beside;
            let configuration = configuration.map(Arc::new);
            let release = Arc::new(release);
            lane::Event::Requested(Requested {
                at,
                number,
                intent,
                release,
                by,
                reason,
                url,
                external_id,
                labels,
                approvals,
                crosses,
                acknowledged,
                configuration,
            })
        },
    )
}

fn configuration() -> impl Strategy<Value = Configuration> {
    btree_map(text(), text(), 0..3).prop_map(Configuration)
}

fn guarded() -> impl Strategy<Value = (Option<Approvals>, Option<Override>, Vec<Irreversible>)> {
    let approvals = (any::<u8>(), any::<bool>())
        .prop_map(|(needed, by_requester)| Approvals { needed, by_requester });
    let rails = proptest::sample::subsequence(Rail::ALL.to_vec(), 1..=4);
    let crosses = (rails, text()).prop_map(|(rails, reason)| Override { rails, reason });
    let change = (version(), some(text()), some(text()))
        .prop_map(|(version, id, description)| Irreversible { version, id, description });
    (some(approvals), some(crosses), vec(change, 0..3))
}

fn intent() -> impl Strategy<Value = Intent> {
    prop_oneof![
        Just(Intent::Deploy),
        (some(number()), vec(number(), 0..4))
            .prop_map(|(restores, reverts)| Intent::Rollback { restores, reverts }),
        some(number()).prop_map(|mends| Intent::RollForward { mends }),
        some(number()).prop_map(|of| Intent::Retry { of }),
        Just(Intent::Unknown),
    ]
}

fn manifest() -> impl Strategy<Value = Manifest> {
    let version = prop_oneof![3 => version(), 1 => name()];
    let artifact = (text(), text(), some(text())).prop_map(|(name, digest, media_type)| Artifact {
        name,
        digest,
        media_type,
    });
    let change = (some(text()), text(), some(text()), some(any::<bool>()), some(text())).prop_map(
        |(id, kind, description, reversible, url)| Change {
            id,
            kind,
            description,
            reversible,
            url,
        },
    );
    (version, some(text()), vec(artifact, 0..3), some(text()), vec(change, 0..3)).prop_map(
        |(version, commit, artifacts, notes, changes)| Manifest {
            version,
            commit,
            artifacts,
            notes,
            changes,
        },
    )
}

fn approved() -> impl Strategy<Value = lane::Event> {
    (number(), time(), text(), some(text())).prop_map(|(number, at, by, comment)| {
        lane::Event::Approved(Approved { number, at, by, comment })
    })
}

fn rejected() -> impl Strategy<Value = lane::Event> {
    (number(), time(), text(), some(text())).prop_map(|(number, at, by, reason)| {
        lane::Event::Rejected(Rejected { number, at, by, reason })
    })
}

fn started() -> impl Strategy<Value = lane::Event> {
    (number(), time(), some(text()), some(text())).prop_map(|(number, at, executor, log_url)| {
        lane::Event::Started(Started { number, at, executor, log_url })
    })
}

fn on_target() -> impl Strategy<Value = lane::Event> {
    let target = prop_oneof![
        (1..3_u8).prop_map(|one| format!("web-{one}").parse::<TargetName>().unwrap()),
        name(),
    ];
    (number(), time(), target, 0..3_u8, some(text())).prop_map(
        |(number, at, target, what, error)| match what {
            0 => lane::Event::TargetStarted(TargetReport { number, at, target }),
            1 => lane::Event::TargetSucceeded(TargetReport { number, at, target }),
            _ => lane::Event::TargetFailed(TargetFailed { number, at, target, error }),
        },
    )
}

fn failed() -> impl Strategy<Value = lane::Event> {
    (number(), time(), some(text()), some(text()), some(text())).prop_map(
        |(number, at, error, failed_step, log_url)| {
            lane::Event::Failed(Failed { number, at, error, failed_step, log_url })
        },
    )
}

fn cancelled() -> impl Strategy<Value = lane::Event> {
    (number(), time(), some(text()))
        .prop_map(|(number, at, reason)| lane::Event::Cancelled(Cancelled { number, at, reason }))
}

fn health() -> impl Strategy<Value = lane::Event> {
    let health = one_of(&[Health::Healthy, Health::Degraded, Health::Unhealthy]);
    (number(), time(), health, some(text()), some(text())).prop_map(
        |(number, at, health, source, detail)| {
            lane::Event::Health(HealthReport { number, at, health, source, detail })
        },
    )
}

fn annotated() -> impl Strategy<Value = lane::Event> {
    let kind = one_of(&[LinkKind::Incident, LinkKind::Ticket, LinkKind::Change]);
    let link = (kind, text()).prop_map(|(kind, url)| Link { kind, url });
    (number(), time(), text(), vec(link, 0..3)).prop_map(|(number, at, text, links)| {
        lane::Event::Annotated(Annotated { number, at, text, links })
    })
}

fn corrected() -> impl Strategy<Value = lane::Event> {
    (number(), time(), correction(), text()).prop_map(|(number, at, correction, reason)| {
        lane::Event::Corrected(Corrected { number, at, correction, reason })
    })
}

pub(super) fn correction() -> impl Strategy<Value = Correction> {
    prop_oneof![
        Just(Correction::Void),
        intent().prop_map(|intent| Correction::Intent { intent }),
        Just(Correction::Blamed),
        Just(Correction::Cleared),
    ]
}

/// Any event of a release.
pub(crate) fn release_event() -> impl Strategy<Value = release::Event> {
    use release::Event;
    prop_oneof![
        (time(), manifest())
            .prop_map(|(at, release)| Event::Registered(Registered { at, release })),
        (time(), text()).prop_map(|(at, reason)| Event::Blocked(Blocked { at, reason })),
        (time(), text()).prop_map(|(at, reason)| Event::Unblocked(Unblocked { at, reason })),
    ]
}

/// Any event of an environment.
pub(crate) fn environment_event() -> impl Strategy<Value = environment::Event> {
    use environment::Event;
    let declared = (time(), tier(), any::<u8>(), any::<bool>(), any::<bool>());
    prop_oneof![
        declared.prop_map(|(at, tier, approvals, self_approval, one_at_a_time)| {
            Event::Declared(Declared { at, tier, approvals, self_approval, one_at_a_time })
        }),
        (time(), text(), some(time())).prop_map(|(at, reason, until)| Event::Frozen(Frozen {
            at,
            reason,
            until
        })),
        (time(), some(text())).prop_map(|(at, reason)| Event::Unfrozen(Unfrozen { at, reason })),
        (time(), some(text())).prop_map(|(at, reason)| Event::Retired(Retired { at, reason })),
    ]
}

/// Any event of a projection.
pub(crate) fn projection_event() -> impl Strategy<Value = projection::Event> {
    use projection::Event;
    let language = one_of(&[Language::Javascript, Language::Sql]);
    prop_oneof![
        (time(), language, text()).prop_map(|(at, language, source)| Event::Defined(Defined {
            at,
            language,
            source
        })),
        time().prop_map(|at| Event::Paused(Paused { at })),
        time().prop_map(|at| Event::Resumed(Resumed { at })),
        time().prop_map(|at| Event::Dropped(Dropped { at })),
    ]
}

pub(super) fn tier() -> impl Strategy<Value = Tier> {
    one_of(&[Tier::Production, Tier::Staging, Tier::Testing, Tier::Development, Tier::Other])
}
