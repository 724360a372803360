//! Every schema that was ever written, as files that are added and never edited.

use std::{
    borrow::Cow,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use shiplog_domain::{
    environment,
    lane::LaneId,
    projection,
    release::ReleaseId,
    stream::StreamName,
    wire::{Decoded, DomainEvent, EncodedEvent, Schema},
};

/// An event as it stands in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Golden {
    pub(crate) stream: StreamName,
    #[serde(rename = "type")]
    event_type: String,
    schema: u16,
    readable_from: u16,
    ignorable: bool,
    data: Box<RawValue>,
}

impl Golden {
    pub(crate) fn read(path: &Path) -> Self {
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    }

    pub(crate) fn stored(&self) -> EncodedEvent {
        EncodedEvent {
            event_type: Cow::Owned(self.event_type.clone()),
            schema: self.schema,
            readable_from: self.readable_from,
            ignorable: self.ignorable,
            data: self.data.get().as_bytes().to_vec(),
        }
    }

    pub(crate) fn event(&self) -> DomainEvent {
        match DomainEvent::decode(&self.stream, &self.stored()).unwrap() {
            Decoded::Known(event) => event,
            Decoded::Skippable { event_type, schema } => {
                panic!("`{event_type}` of schema {schema} is passed over")
            }
        }
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// The newest schema of each event type.
pub(crate) fn schemas() -> Vec<Schema> {
    DomainEvent::SCHEMAS.concat()
}

#[test]
fn every_golden_event_reads_as_it_always_did() {
    insta::glob!("../golden", "**/*.json", |path| {
        insta::assert_debug_snapshot!(Golden::read(path).event());
    });
}

#[test]
fn every_schema_of_every_event_has_golden_files() {
    let missing: Vec<_> = schemas()
        .iter()
        .flat_map(|known| (1..=known.newest).map(|schema| (known.event_type, schema)))
        .flat_map(|(name, schema)| {
            ["minimal", "full"].map(|case| format!("{name}/v{schema}/{case}.json"))
        })
        .filter(|path| !folder().join(path).is_file())
        .collect();
    assert!(missing.is_empty(), "no golden file for {missing:?}");
}

#[test]
fn every_golden_file_stands_where_its_type_and_schema_say() {
    insta::glob!("../golden", "**/*.json", |path| {
        let golden = Golden::read(path);
        let expected = folder().join(&golden.event_type).join(format!("v{}", golden.schema));
        assert_eq!(path.parent().unwrap(), expected.canonicalize().unwrap());
        assert!(schemas().iter().any(|known| known.event_type == golden.event_type));
    });
}

#[test]
fn an_event_of_the_newest_schema_is_written_as_it_always_was() {
    insta::glob!("../golden", "**/*.json", |path| {
        let golden = Golden::read(path);
        let newest = |known: &Schema| known.event_type == golden.event_type;
        if schemas().into_iter().find(newest).unwrap().newest == golden.schema {
            let (written, recorded) = (golden.event().encode(), golden.stored());
            let json = |data: &[u8]| serde_json::from_slice::<Value>(data).unwrap();
            assert_eq!(json(&written.data), json(&recorded.data), "{}", path.display());
            assert_eq!(EncodedEvent { data: recorded.data.clone(), ..written }, recorded);
        }
    });
}

#[test]
fn the_stream_of_every_golden_event_says_whose_it_is() {
    insta::glob!("../golden", "**/*.json", |path| {
        let Golden { stream, .. } = Golden::read(path);
        let again = LaneId::from_stream(&stream)
            .map(|lane| lane.stream())
            .or_else(|| ReleaseId::from_stream(&stream).map(|release| release.stream()))
            .or_else(|| environment::from_stream(&stream).map(|name| environment::stream(&name)))
            .or_else(|| projection::from_stream(&stream).map(|name| projection::stream(&name)));
        assert_eq!(again, Some(stream));
    });
}
