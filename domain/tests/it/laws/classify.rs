//! What a deployment was, against the definition told once more.

use proptest::{collection::vec, prelude::*};
use shiplog_domain::{
    decider::fold,
    lane::{Classification, Event, Identity, Lane, classify_all},
    names::Version,
};

use crate::samples::{clock, number, ran, removed};

/// What took effect in a lane, in order: a version, or a removal.
type Effects = Vec<Option<u8>>;

fn effects() -> impl Strategy<Value = Effects> {
    vec(prop_oneof![1 => Just(None), 4 => (1..=4_u8).prop_map(Some)], 0..16)
}

/// From the definition, as naively as can be.
fn naively(earlier: &[Option<u8>], version: u8) -> Classification {
    let ran: Vec<u8> = earlier.iter().copied().flatten().collect();
    let rank = |version: u8| ran.iter().position(|earlier| *earlier == version);
    if !ran.contains(&version) {
        return Classification::New;
    }
    let replaced = *ran.last().unwrap();
    let removed = earlier.last().unwrap().is_none();
    if removed && replaced == version {
        Classification::Restore
    } else if rank(version) < rank(replaced) {
        Classification::Rollback
    } else {
        Classification::Reapply
    }
}

fn expected(effects: &Effects) -> Vec<Option<Classification>> {
    let one = |(index, effect): (usize, &Option<u8>)| {
        effect.map(|version| naively(&effects[..index], version))
    };
    effects.iter().enumerate().map(one).collect()
}

fn name(version: u8) -> Version {
    version.to_string().parse().unwrap()
}

/// The same effects as events, a minute apart: each the events of one effect.
fn history(effects: &Effects) -> Vec<Vec<Event>> {
    let mut deployments = 0;
    let mut tell = |(effect, minute): (&Option<u8>, u32)| match effect {
        Some(version) => {
            deployments += 1;
            ran(deployments, &version.to_string(), &clock(minute)).to_vec()
        }
        None => vec![removed(&clock(minute))],
    };
    effects.iter().zip(0..).map(&mut tell).collect()
}

proptest! {
    #[test]
    fn a_whole_lane_is_classified_as_defined(effects in effects()) {
        let versions: Vec<_> = effects.iter().map(|effect| effect.map(name)).collect();
        let release = |version| Identity { version, digests: None };
        let found = classify_all(versions.iter().map(|one| one.as_ref().map(release)));
        prop_assert_eq!(found, expected(&effects));
    }

    #[test]
    fn each_deployment_is_classified_as_defined(effects in effects()) {
        let state = fold::<Lane>(&history(&effects).concat());
        let expected: Vec<_> = expected(&effects).into_iter().flatten().collect();
        for (expected, of) in expected.into_iter().zip(1..) {
            prop_assert_eq!(state.classification(number(of)), Some(expected));
        }
    }

    #[test]
    fn a_success_is_classified_when_it_happened_not_when_it_was_told(
        (effects, order) in effects().prop_flat_map(|effects| {
            let places: Vec<_> = (0..effects.len()).collect();
            (Just(effects), Just(places).prop_shuffle())
        }),
    ) {
        let told = history(&effects);
        let (asked, told): (Vec<_>, Vec<_>) = told
            .into_iter()
            .map(|mut events| { let last = events.pop().unwrap(); (events, last) })
            .unzip();
        let told = order.into_iter().map(|place| told[place].clone());
        let history: Vec<_> = asked.into_iter().flatten().chain(told).collect();
        let state = fold::<Lane>(&history);
        let expected: Vec<_> = expected(&effects).into_iter().flatten().collect();
        for (expected, of) in expected.into_iter().zip(1..) {
            prop_assert_eq!(state.classification(number(of)), Some(expected));
        }
    }

    #[test]
    fn what_has_not_succeeded_is_what_it_would_be_if_it_did_now(
        effects in effects(),
        version in 1..=5_u8,
    ) {
        let deployments = effects.iter().flatten().count();
        let next = u32::try_from(deployments).unwrap() + 1;
        let [asked, _] = ran(next, &version.to_string(), "10:00");
        let history = [history(&effects).concat(), vec![asked]].concat();
        let state = fold::<Lane>(&history);
        let expected = naively(&effects, version);
        prop_assert_eq!(state.classification(number(next)), Some(expected));
    }
}
