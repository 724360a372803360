//! What is written reads back.

use proptest::{collection::vec, prelude::*};
use shiplog_domain::{
    decider::fold,
    environment,
    lane::{Deployment, Lane, LaneId},
    release::ReleaseId,
    stream::StreamName,
    wire::{Decoded, DomainEvent, EncodedEvent},
};

use crate::{
    arbitrary::{event, lane_event, name},
    readers::everybody_reads,
};

/// A stream that holds such events.
fn stream(event: &DomainEvent) -> StreamName {
    StreamName::recorded(match event {
        DomainEvent::Lane(_) => "lane-checkout@production",
        DomainEvent::Release(_) => "release-checkout@1.4.2",
        DomainEvent::Environment(_) => "environment-production",
        DomainEvent::Projection(_) => "projection-lead-time",
    })
}

proptest! {
    #[test]
    fn what_is_encoded_decodes_to_the_same(event in event()) {
        let read = DomainEvent::decode(&stream(&event), &event.encode());
        prop_assert_eq!(read, Ok(Decoded::Known(event)));
    }

    #[test]
    fn whoever_may_read_an_event_gets_a_true_picture_of_it(event in event()) {
        let stream = stream(&event);
        everybody_reads(&event, |older| match DomainEvent::decode(&stream, older).unwrap() {
            Decoded::Known(event) => event,
            passed @ Decoded::Skippable { .. } => panic!("{passed:?}"),
        });
    }

    #[test]
    fn a_newer_writer_that_adds_nothing_is_read_as_before(event in event(), ahead in 1..=9_u16) {
        let written = event.encode();
        let newer = EncodedEvent { schema: written.schema + ahead, ..written };
        let read = DomainEvent::decode(&stream(&event), &newer);
        prop_assert_eq!(read, Ok(Decoded::Known(event)));
    }

    #[test]
    fn a_stream_names_what_it_is_of(
        service in name(),
        environment in name(),
        version in name(),
    ) {
        let declared = environment::from_stream(&environment::stream(&environment));
        prop_assert_eq!(declared, Some(environment.clone()));
        let release = ReleaseId { service: Clone::clone(&service), version };
        prop_assert_eq!(ReleaseId::from_stream(&release.stream()), Some(release));
        let lane = LaneId { service, environment };
        prop_assert_eq!(LaneId::from_stream(&lane.stream()), Some(lane));
    }

    #[test]
    fn a_deployment_reads_back_from_its_json(history in vec(lane_event(), 0..20)) {
        for deployment in fold::<Lane>(&history).deployments() {
            let json = serde_json::to_string(deployment).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Deployment>(&json).unwrap(), deployment);
        }
    }
}
