//! Lists: what is in them, in which order, and that pages neither skip nor repeat.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::{collection::vec, prelude::*};
use shiplog_domain::lane::{
    Asked, Command, DeploymentNumber, Happened, Outcome, Report, RollbackTo, Status,
};
use shiplog_projections::{
    history::{self, Entry, Filter, History},
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
        let page = Page { limit, order, after };
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
    (service, 0_i64..30, version, outcome, label, reason).prop_map(
        |(service, at, version, outcome, label, reason)| Told {
            service,
            at,
            version,
            outcome,
            label,
            reason,
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

fn filter() -> impl Strategy<Value = Filter> {
    let service = prop::option::of(prop::sample::select(vec!["checkout", "search", "none"]));
    let version = prop::option::weighted(0.3, prop::sample::select(vec!["1.0", "1.1"]));
    let status = prop::option::weighted(0.3, prop::sample::select(Status::ALL.to_vec()));
    let label = prop::option::weighted(0.3, prop::sample::select(vec!["red", "green"]));
    let words = vec!["train", "\"hot fix\"", "fix -hot", "tra*", "reset", "1.1", "nowhere"];
    let q = prop::option::weighted(0.4, prop::sample::select(words));
    let times = (prop::option::weighted(0.3, 0_i64..30), prop::option::weighted(0.3, 0_i64..30));
    (service, version, status, label, q, times).prop_map(
        |(service, version, status, label, q, (since, until))| Filter {
            service: service.map(|text| text.parse().unwrap()),
            version: version.map(|text| text.parse().unwrap()),
            status,
            labels: label.map(|label| ("team".into(), label.into())).into_iter().collect(),
            since: since.map(|second| Timestamp::from_second(second).unwrap()),
            until: until.map(|second| Timestamp::from_second(second).unwrap()),
            q: q.map(Into::into),
            ..Filter::default()
        },
    )
}

/// The filter, told the slow way.
fn matches(filter: &Filter, entry: &Entry) -> bool {
    let requested = &entry.deployment.requested;
    let reason = requested.reason.as_deref().unwrap_or_default();
    let version = requested.release.version.as_str();
    let error = entry.deployment.failure.is_some();
    let found = match filter.q.as_deref() {
        None => true,
        Some("train" | "tra*") => reason.contains("train"),
        Some("\"hot fix\"") => reason.contains("hot fix"),
        Some("fix -hot") => reason.contains("fix") && !reason.contains("hot"),
        Some("reset") => error,
        Some("1.1") => version == "1.1",
        Some(_) => false,
    };
    let labelled = |(name, value): &(String, String)| requested.labels.get(name) == Some(value);
    found
        && filter.service.as_ref().is_none_or(|service| *service == entry.lane.service)
        && filter.version.as_ref().is_none_or(|one| *one == requested.release.version)
        && filter.status.is_none_or(|status| status == entry.deployment.status())
        && filter.labels.iter().all(labelled)
        && filter.since.is_none_or(|since| requested.at >= since)
        && filter.until.is_none_or(|until| requested.at < until)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 96, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn a_filtered_list_holds_what_matches_in_order_whatever_the_page_size(
        told in vec(told(), 0..40),
        filters in vec(filter(), 6),
        limit in 1_usize..9,
    ) {
        run(async {
            let world = World::new();
            for one in &told {
                world.tell(&lane(one.service), one.command()).await;
            }
            let model = world.fold(History).await;
            let all = walk(&model, &Filter::default(), Order::Oldest, 1_000);
            prop_assert_eq!(all.len(), told.len());
            let key = |entry: &Entry| (entry.deployment.requested.at, entry.position);
            prop_assert!(all.windows(2).all(|pair| key(&pair[0]) < key(&pair[1])));
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
