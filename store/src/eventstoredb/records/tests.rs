use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use eventstore::Position;
use shiplog_domain::{
    metadata::{ActorKind, Via},
    stream::StreamName,
};

use super::*;

/// Frozen: this is in clusters.
const WHOLE: &str = r#"{"$correlationId":"c-1","$causationId":"46d2850a-d735-84e7-8109-1f24d61a1790","schema":2,"readable_from":1,"ignorable":true,"recorded_at":"2023-11-14T22:13:20.123456Z","actor":{"kind":"person","id":"mara","name":"Mära","via":"oidc"},"idempotency_key":"run-1","request_digest":"00112233445566778899aabbccddeeff","source":{"system":"github","reference":"42"},"around":[" ","\n"]}"#;

/// Frozen, too: what need not be said is not.
const SPARSE: &str = r#"{"$correlationId":"c-1","schema":1,"readable_from":1,"ignorable":false,"recorded_at":"2023-11-14T22:13:20.123456Z","actor":{"kind":"service","id":"ci","via":"token"},"idempotency_key":"run-1","request_digest":"00112233445566778899aabbccddeeff"}"#;

const ID: &str = "46d2850a-d735-84e7-8109-1f24d61a1790";

fn recorded_at() -> Timestamp {
    "2023-11-14T22:13:20.123456Z".parse().unwrap()
}

fn whole() -> NewEvent {
    let metadata = Metadata {
        actor: Actor {
            kind: ActorKind::Person,
            id: "mara".into(),
            name: Some("Mära".into()),
            via: Via::Oidc,
        },
        idempotency_key: "run-1".parse().unwrap(),
        request_digest: "00112233445566778899aabbccddeeff".to_owned().try_into().unwrap(),
        correlation_id: CorrelationId("c-1".into()),
        causation_id: Some(EventId(ID.parse().unwrap())),
        source: Some(Source { system: "github".into(), reference: Some("42".into()) }),
    };
    let event = EncodedEvent {
        event_type: "SomethingHappened".into(),
        schema: 2,
        readable_from: 1,
        ignorable: true,
        data: b" {\"a\" : 1.0}\n".to_vec(),
    };
    NewEvent { id: EventId(ID.parse().unwrap()), metadata: Arc::new(metadata), event }
}

fn sparse() -> NewEvent {
    let NewEvent { id, metadata, event } = whole();
    let actor = Actor { kind: ActorKind::Service, id: "ci".into(), name: None, via: Via::Token };
    let metadata = Metadata { actor, causation_id: None, source: None, ..(*metadata).clone() };
    let event = EncodedEvent { schema: 1, ignorable: false, data: b"{}".to_vec(), ..event };
    NewEvent { id, metadata: Arc::new(metadata), event }
}

/// What a server would give for it.
fn record(stream: &str, data: &[u8], metadata: &str) -> RecordedEvent {
    RecordedEvent {
        stream_id: stream.into(),
        id: ID.parse().unwrap(),
        revision: 7,
        event_type: "SomethingHappened".into(),
        data: Bytes::copy_from_slice(data),
        metadata: HashMap::new(),
        custom_metadata: Bytes::copy_from_slice(metadata.as_bytes()),
        is_json: true,
        position: Position { commit: 1_834, prepare: 1_834 },
        created: std::time::SystemTime::UNIX_EPOCH.into(),
    }
}

fn read(record: RecordedEvent) -> Found {
    decode(&Scope::new(""), record)
}

#[test]
fn an_event_is_written_as_the_users_of_a_cluster_expect_it() {
    for (event, metadata) in [(whole(), WHOLE), (sparse(), SPARSE)] {
        let written = encode(&event, recorded_at()).unwrap();
        assert_eq!(String::from_utf8(written.metadata.to_vec()).unwrap(), metadata);
        assert_eq!(written.data, event.event.data.trim_ascii());
        assert_eq!(written.id.unwrap().id(), Some(ID.parse().unwrap()));
        let properties = [("content-type", "application/json"), ("type", "SomethingHappened")];
        let properties = properties.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(written.properties, HashMap::from(properties));
    }
}

#[test]
fn an_event_reads_as_it_was_written() {
    for (event, metadata) in [(whole(), WHOLE), (sparse(), SPARSE)] {
        let json = event.event.data.trim_ascii();
        let Found::Ours(read) = read(record("lane-a@b", json, metadata)) else {
            panic!("it is ours");
        };
        assert_eq!(read.position, GlobalPosition(1_834));
        assert_eq!(read.stream, StreamName::recorded("lane-a@b"));
        assert_eq!(read.version, StreamVersion(7));
        assert_eq!(read.recorded_at, recorded_at());
        assert_eq!(read.id, event.id);
        assert_eq!(read.metadata, *event.metadata);
        assert_eq!(read.event, event.event);
    }
}

#[test]
fn fields_of_the_future_are_passed_over() {
    let metadata = SPARSE.replace("{\"$corr", "{\"new\":[1],\"$corr");
    assert!(matches!(read(record("lane-a@b", b"{}", &metadata)), Found::Ours(_)));
}

/// What is said of what is found there.
fn damage(record: RecordedEvent) -> String {
    let Found::Damage(unreadable) = read(record) else { panic!("it is damage") };
    unreadable.to_string()
}

#[test]
fn what_others_wrote_is_told_apart() {
    for stream in ["order-1", "$ce-lane", "$$order-1"] {
        assert!(matches!(read(record(stream, b"{}", SPARSE)), Found::Foreign));
        assert!(!is_ours(&Scope::new(""), &record(stream, b"{}", SPARSE)));
    }
    for metadata in ["", "{\"$correlationId\":\"c-1\"}", "not json", "[1]"] {
        assert_eq!(
            damage(record("lane-a@b", b"{}", metadata)),
            "event 1834 of `lane-a@b` is damaged: Shiplog did not write the `SomethingHappened` there"
        );
        assert!(!is_ours(&Scope::new(""), &record("lane-a@b", b"{}", metadata)));
    }
    assert!(is_ours(&Scope::new(""), &record("lane-a@b", b"{}", WHOLE)));
}

#[test]
fn settings_that_cut_a_stream_off_are_damage_to_it_and_others_are_not() {
    for (settings, problem) in [
        (r#"{"$tb":9223372036854775807}"#, "somebody has deleted the stream"),
        (r#"{"$tb":3}"#, "its metadata cuts off what is before version `3` (`$tb`)"),
        (r#"{"$maxCount":10}"#, "its metadata keeps the last `10` events alone (`$maxCount`)"),
        (r#"{"$maxAge":60}"#, "its metadata keeps events for `60` seconds (`$maxAge`)"),
    ] {
        let found = damage(record("$$lane-a@b", settings.as_bytes(), ""));
        assert_eq!(found, format!("event 1834 of `lane-a@b` is damaged: {problem}"));
    }
    for settings in [r#"{"$acl":{"$w":"shiplog"}}"#, r#"{"$tb":0}"#, "{}", "not json"] {
        assert!(matches!(read(record("$$lane-a@b", settings.as_bytes(), "")), Found::Foreign));
    }
}

#[test]
fn what_we_cannot_have_written_says_where_it_is() {
    let metadata = SPARSE.replace("\"schema\":1", "\"schema\":-1");
    let found = damage(record("lane-a@b", b"{}", &metadata));
    let expected = "event 1834 of `lane-a@b` is damaged: its metadata: invalid value: integer `-1`";
    assert!(found.starts_with(expected), "{found}");
}

#[test]
fn both_positions_are_one_or_it_was_not_written_by_us() {
    for (commit, prepare) in [(2, 1), (u64::MAX, u64::MAX)] {
        let mut record = record("lane-a@b", b"{}", SPARSE);
        record.position = Position { commit, prepare };
        let problem = format!("it has the commit position `{commit}`, the prepare one `{prepare}`");
        let expected = format!("event {commit} of `lane-a@b` is damaged: {problem}");
        assert_eq!(damage(record), expected);
    }
}
