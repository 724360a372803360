//! What readers of each schema see of events of every other, by the descriptions that were frozen.

use serde_json::{Map, Value};
use shiplog_domain::wire::{Decoded, DomainEvent, EncodedEvent, Schema};

use crate::{
    frozen::Fields,
    golden::{Golden, schemas},
};

fn object(data: &[u8]) -> Map<String, Value> {
    serde_json::from_slice(data).unwrap()
}

/// That everybody who may read this event, as it is written now, gets a true picture of it.
///
/// A reader of an older schema finds all that it cannot do without, each of its kind; and what it
/// sees is what this code reads if somebody had written just that, in that schema.
pub(crate) fn everybody_reads(event: &DomainEvent, decode: impl Fn(&EncodedEvent) -> DomainEvent) {
    let written = event.encode();
    let whole = object(&written.data);
    for schema in written.readable_from..=written.schema {
        let fields = Fields::of(&written.event_type, schema);
        let seen = fields.seen(&whole).unwrap_or_else(|error| panic!("{written:?}: {error}"));
        if schema == written.schema {
            assert_eq!(seen, whole, "the newest schema is described in part only");
        }
        let data = serde_json::to_vec(&seen).unwrap();
        let older = EncodedEvent { schema, data, ..written.clone() };
        assert_eq!(object(&decode(&older).encode().data), seen, "something is made up");
    }
}

#[test]
fn every_golden_event_is_as_its_schema_is_described() {
    insta::glob!("../golden", "**/*.json", |path| {
        let golden = Golden::read(path);
        let stored = golden.stored();
        let whole = object(&stored.data);
        let seen = Fields::of(&stored.event_type, stored.schema).seen(&whole);
        assert_eq!(seen, Ok(whole), "{}", path.display());
    });
}

#[test]
fn every_golden_event_written_anew_is_read_by_whoever_may_read_it() {
    insta::glob!("../golden", "**/*.json", |path| {
        let golden = Golden::read(path);
        everybody_reads(&golden.event(), |older| {
            match DomainEvent::decode(&golden.stream, older).unwrap() {
                Decoded::Known(event) => event,
                passed @ Decoded::Skippable { .. } => panic!("{passed:?}"),
            }
        });
    });
}

#[test]
fn every_schema_that_was_ever_written_is_described() {
    for Schema { event_type, newest, .. } in schemas() {
        for schema in 1..=newest {
            // It panics where one is missing.
            Fields::of(event_type, schema);
        }
    }
}

#[test]
fn a_reader_that_lacks_what_it_needs_or_finds_another_kind_is_told_of() {
    let fields = Fields::of("DeploymentRequested", 1);
    let seen = |data: Value| fields.seen(data.as_object().unwrap());
    let event = |release: Value| {
        serde_json::json!({"at": "2026-03-01T10:05:00Z", "number": 1,
            "intent": {"kind": "deploy"}, "release": release})
    };
    let plain = event(serde_json::json!({"version": "1"}));
    assert_eq!(seen(plain.clone()), Ok(plain.as_object().unwrap().clone()));
    let text = event(serde_json::json!({"version": "1", "artifacts": ["sha256:9f"]}));
    assert!(seen(text).unwrap_err().contains("it is text and not object"));
    assert_eq!(seen(event(serde_json::json!({}))), Err("release: `version` is missing".into()));
}
