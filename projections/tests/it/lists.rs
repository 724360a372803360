//! Lists: what is in them, in which order, and that pages neither skip nor repeat.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::{collection::vec, prelude::*};
use shiplog_domain::lane::{
    Asked, Classification, Command, Correction, DeploymentNumber, Happened, Intent, Outcome,
    Report, RollbackTo, Status,
};
use shiplog_projections::{
    history::{self, Comparison, Condition, Entry, Fact, Filter, History},
    page::{Order, Page},
    rollbacks::{self, Rollbacks},
    runner::Runner,
};

use crate::support::{World, ask, lane, release, report, request, stated};

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

/// A deployment in few words: `(service, number)`.
fn name(entry: &Entry) -> (String, u32) {
    (entry.lane.service.to_string(), entry.deployment.number().0)
}

/// All pages of a list, one after the other.
fn walk(model: &Runner<History>, filter: &Filter, order: Order, limit: usize) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut after = None;
    loop {
        let page = Page { order, after, ..Page::first(limit) };
        let listed = model.look(|view| history::list(view, filter, &page)).unwrap();
        assert!(listed.items.len() <= limit);
        entries.extend(listed.items);
        after = listed.next;
        if after.is_none() {
            return entries;
        }
    }
}

#[derive(Clone, Debug)]
struct Told {
    service: &'static str,
    at: i64,
    version: &'static str,
    outcome: Outcome,
    label: Option<&'static str>,
    reason: &'static str,
    /// What was told then of the first deployment of the service.
    then: Option<Then>,
}

#[derive(Clone, Copy, Debug)]
enum Then {
    Failed,
    Succeeded,
    Void,
}

impl Then {
    fn happened(self) -> Happened {
        match self {
            Self::Failed => Happened::Failed {
                error: Some("connection reset".into()),
                failed_step: None,
                log_url: None,
            },
            Self::Succeeded => Happened::Succeeded,
            Self::Void => Happened::Correct { correction: Correction::Void, reason: "no".into() },
        }
    }
}

fn told() -> impl Strategy<Value = Told> {
    let outcome = prop_oneof![
        3 => Just(Outcome::Succeeded),
        1 => Just(Outcome::Failed { error: Some("connection reset".into()) }),
        1 => Just(Outcome::Started),
    ];
    let service = prop::sample::select(vec!["checkout", "search", "alphagov/frontend"]);
    let version = prop::sample::select(vec!["1.0", "1.1", "2.0"]);
    let label = prop::option::of(prop::sample::select(vec!["red", "blue"]));
    let reason = prop::sample::select(vec!["nightly train", "hot fix", "fix the train"]);
    let then = prop::sample::select(vec![Then::Failed, Then::Succeeded, Then::Void]);
    let then = prop::option::weighted(0.2, then);
    (service, 0_i64..30, version, outcome, label, reason, then).prop_map(
        |(service, at, version, outcome, label, reason, then)| Told {
            service,
            at,
            version,
            outcome,
            label,
            reason,
            then,
        },
    )
}

impl Told {
    fn command(&self) -> Command {
        let mut request = request(self.at, Asked::Unknown(release(self.version)));
        request.reason = Some(self.reason.into());
        request.labels.extend(self.label.map(|label| ("team".to_owned(), label.to_owned())));
        Command::Report(Report { request, outcome: self.outcome.clone() })
    }
}

fn fact() -> impl Strategy<Value = Fact> {
    let service = prop::sample::select(vec!["checkout", "search", "none"]);
    let version = prop::sample::select(vec!["1.0", "1.1", "9"]);
    let classification = prop::sample::select(vec![
        Classification::New,
        Classification::Rollback,
        Classification::Reapply,
        Classification::Restore,
    ]);
    let label = prop::sample::select(vec![
        ("team", Some("red")),
        ("team", Some("blue")),
        ("team", Some("green")),
        ("team", None),
        ("tier", None),
    ]);
    let second = |second| Timestamp::from_second(second).unwrap();
    let comparison = prop::sample::select(vec![
        Comparison::Above,
        Comparison::AtLeast,
        Comparison::Below,
        Comparison::AtMost,
    ]);
    let said = vec![("train", false), ("hot fix", false), ("tra", true), ("reset", false)];
    let said = prop::sample::select([said, vec![("1.1", false), ("nowhere", false)]].concat());
    prop_oneof![
        2 => service.prop_map(|name| Fact::Service(name.parse().unwrap())),
        2 => version.prop_map(|version| Fact::Version(version.parse().unwrap())),
        2 => prop::sample::select(Status::ALL.to_vec()).prop_map(Fact::Status),
        1 => prop::sample::select(history::INTENTS.to_vec()).prop_map(Fact::Intent),
        1 => classification.prop_map(Fact::Classification),
        1 => prop::sample::select(vec![
            Fact::Declared, Fact::Inferred, Fact::Void, Fact::Contradicted,
        ]),
        2 => label.prop_map(|(name, value)| Fact::Label(name.into(), value.map(Into::into))),
        1 => (0_i64..30).prop_map(move |at| Fact::Since(second(at))),
        1 => (0_i64..30).prop_map(move |at| Fact::Until(second(at))),
        1 => (comparison, 0_i64..3).prop_map(|(comparison, s)| Fact::Took(comparison, s * 1_000)),
        2 => said.prop_map(|(text, begins)| Fact::Said { text: text.into(), begins }),
    ]
}

fn filter() -> impl Strategy<Value = Filter> {
    let condition = (vec(fact(), 1..5), prop::bool::weighted(0.3))
        .prop_map(|(any, negated)| Condition { any, negated });
    prop_oneof![
        vec(fact(), 0..4).prop_map(Filter::from_iter),
        vec(condition, 0..4).prop_map(Filter),
    ]
}

/// The filter, told the slow way.
fn matches(filter: &Filter, entry: &Entry) -> bool {
    let holds = |condition: &Condition| {
        condition.any.iter().any(|fact| is_so(fact, entry)) != condition.negated
    };
    filter.0.iter().all(holds)
}

fn is_so(fact: &Fact, entry: &Entry) -> bool {
    let deployment = &entry.deployment;
    let requested = &deployment.requested;
    let is_declared = matches!(deployment.intent(), Intent::Rollback { .. });
    match fact {
        Fact::Service(service) => *service == entry.lane.service,
        Fact::Environment(environment) => *environment == entry.lane.environment,
        Fact::Actor(id) => *id == entry.actor.id,
        Fact::Version(version) => *version == requested.release.version,
        Fact::Commit(prefix) => {
            requested.release.commit.as_ref().is_some_and(|commit| commit.starts_with(prefix))
        }
        Fact::Artifact(text) => {
            let mut artifacts = requested.release.artifacts.iter();
            artifacts.any(|artifact| artifact.name == *text || artifact.digest == *text)
        }
        Fact::Status(status) => *status == deployment.status(),
        Fact::Intent(intent) => match deployment.intent() {
            Intent::Deploy => *intent == "deploy",
            Intent::Rollback { .. } => *intent == "rollback",
            Intent::RollForward { .. } => *intent == "roll_forward",
            Intent::Retry { .. } => *intent == "retry",
            Intent::Unknown => *intent == "unknown",
        },
        Fact::Classification(classification) => *classification == entry.classification,
        Fact::Declared => is_declared && !deployment.is_void(),
        Fact::Inferred => {
            !is_declared
                && deployment.took_effect().is_some()
                && entry.classification == Classification::Rollback
        }
        Fact::Void => deployment.is_void(),
        Fact::TakenBack => entry.taken_back.is_some(),
        Fact::Contradicted => deployment.is_contradicted(),
        Fact::Label(name, value) => requested
            .labels
            .get(name)
            .is_some_and(|has| value.as_ref().is_none_or(|value| value == has)),
        Fact::Since(at) => requested.at >= *at,
        Fact::Until(at) => requested.at < *at,
        Fact::Took(comparison, ms) => {
            deployment.duration_ms().is_some_and(|took| match comparison {
                Comparison::Above => took > *ms,
                Comparison::AtLeast => took >= *ms,
                Comparison::Below => took < *ms,
                Comparison::AtMost => took <= *ms,
            })
        }
        Fact::Said { text, .. } => {
            let reason = requested.reason.as_deref().unwrap_or_default();
            match text.as_str() {
                "train" | "tra" | "hot fix" => reason.contains(text),
                "reset" => deployment.failure.is_some(),
                _ => requested.release.version.as_str() == text,
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 96, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn a_filtered_list_holds_what_matches_in_order_whatever_the_page_size(
        told in vec(told(), 0..40),
        filters in vec(filter(), 12),
        limit in 1_usize..9,
    ) {
        run(async {
            let world = World::new();
            for one in &told {
                world.tell(&lane(one.service), one.command()).await;
                if let Some(after) = one.then {
                    let number = DeploymentNumber(1);
                    let command = Command::Deployment {
                        number,
                        when: stated(one.at + 2),
                        happened: after.happened(),
                    };
                    world.tell(&lane(one.service), command).await;
                }
            }
            let model = world.fold(History).await;
            let all = walk(&model, &Filter::default(), Order::Oldest, 1_000);
            prop_assert_eq!(all.len(), told.len());
            let mut numbers = BTreeMap::<_, u32>::new();
            let mut in_order: Vec<_> = told.iter().map(|one| {
                let number = numbers.entry(one.service).or_default();
                *number += 1;
                (one.at, (one.service.to_owned(), *number))
            }).collect();
            // A stable sort: what was requested in the same second stays in the order of records.
            in_order.sort_by_key(|(at, _)| *at);
            let in_order: Vec<_> = in_order.into_iter().map(|(_, name)| name).collect();
            prop_assert_eq!(all.iter().map(name).collect::<Vec<_>>(), in_order);
            for filter in &filters {
                let wanted = all.iter().filter(|entry| matches(filter, entry));
                let mut wanted: Vec<_> = wanted.map(name).collect();
                let found = |order| -> Vec<_> {
                    walk(&model, filter, order, limit).iter().map(name).collect()
                };
                prop_assert_eq!(found(Order::Oldest), wanted.clone(), "{:?}", filter);
                wanted.reverse();
                prop_assert_eq!(found(Order::Newest), wanted, "{:?}", filter);
            }
            Ok(())
        })?;
    }
}

#[test]
fn a_page_goes_on_where_the_last_one_ended_while_others_are_added() {
    run(async {
        let world = World::new();
        for at in 0..10 {
            world.tell(&lane("checkout"), report(at, "1", Outcome::Succeeded)).await;
        }
        let mut model = world.fold(History).await;
        let filter = Filter::default();
        let list = |model: &Runner<History>, page: Page| {
            model.look(|view| history::list(view, &filter, &page)).unwrap()
        };
        let first = list(&model, Page::first(4));
        // One comes before what was seen, one among it, one in what is still to be seen.
        for at in [20, 8, 2] {
            world.tell(&lane("search"), report(at, "1", Outcome::Succeeded)).await;
        }
        model.catch_up_to(&*world.log, None).await.unwrap();
        let second = list(&model, Page { after: first.next, ..Page::first(100) });
        let names: Vec<_> = first.items.iter().chain(&second.items).map(name).collect();
        let checkout = (1..=10).rev().map(|number| ("checkout".to_owned(), number));
        let mut expected: Vec<_> = checkout.collect();
        expected.insert(7, ("search".into(), 3));
        assert_eq!(names, expected);
    });
}

#[test]
fn the_audit_tells_declared_and_inferred_rollbacks_with_what_they_reached() {
    run(async {
        let world = World::new();
        let lane = lane("checkout");
        for (at, version) in [(10, "1"), (20, "2"), (30, "3"), (40, "1")] {
            world.tell(&lane, report(at, version, Outcome::Succeeded)).await;
        }
        world.tell(&lane, report(50, "4", Outcome::Succeeded)).await;
        let mut asked = request(
            60,
            Asked::Rollback { to: RollbackTo::Version("2".parse().unwrap()), release: None },
        );
        asked.reason = Some("4 loses Orders".into());
        world.tell(&lane, ask(asked)).await;
        let number = DeploymentNumber(6);
        let happened = Happened::Succeeded;
        world.tell(&lane, Command::Deployment { number, when: stated(70), happened }).await;
        world.tell(&lane, report(80, "4", Outcome::Succeeded)).await;

        let model = world.fold(Rollbacks).await;
        let page = Page { order: Order::Oldest, ..Page::first(10) };
        let list = |filter: &rollbacks::Filter| {
            model.look(|view| rollbacks::list(view, filter, &page)).unwrap().items
        };
        let [inferred, declared] = list(&rollbacks::Filter::default()).try_into().unwrap();
        let places = |places: &[history::Place]| {
            places
                .iter()
                .map(|place| (place.number.0, place.version.to_string()))
                .collect::<BTreeMap<_, _>>()
        };
        let place = |number, version: &str| Some((number, version.to_owned()));
        let told = |one: &Option<history::Place>| {
            one.as_ref().map(|place| (place.number.0, place.version.to_string()))
        };
        assert!(!inferred.declared);
        assert_eq!((told(&inferred.from), told(&inferred.to)), (place(3, "3"), place(1, "1")));
        assert_eq!(places(&inferred.reverts), [(3, "3".into()), (2, "2".into())].into());
        assert_eq!(inferred.ran_for_ms, Some(10_000));
        assert!(declared.declared);
        assert_eq!((told(&declared.from), told(&declared.to)), (place(5, "4"), place(2, "2")));
        assert_eq!(declared.ran_for_ms, Some(20_000));
        let again = declared.afterwards.unwrap().deployed_again.unwrap();
        assert_eq!(told(&Some(again.0)), place(7, "4"));

        let by_reason = rollbacks::Filter { q: Some("orders".into()), ..Default::default() };
        assert_eq!(list(&by_reason).len(), 1);
        let undeclared = rollbacks::Filter { declared: Some(false), ..Default::default() };
        assert_eq!(
            list(&undeclared)[0].entry.deployment.number(),
            inferred.entry.deployment.number()
        );
    });
}
