//! What every refusal says, to people and to programs.

use std::{collections::BTreeSet, iter};

use shiplog_domain::{
    decider::Coded,
    environment,
    lane::{self, Status},
    metadata::ActorKind,
    release,
};

use crate::samples::{at, number};

/// One of each, and of `Unknown` both; a new refusal stops the compiler here.
fn of_a_lane() -> impl Iterator<Item = lane::Refusal> {
    use lane::Refusal;
    let (version, number) = ("1.4.2".parse().unwrap(), number(42));
    let first = Refusal::Unknown { number, last: Some(self::number(41)) };
    iter::successors(Some(first), move |earlier| {
        Some(match earlier {
            Refusal::Unknown { last: Some(_), .. } => Refusal::Unknown { number, last: None },
            Refusal::Unknown { last: None, .. } => Refusal::Void { number },
            Refusal::Void { .. } => {
                Refusal::AlreadyRuns { number, version: Clone::clone(&version) }
            }
            Refusal::AlreadyRuns { .. } => Refusal::NothingRuns,
            Refusal::NothingRuns => Refusal::NothingBefore { number },
            Refusal::NothingBefore { .. } => Refusal::NothingSound {
                contenders: vec![lane::Contender {
                    number,
                    version: Clone::clone(&version),
                    against: vec!["taken back by #43: it loses orders".into()],
                }],
            },
            Refusal::NothingSound { .. } => {
                Refusal::NeverSucceeded { number, status: Status::Failed }
            }
            Refusal::NeverSucceeded { .. } => Refusal::NeverRan { version: Clone::clone(&version) },
            Refusal::NeverRan { .. } => Refusal::NothingToRetry,
            Refusal::NothingToRetry => Refusal::AlreadyEnded { number, status: Status::Cancelled },
            Refusal::AlreadyEnded { .. } => Refusal::StillOpen { number, status: Status::Started },
            Refusal::StillOpen { .. } => {
                Refusal::AlreadyStarted { number, executor: Some("agent-1".into()) }
            }
            Refusal::AlreadyStarted { .. } => Refusal::NotApproved { number, missing: 1 },
            Refusal::NotApproved { .. } => Refusal::SelfApproval { number, by: "ada".into() },
            Refusal::SelfApproval { .. } => {
                Refusal::NotAPerson { number, by: "ci".into(), kind: ActorKind::Service }
            }
            Refusal::NotAPerson { .. } => {
                Refusal::Frozen { reason: "an audit".into(), until: Some(at("12:00")) }
            }
            Refusal::Frozen { .. } => Refusal::InProgress { number, status: Status::Requested },
            Refusal::InProgress { .. } => Refusal::Blocked {
                version: Clone::clone(&version),
                reason: "it loses orders".into(),
            },
            Refusal::Blocked { .. } => Refusal::OtherContent {
                version: Clone::clone(&version),
                differs: "commit `3f2c9ab`, not `b19d3e0`".into(),
            },
            Refusal::OtherContent { .. } => Refusal::Full,
            Refusal::Full => return None,
        })
    })
}

fn of_a_release() -> release::Refusal {
    let refusal = release::Refusal::Differs { version: "1.4.2".into() };
    match refusal {
        release::Refusal::Differs { .. } => refusal,
    }
}

fn of_an_environment() -> environment::Refusal {
    let refusal = environment::Refusal::EndsBeforeStart { at: at("10:00"), until: at("09:59") };
    match refusal {
        environment::Refusal::EndsBeforeStart { .. } => refusal,
    }
}

fn said<R: Coded + std::error::Error>(refusal: &R) -> (&'static str, String) {
    (refusal.code(), refusal.to_string())
}

fn all() -> Vec<(&'static str, String)> {
    let others = [said(&of_a_release()), said(&of_an_environment())];
    of_a_lane().map(|refusal| said(&refusal)).chain(others).collect()
}

#[test]
fn every_refusal_says_what_it_always_said() {
    let said = all().into_iter().map(|(code, text)| format!("{code}: {text}\n"));
    insta::assert_snapshot!(said.collect::<String>());
}

#[test]
fn a_code_is_kebab_case_and_stands_for_one_refusal() {
    let codes: Vec<_> = all().into_iter().map(|(code, _)| code).collect();
    let kebab = |code: &&str| code.chars().all(|one| one.is_ascii_lowercase() || one == '-');
    assert!(codes.iter().all(kebab), "{codes:?}");
    // `Unknown` is there twice.
    assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len() - 1);
}

#[test]
fn a_refusal_is_lower_case_without_a_full_stop() {
    for (_, text) in all() {
        assert!(text.starts_with(|first: char| first.is_lowercase()), "{text}");
        assert!(!text.ends_with('.'), "{text}");
    }
}
