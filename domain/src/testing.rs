//! `given(…).when(…).then(…)`: a rule as a sentence.

use std::fmt::Debug;

use crate::decider::{Decider, fold};

/// What has happened so far.
#[derive(Debug)]
pub struct Given<D: Decider>(D::State);

/// What came of a command.
#[derive(Debug)]
pub struct Judged<D: Decider>(Result<Vec<D::Event>, D::Refusal>);

/// Starts from a history.
pub fn given<D: Decider>(history: impl IntoIterator<Item = D::Event>) -> Given<D> {
    let history: Vec<_> = history.into_iter().collect();
    Given(fold::<D>(&history))
}

impl<D: Decider> Given<D> {
    /// Asks for something.
    #[must_use = "a judgement that nobody looks at proves nothing"]
    pub fn when(&self, command: D::Command) -> Judged<D> {
        Judged(D::decide(&self.0, command))
    }
}

impl<D: Decider> Judged<D>
where
    D::Event: Debug + PartialEq,
    D::Refusal: PartialEq,
{
    /// Expects exactly these events.
    ///
    /// # Panics
    ///
    /// If it was refused, or other events came of it.
    pub fn then(self, expected: impl IntoIterator<Item = D::Event>) {
        let expected: Vec<_> = expected.into_iter().collect();
        assert_eq!(self.0, Ok(expected));
    }

    /// Expects exactly this refusal.
    ///
    /// # Panics
    ///
    /// If it was not refused, or for another reason.
    pub fn refused(self, expected: &D::Refusal) {
        assert_eq!(self.0.as_ref(), Err(expected));
    }
}
