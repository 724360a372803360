//! When an environment holds still.

use jiff::Timestamp;

use super::Frozen;

/// The freezes of an environment, in the order of recording.
///
/// Each is a window: from its `at` to its `until`, or to when it was lifted. One that begins in the
/// future is planned. Several can be in force at once, and lifting ends all that are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Freezes(Vec<Frozen>);

impl Freezes {
    /// The freeze in force at an instant: of several, the one that ends last.
    pub fn at(&self, instant: Timestamp) -> Option<&Frozen> {
        self.in_force(instant).max_by_key(|frozen| frozen.until.unwrap_or(Timestamp::MAX))
    }

    /// The windows that begin after an instant, the next one first.
    pub fn planned_after(&self, instant: Timestamp) -> Vec<&Frozen> {
        let mut planned: Vec<_> = self
            .0
            .iter()
            .filter(|frozen| frozen.at > instant && frozen.until.is_none_or(|end| end > frozen.at))
            .collect();
        planned.sort_by_key(|frozen| frozen.at);
        planned
    }

    /// Whether this very window is in force when it begins.
    pub(super) fn has(&self, at: Timestamp, reason: &str, until: Option<Timestamp>) -> bool {
        self.in_force(at).any(|frozen| frozen.reason == reason && frozen.until == until)
    }

    pub(super) fn add(&mut self, frozen: Frozen) {
        self.0.push(frozen);
    }

    /// Ends what is in force at an instant, then.
    pub(super) fn lift(&mut self, instant: Timestamp) {
        for frozen in self.0.iter_mut().filter(|frozen| holds(frozen, instant)) {
            frozen.until = Some(instant);
        }
    }

    fn in_force(&self, instant: Timestamp) -> impl Iterator<Item = &Frozen> {
        self.0.iter().filter(move |frozen| holds(frozen, instant))
    }
}

fn holds(frozen: &Frozen, instant: Timestamp) -> bool {
    frozen.at <= instant && frozen.until.is_none_or(|until| until > instant)
}
