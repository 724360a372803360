//! What a reader makes of events from the future, and of damaged ones.

use std::borrow::Cow;

use shiplog_domain::{
    lane,
    stream::StreamName,
    wire::{DecodeError, Decoded, DomainEvent, EncodedEvent, decode},
};

use crate::samples::succeeded;

/// An event that a reader has to cope with.
pub(crate) struct Stored(pub(crate) EncodedEvent);

impl Stored {
    pub(crate) fn new(event_type: &'static str, schema: u16, data: &str) -> Self {
        Self(EncodedEvent {
            event_type: Cow::Borrowed(event_type),
            schema,
            readable_from: schema,
            ignorable: false,
            data: data.into(),
        })
    }

    fn readable_from(self, readable_from: u16) -> Self {
        Self(EncodedEvent { readable_from, ..self.0 })
    }

    fn ignorable(self) -> Self {
        Self(EncodedEvent { ignorable: true, ..self.0 })
    }

    fn read(&self) -> Result<Decoded<lane::Event>, DecodeError> {
        decode(&self.0)
    }

    /// Why it cannot be read.
    fn refusal(&self) -> String {
        self.read().unwrap_err().to_string()
    }
}

/// A success at 10:05, in whichever schema, with `more` after its fields.
fn success(schema: u16, more: &str) -> Stored {
    let data = format!(r#"{{"number":1,"at":"2026-03-01T10:05:00Z"{more}}}"#);
    Stored::new("DeploymentSucceeded", schema, &data)
}

fn known() -> Decoded<lane::Event> {
    Decoded::Known(succeeded(1, "10:05"))
}

#[test]
fn an_unknown_type_that_may_be_ignored_is_passed_over() {
    let stored = Stored::new("DeploymentAdmired", 3, "{}").ignorable();
    let passed_over = Decoded::Skippable { event_type: "DeploymentAdmired".into(), schema: 3 };
    assert_eq!(stored.read(), Ok(passed_over));
}

#[test]
fn an_unknown_type_that_must_not_be_ignored_asks_for_a_newer_shiplog() {
    let stored = Stored::new("DeploymentReplaced", 1, "{}");
    assert_eq!(
        stored.refusal(),
        "`DeploymentReplaced` is unknown here and must not be passed over: a newer Shiplog is needed"
    );
}

#[test]
fn an_event_of_an_unknown_family_is_an_unknown_type() {
    let Stored(stored) = success(1, "");
    let unknown = DecodeError::Unknown { event_type: "DeploymentSucceeded".into(), needs: None };
    for stream in ["fleet-checkout", "release-checkout@1.4.2", "lane", ""] {
        let stream = StreamName::recorded(stream);
        assert_eq!(DomainEvent::decode(&stream, &stored), Err(unknown.clone()), "{stream}");
    }
    let Stored(stored) = success(1, "").ignorable();
    let passed_over = Decoded::Skippable { event_type: "DeploymentSucceeded".into(), schema: 1 };
    let stream = StreamName::recorded("fleet-checkout");
    assert_eq!(DomainEvent::decode(&stream, &stored), Ok(passed_over));
}

#[test]
fn a_newer_schema_is_read_if_it_says_so_and_what_is_new_in_it_ignored() {
    let stored = success(7, r#","mood":{"of":"the crew"}"#).readable_from(1);
    assert_eq!(stored.read(), Ok(known()));
}

#[test]
fn what_is_new_is_ignored_however_deep_it_stands() {
    let annotated = r#"{"number":1,"at":"2026-03-01T10:05:00Z","text":"see there",
        "links":[{"kind":"ticket","url":"SHOP-7","title":"Orders get lost"}]}"#;
    let requested = r#"{"number":1,"at":"2026-03-01T10:05:00Z",
        "intent":{"kind":"rollback","restores":3,"reverts":[5,4],"mood":"grim"},
        "release":{"version":"1.4.2","artifacts":[{"name":"a","digest":"b","size":1}],
            "changes":[{"kind":"fix","mood":"grim"}],"mood":"grim"}}"#;
    let corrected = r#"{"number":1,"at":"2026-03-01T10:05:00Z","reason":"it was a rollback",
        "correction":{"kind":"intent","mood":"grim","intent":{"kind":"deploy","mood":"grim"}}}"#;
    for (event_type, data) in [
        ("DeploymentAnnotated", annotated),
        ("DeploymentRequested", requested),
        ("DeploymentCorrected", corrected),
    ] {
        let read = Stored::new(event_type, 99, data).readable_from(1).read();
        assert!(matches!(read, Ok(Decoded::Known(_))), "{read:?}");
    }
}

#[test]
fn a_newer_schema_that_would_be_misread_asks_for_a_newer_shiplog() {
    let stored = success(3, "").readable_from(2);
    assert!(matches!(stored.read(), Err(DecodeError::TooNew { found: 3, newest: 1, .. })));
    assert_eq!(
        stored.refusal(),
        "`DeploymentSucceeded` has schema 3, readable from 2 on; this binary knows up to 1: a \
         newer Shiplog is needed"
    );
}

#[test]
fn an_event_that_must_not_be_misread_can_name_the_version_that_it_needs() {
    let data = r#"{"needs_shiplog":"2.1.0","anything":["else"]}"#;
    assert_eq!(
        Stored::new("DeploymentReplaced", 1, data).refusal(),
        "`DeploymentReplaced` is unknown here and must not be passed over: Shiplog `2.1.0` or a \
         newer one is needed"
    );
    assert_eq!(
        Stored::new("DeploymentSucceeded", 3, data).refusal(),
        "`DeploymentSucceeded` has schema 3, readable from 3 on; this binary knows up to 1: Shiplog \
         `2.1.0` or a newer one is needed"
    );
    // What it says otherwise is not believed.
    let odd = Stored::new("DeploymentReplaced", 1, r#"{"needs_shiplog":7}"#).refusal();
    assert!(odd.ends_with("a newer Shiplog is needed"), "{odd}");
}

#[test]
fn a_newer_schema_that_would_be_misread_is_passed_over_if_it_may_be() {
    let stored = success(3, "").readable_from(2).ignorable();
    let passed_over = Decoded::Skippable { event_type: "DeploymentSucceeded".into(), schema: 3 };
    assert_eq!(stored.read(), Ok(passed_over));
}

#[test]
fn a_newer_schema_that_lacks_what_it_promised_is_damaged() {
    let stored = Stored::new("DeploymentSucceeded", 2, r#"{"number":1}"#).readable_from(1);
    assert!(matches!(stored.read(), Err(DecodeError::Damaged { schema: 2, .. })));
}

#[test]
fn a_field_that_nothing_reads_is_damage_and_named() {
    assert_eq!(
        success(1, r#","mood":"grim""#).refusal(),
        "`DeploymentSucceeded` of schema 1 is damaged: nothing reads `mood`"
    );
    let deep = r#"{"number":1,"at":"2026-03-01T10:05:00Z","intent":{"kind":"deploy"},
        "release":{"version":"1.4.2","changes":[{"kind":"fix","mood":"grim"}]}}"#;
    assert_eq!(
        Stored::new("DeploymentRequested", 1, deep).refusal(),
        "`DeploymentRequested` of schema 1 is damaged: nothing reads `release.changes.0.mood`"
    );
    let link = r#"{"number":1,"at":"2026-03-01T10:05:00Z","text":"see there",
        "links":[{"kind":"ticket","url":"SHOP-7","title":"Orders get lost"}]}"#;
    assert_eq!(
        Stored::new("DeploymentAnnotated", 1, link).refusal(),
        "`DeploymentAnnotated` of schema 1 is damaged: nothing reads `links.0.title`"
    );
}

#[test]
fn a_field_that_is_missing_or_of_another_kind_is_damage() {
    for (data, problem) in [
        (r#"{"at":"2026-03-01T10:05:00Z"}"#, "missing field `number`"),
        (r#"{"number":1}"#, "missing field `at`"),
        (r#"{"number":-1,"at":"2026-03-01T10:05:00Z"}"#, "invalid value: integer `-1`"),
        (r#"{"number":4294967296,"at":"2026-03-01T10:05:00Z"}"#, "invalid value"),
        (r#"{"number":1,"at":"10:05"}"#, "failed to parse"),
        (r#"{"number":1,"number":2,"at":"2026-03-01T10:05:00Z"}"#, "duplicate field `number`"),
    ] {
        let refusal = Stored::new("DeploymentSucceeded", 1, data).refusal();
        assert!(refusal.contains(problem), "{data}: {refusal}");
    }
}

#[test]
fn what_is_no_json_object_is_damage() {
    for data in ["", "{", "null", "[]", "\u{0}", "DeploymentSucceeded", "{} {}"] {
        let read = Stored::new("DeploymentSucceeded", 1, data).read();
        assert!(matches!(read, Err(DecodeError::Damaged { .. })), "{data}: {read:?}");
    }
    let Stored(stored) = success(1, "");
    let mut two = stored.clone();
    two.data.extend_from_slice(&stored.data);
    assert!(Stored(two).refusal().contains("trailing characters"));
    let broken = EncodedEvent { data: b"{\"number\":1,\"at\":\"\xff\"}".to_vec(), ..stored };
    assert!(matches!(Stored(broken).read(), Err(DecodeError::Damaged { .. })));
}

#[test]
fn a_name_that_is_none_is_damage() {
    let data = r#"{"number":1,"at":"2026-03-01T10:05:00Z","target":""}"#;
    let refusal = Stored::new("TargetStarted", 1, data).refusal();
    assert!(refusal.contains("the target's name is empty"), "{refusal}");
}
