//! What a server is asked: kinds of questions, about what the log holds.

use anyhow::ensure;
use futures::{StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use shiplog_domain::{
    lane::{Event, LaneId, Requested},
    wire::{Decoded, DomainEvent, EncodedEvent},
};
use shiplog_store::{
    log::{Log, Recorded},
    position::GlobalPosition,
    sqlite::SqliteLog,
};

use crate::client::{Path, deployment_path, lane_path, path};

/// At how many places of the log it is looked for something to ask about.
const PLACES: u64 = 64;

/// How many events are looked at in each place.
const EVENTS_EACH: usize = 128;

/// The fewest letters of a word that is searched for.
const LETTERS: usize = 4;

/// One kind of question.
pub(super) struct Question {
    /// What people call it.
    pub(super) name: &'static str,
    /// The nth one, with its parameters.
    pub(super) path: fn(&Samples, usize) -> Path,
}

/// Every kind of question.
pub(super) const KINDS: [Question; 20] = [
    Question { name: "board", path: |samples, _| samples.board() },
    Question {
        name: "board as of an instant",
        path: |samples, nth| samples.board().with("at", &samples.instant(nth)),
    },
    Question {
        name: "board as of an instant, as known at another",
        path: |samples, nth| {
            let (at, known_at) = (samples.instant(nth), samples.known(nth));
            samples.board().with("at", &at).with("known_at", &known_at)
        },
    },
    Question {
        name: "lane",
        path: |samples, nth| {
            let (service, environment) = samples.lane(nth);
            lane_path(service, environment)
        },
    },
    Question {
        name: "lane as of an instant",
        path: |samples, nth| {
            let (service, environment, at) = samples.lane_at(nth);
            lane_path(service, environment).with("at", &at)
        },
    },
    Question {
        name: "recovery",
        path: |samples, nth| {
            let (service, environment, number) = samples.deployment(nth);
            deployment_path(service, environment, number).join("recovery")
        },
    },
    Question {
        name: "history: lane, until an instant",
        path: |samples, nth| {
            let (service, environment) = samples.lane(nth);
            history()
                .with("service", service)
                .with("environment", environment)
                .with("until", &samples.instant(nth))
        },
    },
    Question {
        name: "history: failed, since an instant",
        path: |samples, nth| {
            history().with("status", "failed").with("since", &samples.instant(nth))
        },
    },
    Question {
        name: "history: actor, since an instant",
        path: |samples, nth| {
            history().with("actor", samples.actor(nth)).with("since", &samples.instant(nth))
        },
    },
    Question {
        name: "history: actor failed in an environment",
        path: |samples, nth| {
            history()
                .with("actor", samples.actor(nth))
                .with("status", "failed")
                .with("environment", samples.lane(nth).1)
        },
    },
    Question {
        name: "search: one word",
        path: |samples, nth| history().with("q", samples.word(nth)),
    },
    Question {
        name: "search: two words",
        path: |samples, nth| {
            let words = [samples.word(nth), samples.word(nth + 1)].join(" ");
            history().with("q", &words)
        },
    },
    Question {
        name: "search: failed or cancelled, of an actor, not in an environment",
        path: |samples, nth| {
            let (actor, environment) = (samples.actor(nth), samples.lane(nth).1);
            let search = format!("status:failed,cancelled actor:{actor} -env:{environment}");
            history().with("q", &search)
        },
    },
    Question {
        name: "search: rollbacks that took long, before an instant",
        path: |samples, nth| {
            let search = format!("is:rollback duration:>5m until:{}", samples.instant(nth));
            history().with("q", &search)
        },
    },
    Question { name: "page: board", path: |_, _| Path::literal("/") },
    Question {
        name: "page: board as of an instant",
        path: |samples, nth| Path::literal("/").with("at", &samples.instant(nth)),
    },
    Question {
        name: "page: history, searched",
        path: |samples, nth| path(&["history"]).with("q", samples.word(nth)),
    },
    Question {
        name: "page: lane",
        path: |samples, nth| {
            let (service, environment) = samples.lane(nth);
            path(&["lanes", service, environment])
        },
    },
    Question {
        name: "page: deployment",
        path: |samples, nth| {
            let (service, environment, number) = samples.deployment(nth);
            path(&["lanes", service, environment, &number.to_string()])
        },
    },
    Question { name: "page: rollbacks", path: |_, _| path(&["rollbacks"]) },
];

fn history() -> Path {
    path(&["v1", "deployments"])
}

/// What the log holds, at places all over it.
#[derive(Debug, Default)]
pub(super) struct Samples {
    /// Where something was deployed to, when, and under which number.
    lanes: Vec<(LaneId, Timestamp, u32)>,
    actors: Vec<String>,
    words: Vec<String>,
    instants: Vec<Timestamp>,
    recorded: Vec<Timestamp>,
}

impl Samples {
    /// Looks around in a log that ends at `head`.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or holds no deployment.
    pub(super) async fn draw(
        log: &SqliteLog,
        head: Option<GlobalPosition>,
    ) -> anyhow::Result<Self> {
        let mut samples = Self::default();
        let head = head.map_or(0, |head| head.0);
        for place in 0..PLACES {
            let after = GlobalPosition(head / PLACES * place);
            let mut records = log.read_all(Some(after)).take(EVENTS_EACH);
            while let Some(recorded) = records.try_next().await? {
                samples.look_at(&recorded);
            }
        }
        ensure!(!samples.lanes.is_empty(), "the log holds no deployment to ask about");
        Ok(samples)
    }

    fn look_at(&mut self, recorded: &Recorded<EncodedEvent>) {
        let Recorded { stream, recorded_at, metadata, event, .. } = recorded;
        let decoded = DomainEvent::decode(stream, event);
        let Ok(Decoded::Known(DomainEvent::Lane(Event::Requested(requested)))) = decoded else {
            return;
        };
        self.lanes.extend(
            LaneId::from_stream(stream).map(|lane| (lane, requested.at, requested.number.0)),
        );
        self.actors.push(metadata.actor.id.clone());
        self.words.extend(words(&requested));
        self.instants.push(requested.at);
        self.recorded.push(*recorded_at);
    }

    /// The environment that is asked for most.
    fn board(&self) -> Path {
        let environments = || self.lanes.iter().map(|(lane, ..)| lane.environment.as_str());
        let production = environments().find(|name| *name == "production");
        let environment = production.or(environments().next()).unwrap_or("production");
        path(&["v1", "environments", environment])
    }

    /// A service and an environment that it was deployed to.
    fn lane(&self, nth: usize) -> (&str, &str) {
        let (service, environment, _) = self.lane_at(nth);
        (service, environment)
    }

    /// The same one, and an instant at which it was deployed to.
    fn lane_at(&self, nth: usize) -> (&str, &str, String) {
        let Some((lane, at, _)) = one(&self.lanes, nth, 7_919) else { return Default::default() };
        (lane.service.as_str(), lane.environment.as_str(), at.to_string())
    }

    /// A deployment.
    fn deployment(&self, nth: usize) -> (&str, &str, u64) {
        let Some((lane, _, number)) = one(&self.lanes, nth, 7_919) else { return ("", "", 0) };
        (lane.service.as_str(), lane.environment.as_str(), (*number).into())
    }

    /// Somebody who asked for a deployment.
    fn actor(&self, nth: usize) -> &str {
        one(&self.actors, nth, 10_007).map_or("nobody", String::as_str)
    }

    /// A word that was written.
    fn word(&self, nth: usize) -> &str {
        one(&self.words, nth, 104_729).map_or("nothing", String::as_str)
    }

    /// When something happened.
    fn instant(&self, nth: usize) -> String {
        one(&self.instants, nth, 611_953).copied().unwrap_or_default().to_string()
    }

    /// When something was recorded.
    fn known(&self, nth: usize) -> String {
        one(&self.recorded, nth, 1_299_709).copied().unwrap_or_default().to_string()
    }
}

/// One of some, the nth in an order of its own: each `stride` is a prime greater than their number.
fn one<T>(of: &[T], nth: usize, stride: usize) -> Option<&T> {
    of.get(nth.wrapping_mul(stride).checked_rem(of.len())?)
}

/// The words of what was said of a deployment, as often as they come.
fn words(requested: &Requested) -> Vec<String> {
    let changes = requested.release.changes.iter().filter_map(|one| one.description.as_deref());
    let texts = requested.reason.as_deref().into_iter().chain(changes);
    let words = texts.flat_map(|text| text.split(|letter: char| !letter.is_alphanumeric()));
    words.filter(|word| word.chars().count() >= LETTERS).map(str::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn everything_has_its_turn_before_anything_has_another() {
        let of: Vec<_> = (0..1_000).collect();
        let turns: HashSet<_> = (0..1_000).filter_map(|nth| one(&of, nth, 7_919)).collect();
        assert_eq!(turns.len(), 1_000);
        assert_eq!(one::<u8>(&[], 3, 7_919), None);
    }

    #[test]
    fn no_two_kinds_of_questions_have_the_same_name() {
        let names: HashSet<_> = KINDS.iter().map(|kind| kind.name).collect();
        assert_eq!(names.len(), KINDS.len());
    }

    #[test]
    fn the_same_log_is_asked_the_same_in_the_same_order() {
        let lane = LaneId { service: "a".parse().unwrap(), environment: "b".parse().unwrap() };
        let samples = Samples {
            lanes: vec![(lane, Timestamp::UNIX_EPOCH, 7)],
            actors: vec!["ann".into()],
            ..Samples::default()
        };
        let paths = KINDS.map(|kind| (kind.path)(&samples, 3).to_string());
        assert_eq!(paths, KINDS.map(|kind| (kind.path)(&samples, 3).to_string()));
        assert_eq!(paths[0], "/v1/environments/b");
        assert_eq!(paths[3], "/v1/lanes/a/b");
    }
}
