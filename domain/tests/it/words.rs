//! What things are called: words on the wire, streams, tiers.

use std::{collections::BTreeSet, fmt::Debug};

use serde::{Serialize, de::DeserializeOwned};
use shiplog_domain::{
    environment::{self, Tier},
    lane::{Classification, LaneId, Status},
    release::ReleaseId,
    stream::StreamName,
    wire::DomainEvent,
};

fn is_written_as<T: Serialize + DeserializeOwned + Debug + PartialEq>(value: &T, word: &str) {
    let json = format!("\"{word}\"");
    assert_eq!(serde_json::to_string(value).unwrap(), json);
    assert_eq!(&serde_json::from_str::<T>(&json).unwrap(), value);
}

#[test]
fn a_word_is_the_same_in_json_and_elsewhere() {
    use Classification::{New, Reapply, Restore, Rollback};
    use Tier::{Development, Other, Production, Staging, Testing};
    for status in Status::ALL {
        is_written_as(&status, status.as_str());
    }
    for classification in [New, Rollback, Reapply, Restore] {
        is_written_as(&classification, classification.as_str());
    }
    for tier in [Production, Staging, Testing, Development, Other] {
        is_written_as(&tier, tier.as_str());
    }
}

#[test]
fn an_environment_that_nobody_declared_is_what_its_name_suggests() {
    for (tier, names) in [
        (Tier::Production, ["production", "PRD-eu", "Live"].as_slice()),
        (Tier::Staging, &["staging", "stg", "pre-production", "non-prod", "demo"]),
        (Tier::Testing, &["test", "qa-2", "integration", "production-test", "acceptance"]),
        (Tier::Development, &["dev", "review/feature-x", "trunk", "prod-dev"]),
        (Tier::Other, &["eu-west", "блог", "1"]),
    ] {
        for name in names {
            assert_eq!(Tier::guess(&name.parse().unwrap()), tier, "{name}");
        }
    }
}

#[test]
fn a_stream_is_named_after_what_it_is_of() {
    let release =
        ReleaseId { service: "a@b/c".parse().unwrap(), version: "1%2 ü".parse().unwrap() };
    assert_eq!(release.stream().as_str(), "release-a%40b/c@1%252 %C3%BC");
    let environment = "review/feature-x".parse().unwrap();
    assert_eq!(environment::stream(&environment).as_str(), "environment-review/feature-x");
}

#[test]
fn a_stream_that_no_name_leads_to_is_nobodys() {
    let long = format!("environment-{}", "x".repeat(201));
    for name in [
        "",
        "lane",
        "lane-",
        "lane-@",
        "lane-a@",
        "lane-a@%07",
        "lane-%FF@b",
        "environment-",
        &long,
    ] {
        let stream = StreamName::recorded(name);
        assert_eq!(LaneId::from_stream(&stream), None, "{name}");
        assert_eq!(ReleaseId::from_stream(&stream), None, "{name}");
        assert_eq!(environment::from_stream(&stream), None, "{name}");
    }
}

#[test]
fn every_event_has_a_name_of_its_own_and_can_be_read_by_its_writer() {
    let schemas = DomainEvent::SCHEMAS.concat();
    let names: BTreeSet<_> = schemas.iter().map(|known| known.event_type).collect();
    assert_eq!(names.len(), schemas.len());
    for known in schemas {
        assert!((1..=known.newest).contains(&known.readable_from), "{}", known.event_type);
    }
}
