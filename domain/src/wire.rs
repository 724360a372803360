//! Events as the log keeps them: a type, a schema number and JSON.
//!
//! New code reads every old event by lifting it, one schema at a time, to the
//! newest; old code reads what it knows of new ones (`readable_from`) and passes
//! over what it may (`ignorable`).

mod compat;
mod schemas;

use std::{borrow::Cow, fmt::Debug};

use serde_json::{Map, Value};

pub use self::compat::DecodeError;
use crate::{environment, lane, projection, release, stream::StreamName};

/// An event as JSON, with what a reader must know before it reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedEvent {
    /// In the past tense: `DeploymentSucceeded`.
    pub event_type: Cow<'static, str>,
    /// Which shape `data` has, from 1.
    pub schema: u16,
    /// The oldest schema whose readers get a true picture of `data`.
    pub readable_from: u16,
    /// Whether a reader that does not know the type may pass over it.
    pub ignorable: bool,
    /// UTF-8 JSON, an object, exactly as written.
    pub data: Vec<u8>,
}

/// What the newest schema of an event type is, and what it promises to old readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schema {
    /// The name on the wire.
    pub event_type: &'static str,
    /// The newest schema.
    pub newest: u16,
    /// The oldest schema whose readers may read the newest.
    pub readable_from: u16,
    /// Whether a reader that does not know the type may pass over it.
    pub ignorable: bool,
}

/// What rewrites a payload of one schema into one of the next.
pub type Lift = fn(&mut Map<String, Value>) -> Result<(), &'static str>;

/// One step from a schema to the next. Pure, and never invents a fact.
#[derive(Clone, Copy)]
pub struct Upcaster {
    /// Which events it lifts.
    pub event_type: &'static str,
    /// From this schema to the one after it.
    pub from: u16,
    /// Rewrites the object; says what is wrong with it otherwise. None where fields were added and
    /// nothing else: what was written is read as it is.
    pub lift: Option<Lift>,
}

/// A family of events that can be written and read.
pub trait WireEvent: Sized + Debug {
    /// The newest schema of each type, in the order of the variants.
    const SCHEMAS: &'static [Schema];
    /// Every step from an older schema.
    const UPCASTERS: &'static [Upcaster];

    /// The schema that this event is written in.
    fn schema(&self) -> Schema;

    /// The payload as JSON.
    fn data(&self) -> Vec<u8>;

    /// Reads a payload of the newest schema of `event_type`, which is one of `SCHEMAS`.
    ///
    /// # Errors
    ///
    /// What the JSON reader says; `strict` also refuses fields that nothing reads.
    fn read(event_type: &str, payload: Payload<'_>, strict: bool) -> Result<Self, String>;
}

/// A payload on its way to an event: as written, or lifted.
#[derive(Debug)]
pub enum Payload<'a> {
    /// The bytes of the log: replay's hot path.
    Written(&'a [u8]),
    /// What upcasters made of them.
    Lifted(Map<String, Value>),
}

/// What became of a recorded event in this reader's hands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded<E> {
    /// It is understood.
    Known(E),
    /// It is from the future and says that it may be passed over.
    Skippable {
        /// Its type.
        event_type: String,
        /// Its schema.
        schema: u16,
    },
}

/// Writes an event in its newest schema.
pub fn encode<E: WireEvent>(event: &E) -> EncodedEvent {
    let schema = event.schema();
    EncodedEvent {
        event_type: Cow::Borrowed(schema.event_type),
        schema: schema.newest,
        readable_from: schema.readable_from,
        ignorable: schema.ignorable,
        data: event.data(),
    }
}

/// Reads an event of one family.
///
/// # Errors
///
/// [`DecodeError`] if it is damaged, or from a future that this reader must not guess at.
pub fn decode<E: WireEvent>(stored: &EncodedEvent) -> Result<Decoded<E>, DecodeError> {
    compat::decode(stored)
}

/// Any event, of whichever family.
#[derive(Clone, Debug, PartialEq)]
pub enum DomainEvent {
    /// To one service in one environment.
    Lane(lane::Event),
    /// To one version of a service.
    Release(release::Event),
    /// To one environment.
    Environment(environment::Event),
    /// To one projection that a user wrote.
    Projection(projection::Event),
}

impl DomainEvent {
    /// The schemas of all families.
    pub const SCHEMAS: [&'static [Schema]; 4] = [
        lane::Event::SCHEMAS,
        release::Event::SCHEMAS,
        environment::Event::SCHEMAS,
        projection::Event::SCHEMAS,
    ];

    /// Reads an event of whichever family its stream belongs to.
    ///
    /// # Errors
    ///
    /// As [`decode`]; an unknown family is an unknown type.
    pub fn decode(
        stream: &StreamName,
        stored: &EncodedEvent,
    ) -> Result<Decoded<Self>, DecodeError> {
        match stream.family().map(|(family, _)| family) {
            Some(lane::FAMILY) => decode(stored).map(|known| known.map(Self::Lane)),
            Some(release::FAMILY) => decode(stored).map(|known| known.map(Self::Release)),
            Some(environment::FAMILY) => decode(stored).map(|known| known.map(Self::Environment)),
            Some(projection::FAMILY) => decode(stored).map(|known| known.map(Self::Projection)),
            Some(_) | None => compat::unknown(stored),
        }
    }

    /// The payload of an event in the newest schema that is known here, as JSON: for readers that
    /// know JSON and no types. Fields that nothing here reads are left in.
    ///
    /// # Errors
    ///
    /// As [`decode`], but for damage that only reading would show.
    pub fn newest<'s>(
        stream: &StreamName,
        stored: &'s EncodedEvent,
    ) -> Result<Decoded<Cow<'s, [u8]>>, DecodeError> {
        match stream.family().map(|(family, _)| family) {
            Some(lane::FAMILY) => compat::newest::<lane::Event>(stored),
            Some(release::FAMILY) => compat::newest::<release::Event>(stored),
            Some(environment::FAMILY) => compat::newest::<environment::Event>(stored),
            Some(projection::FAMILY) => compat::newest::<projection::Event>(stored),
            Some(_) | None => compat::unknown(stored),
        }
    }

    /// Whether an event of a known schema is read from its bytes as they are: no upcaster rewrites them.
    pub fn is_read_as_written(stored: &EncodedEvent) -> bool {
        let upcasters = [
            lane::Event::UPCASTERS,
            release::Event::UPCASTERS,
            environment::Event::UPCASTERS,
            projection::Event::UPCASTERS,
        ];
        let steps = upcasters.into_iter().flatten();
        let mut steps =
            steps.filter(|step| step.event_type == stored.event_type && step.from >= stored.schema);
        steps.all(|step| step.lift.is_none())
    }

    /// Writes the event, whichever family it is of.
    pub fn encode(&self) -> EncodedEvent {
        match self {
            Self::Lane(event) => encode(event),
            Self::Release(event) => encode(event),
            Self::Environment(event) => encode(event),
            Self::Projection(event) => encode(event),
        }
    }
}

impl<E> Decoded<E> {
    fn map<F>(self, wrap: impl FnOnce(E) -> F) -> Decoded<F> {
        match self {
            Self::Known(event) => Decoded::Known(wrap(event)),
            Self::Skippable { event_type, schema } => Decoded::Skippable { event_type, schema },
        }
    }
}

/// Ties each variant of a family to its name on the wire and its schema.
macro_rules! wire_events {
    ($event:ty { $($variant:ident = $name:literal, schema $newest:literal,
        readable from $from:literal, $ignorable:ident;)+ } upcasters $upcasters:expr) => {
        impl $crate::wire::WireEvent for $event {
            const SCHEMAS: &'static [$crate::wire::Schema] = &[$($crate::wire::Schema {
                event_type: $name,
                newest: $newest,
                readable_from: $from,
                ignorable: $crate::wire::wire_events!(@ $ignorable),
            }),+];
            const UPCASTERS: &'static [$crate::wire::Upcaster] = $upcasters;

            fn schema(&self) -> $crate::wire::Schema {
                match self {$(
                    Self::$variant(_) => $crate::wire::Schema {
                        event_type: $name,
                        newest: $newest,
                        readable_from: $from,
                        ignorable: $crate::wire::wire_events!(@ $ignorable),
                    },
                )+}
            }

            fn data(&self) -> Vec<u8> {
                match self {$( Self::$variant(data) => $crate::wire::compat::write(data), )+}
            }

            fn read(
                event_type: &str,
                payload: $crate::wire::Payload<'_>,
                strict: bool,
            ) -> Result<Self, String> {
                match event_type {
                    $( $name => $crate::wire::compat::read(payload, strict).map(Self::$variant), )+
                    _ => Err("the type is not of this family".into()),
                }
            }
        }
    };
    (@ ignorable) => { true };
    (@ essential) => { false };
}
use wire_events;
