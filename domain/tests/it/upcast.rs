//! How events of older schemas are lifted, shown by a family that has three.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use shiplog_domain::wire::{
    DecodeError, Decoded, EncodedEvent, Payload, Schema, Upcaster, WireEvent, decode, encode,
};

use crate::compat::Stored;

/// How long a deployment paused: in schema 1 `minutes`, in 2 `seconds`, in 3 `lasted.seconds`.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Paused {
    lasted: Lasted,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Lasted {
    seconds: u64,
}

const PAUSED: Schema =
    Schema { event_type: "DeploymentPaused", newest: 3, readable_from: 3, ignorable: false };
/// Its writer forgot the step from schema 1.
const RESUMED: Schema = Schema { event_type: "DeploymentResumed", newest: 2, ..PAUSED };

impl WireEvent for Paused {
    const SCHEMAS: &'static [Schema] = &[PAUSED, RESUMED];
    const UPCASTERS: &'static [Upcaster] = &[
        Upcaster { event_type: "DeploymentPaused", from: 2, lift: Some(seconds_to_lasted) },
        Upcaster { event_type: "DeploymentPaused", from: 1, lift: Some(minutes_to_seconds) },
    ];

    fn schema(&self) -> Schema {
        PAUSED
    }

    fn data(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap()
    }

    fn read(event_type: &str, payload: Payload<'_>, _strict: bool) -> Result<Self, String> {
        assert_eq!(event_type, PAUSED.event_type);
        let read = match payload {
            Payload::Written(data) => serde_json::from_slice(data),
            Payload::Lifted(data) => serde_json::from_value(Value::Object(data)),
        };
        read.map_err(|error| error.to_string())
    }
}

fn minutes_to_seconds(data: &mut Map<String, Value>) -> Result<(), &'static str> {
    let minutes = data.remove("minutes").ok_or("`minutes` is missing")?;
    let minutes = minutes.as_u64().ok_or("`minutes` is not a number")?;
    data.insert("seconds".into(), (minutes * 60).into());
    Ok(())
}

fn seconds_to_lasted(data: &mut Map<String, Value>) -> Result<(), &'static str> {
    let seconds = data.remove("seconds").ok_or("`seconds` is missing")?;
    data.insert("lasted".into(), json!({ "seconds": seconds }));
    Ok(())
}

fn paused(schema: u16, data: &str) -> Result<Decoded<Paused>, DecodeError> {
    decode(&Stored::new("DeploymentPaused", schema, data).0)
}

#[test]
fn an_older_event_is_lifted_step_by_step() {
    let three_minutes = || Ok(Decoded::Known(Paused { lasted: Lasted { seconds: 180 } }));
    assert_eq!(paused(1, r#"{"minutes":3}"#), three_minutes());
    assert_eq!(paused(2, r#"{"seconds":180}"#), three_minutes());
    assert_eq!(paused(3, r#"{"lasted":{"seconds":180}}"#), three_minutes());
}

#[test]
fn each_schema_takes_only_the_steps_after_it() {
    // As the newest schema would say it: no step may have looked at it twice.
    let text = |read: Result<_, DecodeError>| read.unwrap_err().to_string();
    assert_eq!(
        text(paused(2, r#"{"minutes":3}"#)),
        "`DeploymentPaused` of schema 2 is damaged: `seconds` is missing"
    );
    assert_eq!(
        text(paused(3, r#"{"seconds":180}"#)),
        "`DeploymentPaused` of schema 3 is damaged: missing field `lasted` at line 1 column 15"
    );
}

#[test]
fn a_step_that_fails_is_damage_of_the_schema_that_was_recorded() {
    let problem = "`minutes` is not a number".into();
    let damaged =
        DecodeError::Damaged { event_type: "DeploymentPaused".into(), schema: 1, problem };
    assert_eq!(paused(1, r#"{"minutes":"three"}"#), Err(damaged));
}

#[test]
fn an_older_event_that_is_no_object_is_damage_before_any_step() {
    for data in ["", "[]", "{\"minutes\":3} {}"] {
        assert!(matches!(paused(1, data), Err(DecodeError::Damaged { schema: 1, .. })), "{data}");
    }
}

#[test]
fn a_schema_that_nothing_lifts_is_damage() {
    let error = |event_type, schema| {
        decode::<Paused>(&Stored::new(event_type, schema, "{}").0).unwrap_err().to_string()
    };
    assert_eq!(
        error("DeploymentResumed", 1),
        "`DeploymentResumed` of schema 1 is damaged: nothing lifts schema 1"
    );
    assert_eq!(
        error("DeploymentPaused", 0),
        "`DeploymentPaused` of schema 0 is damaged: nothing lifts schema 0"
    );
}

#[test]
fn an_event_is_written_in_its_newest_schema() {
    let written = encode(&Paused { lasted: Lasted { seconds: 180 } });
    let data = br#"{"lasted":{"seconds":180}}"#.to_vec();
    let event_type = Cow::Borrowed("DeploymentPaused");
    let expected = EncodedEvent { event_type, schema: 3, readable_from: 3, ignorable: false, data };
    assert_eq!(written, expected);
}
