//! A rule book small enough to hold in the head: numbers are added up.

use serde::{Deserialize, Serialize};
use shiplog_domain::{
    decider::{Coded, Decider},
    wire::{Payload, Schema, Upcaster, WireEvent},
};
use shiplog_store::position::StreamVersion;

pub(crate) struct Tally;

#[derive(Clone, Debug)]
pub(crate) enum Command {
    /// Adds this, unless it is nothing.
    Add(u64),
    /// Adds what is missing to this sum.
    Reach(u64),
    /// Adds one, so many times.
    Count(usize),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Added {
    pub(crate) amount: u64,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) sum: u64,
    pub(crate) events: usize,
    /// What the sum was after each event.
    sums: Vec<u64>,
}

impl State {
    /// The sum as it was right after the event with this version.
    pub(crate) fn sum_at(&self, version: Option<StreamVersion>) -> u64 {
        version.map_or(0, |version| self.sums[usize::try_from(version.0).unwrap()])
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing cannot be added")]
pub(crate) struct Nothing;

impl Coded for Nothing {
    fn code(&self) -> &'static str {
        "nothing"
    }
}

impl Decider for Tally {
    type Command = Command;
    type Event = Added;
    type State = State;
    type Refusal = Nothing;

    fn decide(state: &State, command: Command) -> Result<Vec<Added>, Nothing> {
        match command {
            Command::Add(0) => Err(Nothing),
            Command::Add(amount) => Ok(vec![Added { amount }]),
            Command::Reach(sum) if sum <= state.sum => Ok(Vec::new()),
            Command::Reach(sum) => Ok(vec![Added { amount: sum - state.sum }]),
            Command::Count(times) => Ok(vec![Added { amount: 1 }; times]),
        }
    }

    fn evolve(mut state: State, Added { amount }: &Added) -> State {
        state.sum += amount;
        state.events += 1;
        state.sums.push(state.sum);
        state
    }
}

const ADDED: Schema = Schema { event_type: "Added", newest: 1, readable_from: 1, ignorable: false };

impl WireEvent for Added {
    const SCHEMAS: &'static [Schema] = &[ADDED];
    const UPCASTERS: &'static [Upcaster] = &[];

    fn schema(&self) -> Schema {
        ADDED
    }

    fn data(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap()
    }

    fn read(_: &str, payload: Payload<'_>, _: bool) -> Result<Self, String> {
        match payload {
            Payload::Written(bytes) => serde_json::from_slice(bytes),
            Payload::Lifted(data) => serde_json::from_value(data.into()),
        }
        .map_err(|error| error.to_string())
    }
}
