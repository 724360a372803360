//! Any sequence of appends leaves what a list would have.

use proptest::{collection::vec, prelude::*};
use shiplog_domain::{metadata::EventId, stream::StreamName};
use shiplog_store::{
    log::{AppendError, Log},
    position::{ExpectedVersion, StreamVersion},
    sqlite::SqliteLog,
};

use crate::support::{event, everything, unsteady};

/// One append: to which stream, which keys, and how far from the truth its expectation is.
type Step = (usize, Vec<u8>, i64);

/// The naive log: everything in order, with its stream's number.
#[derive(Default)]
struct Model(Vec<(usize, EventId)>);

#[derive(Debug, PartialEq)]
enum Verdict {
    At(u64),
    Conflict(Option<u64>),
    Reused,
    Size,
}

impl Model {
    fn version(&self, stream: usize) -> Option<u64> {
        (self.0.iter().filter(|(of, _)| *of == stream).count() as u64).checked_sub(1)
    }

    fn append(&mut self, stream: usize, expected: Option<u64>, ids: &[EventId]) -> Verdict {
        let twice = ids.iter().enumerate().any(|(nth, id)| ids[..nth].contains(id));
        if ids.is_empty() {
            return Verdict::Size;
        }
        let own: Vec<_> = self.0.iter().filter(|(of, _)| *of == stream).collect();
        let places: Vec<_> =
            ids.iter().map(|id| own.iter().position(|(_, known)| known == id)).collect();
        if twice || (places.contains(&None) && places.iter().any(Option::is_some)) {
            return Verdict::Reused;
        }
        if let Some(Some(last)) = places.last() {
            return Verdict::At(*last as u64);
        }
        if expected != self.version(stream) {
            return Verdict::Conflict(self.version(stream));
        }
        self.0.extend(ids.iter().map(|id| (stream, *id)));
        Verdict::At(self.version(stream).unwrap())
    }
}

fn step() -> impl Strategy<Value = Step> {
    (0..3_usize, vec(0..30_u8, 0..4), prop_oneof![4 => Just(0), 1 => -2..3_i64])
}

async fn check(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let log = SqliteLog::in_memory(unsteady()).unwrap();
    let streams = ["a", "b", "c"].map(StreamName::recorded);
    let mut model = Model::default();
    for (stream, keys, off) in steps {
        let name = &streams[stream];
        let events: Vec<_> = keys.iter().map(|key| event(name, &key.to_string())).collect();
        let ids: Vec<_> = events.iter().map(|event| event.id).collect();
        let believed = model.version(stream).map_or(-1, u64::cast_signed) + off;
        let believed = u64::try_from(believed).ok();
        let expected = ExpectedVersion::from(believed.map(StreamVersion));

        let verdict = match log.append(name, expected, events).await {
            Ok(appended) => Verdict::At(appended.version.0),
            Err(AppendError::Conflict { actual, .. }) => Verdict::Conflict(actual.map(|it| it.0)),
            Err(AppendError::IdReused { .. }) => Verdict::Reused,
            Err(AppendError::Size { .. }) => Verdict::Size,
            Err(AppendError::Fault(fault)) => return Err(TestCaseError::fail(fault.to_string())),
        };

        prop_assert_eq!(verdict, model.append(stream, believed, &ids));
    }
    let read = everything(log.read_all(None)).await;
    let read =
        read.into_iter().map(|it| (streams.iter().position(|name| *name == it.stream), it.id));
    let kept = model.0.into_iter().map(|(stream, id)| (Some(stream), id));
    prop_assert_eq!(read.collect::<Vec<_>>(), kept.collect::<Vec<_>>());
    Ok(())
}

proptest! {
    #[test]
    fn whatever_is_appended_is_kept_as_in_a_list(steps in vec(step(), 0..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(check(steps))?;
    }
}
