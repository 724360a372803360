use proptest::{collection::vec, prelude::*};
use shiplog_domain::lane::Cause;

use super::*;

fn facts(told: &[(i64, Kind, u32, Option<&str>)]) -> Vec<Fact> {
    let fact =
        |(index, &(at, kind, number, target)): (usize, &(i64, Kind, u32, Option<&str>))| Fact {
            at,
            position: index as u64,
            kind,
            number: (number > 0).then_some(number),
            target: target.map(Into::into),
            version: index as u64,
        };
    told.iter().enumerate().map(fact).collect()
}

fn untargeted(told: &[(i64, Kind, u32)]) -> Vec<Fact> {
    facts(&told.iter().map(|(at, kind, number)| (*at, *kind, *number, None)).collect::<Vec<_>>())
}

/// Odd numbers put one thing there, even ones another.
#[expect(clippy::unnecessary_wraps, reason = "it stands where tables are asked")]
fn alike(one: u32, other: u32) -> rusqlite::Result<bool> {
    Ok(one % 2 == other % 2)
}

#[expect(clippy::unnecessary_wraps, reason = "it stands where tables are asked")]
fn each_differs(one: u32, other: u32) -> rusqlite::Result<bool> {
    Ok(one == other)
}

#[test]
fn a_success_that_turns_out_a_failure_gives_way_to_the_one_before() {
    use Kind::{Failed, Requested, Succeeded};
    let told = untargeted(&[
        (1, Requested, 1),
        (2, Succeeded, 1),
        (3, Requested, 2),
        (4, Succeeded, 2),
        (5, Failed, 2),
    ]);
    let (standings, tail) = fold(&told, &each_differs).unwrap();
    assert_eq!(standings[3].running, Some((2, 4)));
    assert_eq!(tail.running, Some((1, 2)));
    assert_eq!(tail.doubt.map(|doubt| doubt.cause.0), Some(Cause::Failed));
}

#[test]
fn what_was_voided_never_was() {
    use Kind::{Requested, Succeeded, Voided};
    let told = untargeted(&[(1, Requested, 1), (2, Succeeded, 1), (9, Voided, 1)]);
    let (standings, _) = fold(&told, &each_differs).unwrap();
    assert_eq!(standings[1].running, None);
}

#[test]
fn what_is_put_there_again_has_run_since_it_was_there_first() {
    use Kind::{Removed, Requested, Succeeded, Voided};
    let mut told = Vec::new();
    for (number, at) in [(2, 1), (1, 4), (3, 5), (5, 6)] {
        told.extend([(at, Requested, number), (at, Succeeded, number)]);
    }
    let (_, tail) = fold(&untargeted(&told), &alike).unwrap();
    assert_eq!(tail.running, Some((5, 4)));
    let voided = [told.clone(), vec![(9, Voided, 1)]].concat();
    let (_, tail) = fold(&untargeted(&voided), &alike).unwrap();
    assert_eq!(tail.running, Some((5, 5)));
    told.extend([(7, Removed, 0), (8, Requested, 7), (8, Succeeded, 7)]);
    let (_, tail) = fold(&untargeted(&told), &alike).unwrap();
    assert_eq!(tail.running, Some((7, 8)));
}

/// Facts of up to six deployments with two targets, in order of time.
fn any_facts() -> impl Strategy<Value = Vec<Fact>> {
    use Kind::{
        Dropped, Failed, Requested, Started, Succeeded, TargetFailed, TargetStarted,
        TargetSucceeded, Voided,
    };
    let kind = prop_oneof![
        4 => Just(Requested),
        3 => Just(Started),
        4 => Just(Succeeded),
        2 => Just(Failed),
        1 => Just(Dropped),
        1 => Just(Kind::Removed),
        1 => Just(Voided),
        1 => Just(TargetStarted),
        2 => Just(TargetSucceeded),
        2 => Just(TargetFailed),
    ];
    vec((kind, 1..=6_u32, any::<bool>()), 0..40).prop_map(|told| {
        let mut asked = [false; 7];
        let mut facts = Vec::new();
        for (kind, number, first) in told {
            let is_asked = std::mem::replace(&mut asked[number as usize], true);
            let kind = if is_asked { kind } else { Requested };
            if is_asked && kind == Requested {
                continue;
            }
            let target = matches!(kind, TargetStarted | TargetSucceeded | TargetFailed)
                .then(|| if first { "eu" } else { "us" }.into());
            let place = facts.len();
            facts.push(Fact {
                at: i64::try_from(place).unwrap(),
                position: place as u64,
                kind,
                number: (kind != Kind::Removed).then_some(number),
                target,
                version: place as u64,
            });
        }
        facts
    })
}

proptest! {
    #[test]
    fn going_on_from_the_tail_is_the_same_as_folding_it_all(facts in any_facts()) {
        let mut tail = Tail::default();
        for (place, fact) in facts.iter().enumerate() {
            let known = &facts[..=place];
            let (standings, whole) = fold(known, &alike).unwrap();
            let went_on = tail.step(fact, &alike).unwrap();
            if !went_on {
                tail = whole;
            }
            prop_assert_eq!(tail.standing(), *standings.last().unwrap(), "after {:?}", fact);
        }
    }
}
