//! The ids of the last events, which is all that the server knows of an append with "any".

use std::collections::{HashMap, VecDeque};

use uuid::Uuid;

/// How much a server remembers.
const LIMIT_BYTES: usize = 8 << 20;

/// What one id takes beside the name of its stream.
const ENTRY_BYTES: usize = 28;

/// Where the last events went, by their ids.
#[derive(Clone, Debug, Default)]
pub(super) struct Recent {
    places: HashMap<Uuid, (usize, u64)>,
    order: VecDeque<(Uuid, usize)>,
    bytes: usize,
}

impl Recent {
    /// Where an event is, if it is remembered: the stream's number, and the revision.
    pub(super) fn find(&self, id: Uuid) -> Option<(usize, u64)> {
        self.places.get(&id).copied()
    }

    /// Remembers an event, and forgets the oldest ones that there is no room for.
    pub(super) fn keep(&mut self, id: Uuid, stream: usize, revision: u64, name_length: usize) {
        let bytes = ENTRY_BYTES + 2 * name_length;
        self.places.insert(id, (stream, revision));
        self.order.push_back((id, bytes));
        self.bytes += bytes;
        while self.bytes > LIMIT_BYTES {
            let Some((oldest, bytes)) = self.order.pop_front() else { break };
            self.places.remove(&oldest);
            self.bytes -= bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_ids_are_forgotten() {
        let mut recent = Recent::default();
        let entries = LIMIT_BYTES / (ENTRY_BYTES + 20);
        for number in 0..=entries as u64 {
            recent.keep(Uuid::from_u64_pair(1, number), 0, number, 10);
        }
        assert_eq!(recent.find(Uuid::from_u64_pair(1, 0)), None);
        assert_eq!(recent.find(Uuid::from_u64_pair(1, 1)), Some((0, 1)));
    }
}
