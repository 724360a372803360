//! The shape every rule book has: judge a command, apply an event.

/// One kind of stream: what can be asked of it, what happens to it, what it is.
pub trait Decider {
    /// What can be asked.
    type Command;
    /// What can have happened.
    type Event;
    /// What follows from what happened; the default is the empty stream.
    type State: Default;
    /// Why a command is turned down.
    type Refusal: std::error::Error + Coded + Send + Sync + 'static;

    /// Judges `command`; no events means that it is already so.
    ///
    /// # Errors
    ///
    /// A refusal, if the command contradicts what is recorded.
    fn decide(
        state: &Self::State,
        command: Self::Command,
    ) -> Result<Vec<Self::Event>, Self::Refusal>;

    /// Applies `event`. Total: every event applies to every state.
    fn evolve(state: Self::State, event: &Self::Event) -> Self::State;

    /// Why `event` cannot have been recorded after what led to `state`, if that shows.
    ///
    /// What was decided here always fits. What does not fit is damage, and nothing is decided on it.
    fn misfit(state: &Self::State, event: &Self::Event) -> Option<String> {
        let _ = (state, event);
        None
    }
}

/// Has a name for programs: stable, kebab-case, added but never renamed.
pub trait Coded {
    /// The code of this very value.
    fn code(&self) -> &'static str;
}

/// Applies a whole history to the empty state.
pub fn fold<'e, D: Decider>(history: impl IntoIterator<Item = &'e D::Event>) -> D::State
where
    D::Event: 'e,
{
    history.into_iter().fold(D::State::default(), D::evolve)
}
