//! Whether an event is written as Shiplog writes it, byte by byte.

use shiplog_domain::wire::{DomainEvent, EncodedEvent};

use super::broken::Broken;

/// What is not as it was written; `None` if the event encodes to what is stored.
///
/// An event of a newer Shiplog may say what is not known here, and one of an older schema is compared
/// only where nothing was rewritten to read it.
pub(super) fn rewritten(stored: &EncodedEvent, event: &DomainEvent) -> Option<Broken> {
    let EncodedEvent { event_type, schema, readable_from, ignorable, data } = event.encode();
    if stored.schema > schema {
        return None;
    }
    let is_newest = stored.schema == schema;
    let is_same = (stored.readable_from, stored.ignorable) == (readable_from, ignorable);
    if is_newest && !is_same || stored.readable_from > stored.schema || stored.schema == 0 {
        return Some(Broken::Schema { event_type: event_type.into_owned(), schema: stored.schema });
    }
    let is_read_as_written = DomainEvent::is_read_as_written(stored);
    (is_read_as_written && stored.data != data).then_some(Broken::Data)
}

#[cfg(test)]
mod tests {
    use shiplog_domain::{lane::Succeeded, stream::StreamName, wire::Decoded};

    use super::*;

    fn found(change: impl FnOnce(&mut EncodedEvent)) -> Option<Broken> {
        let at = "2026-03-01T10:05:00Z".parse().unwrap();
        let number = shiplog_domain::lane::DeploymentNumber(1);
        let event = shiplog_domain::lane::Event::Succeeded(Succeeded { number, at });
        let mut stored = DomainEvent::Lane(event).encode();
        change(&mut stored);
        let stream = StreamName::recorded("lane-a@b");
        match DomainEvent::decode(&stream, &stored).unwrap() {
            Decoded::Known(event) => rewritten(&stored, &event),
            Decoded::Skippable { .. } => panic!("it is known"),
        }
    }

    #[test]
    fn an_event_is_sound_as_it_was_written_and_in_no_other_way() {
        assert_eq!(found(|_| {}), None);
        assert_eq!(found(|stored| stored.data.push(b' ')), Some(Broken::Data));
        let late = br#"{"number":1,"at":"2026-03-01T10:05:00z"}"#;
        assert_eq!(found(|stored| stored.data = late.to_vec()), Some(Broken::Data));
        for change in [
            |it: &mut EncodedEvent| it.ignorable = true,
            |it: &mut EncodedEvent| it.readable_from = 2,
        ] {
            assert!(matches!(found(change), Some(Broken::Schema { .. })));
        }
    }

    #[test]
    fn what_a_newer_shiplog_wrote_may_say_more() {
        let more = br#"{"number":1,"at":"2026-03-01T10:05:00Z","mood":"fine"}"#;
        let newer = |stored: &mut EncodedEvent| {
            (stored.schema, stored.data) = (2, more.to_vec());
        };
        assert_eq!(found(newer), None);
    }
}
