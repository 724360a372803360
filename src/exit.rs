//! How a run of the command ends: one number for scripts, one sentence for people.

use std::{fmt, process::ExitCode};

/// The exit codes, which scripts rely on: added to, never renumbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// What was asked for was done.
    Success,
    /// It failed, and none of the codes below says how.
    Failure,
    /// The arguments, a configuration file or the input were wrong.
    Usage,
    /// Two things that should be the same differ.
    Different,
    /// There is no such thing, or the rules say no.
    Refused,
    /// Somebody else changed it first.
    Stale,
    /// The server or its log cannot be reached now.
    Unavailable,
    /// The command that was run ended with this code.
    OfCommand(u8),
}

impl Exit {
    /// Every code, in order.
    const ALL: [Self; 7] = [
        Self::Success,
        Self::Failure,
        Self::Usage,
        Self::Different,
        Self::Refused,
        Self::Stale,
        Self::Unavailable,
    ];

    /// The number that the process ends with.
    fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure => 1,
            Self::Usage => 2,
            Self::Different => 3,
            Self::Refused => 4,
            Self::Stale => 5,
            Self::Unavailable => 6,
            Self::OfCommand(code) => code,
        }
    }

    fn meaning(self) -> &'static str {
        match self {
            Self::Success => "done",
            Self::Failure => "failed",
            Self::Usage => "wrong arguments, configuration or input",
            Self::Different => "two things that should be the same differ",
            Self::Refused => "no such thing, or refused by the rules",
            Self::Stale => "somebody else changed it first",
            Self::Unavailable => "the server cannot be reached now",
            Self::OfCommand(_) => "whatever the command that was run says",
        }
    }

    /// The table of exit codes for the help text.
    pub(crate) fn table() -> String {
        let rows = Self::ALL.map(|exit| format!("  {}  {}", exit.code(), exit.meaning()));
        format!("Exit codes:\n{}", rows.join("\n"))
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// An end that is not success: what happened, and what to do next.
///
/// Travels as the source of an `anyhow::Error`; `main` turns it into the message and the code.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
    rule: Option<String>,
    notes: Vec<String>,
}

impl Failure {
    /// Says that the run ends with `exit`, and why.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), rule: None, notes: Vec::new() }
    }

    /// Says that an argument, a setting or the input is wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Adds a line below the message: a detail, or what to do next.
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Says which of the server's rules refused it.
    pub(crate) fn by_rule(mut self, rule: Option<String>) -> Self {
        self.rule = rule;
        self
    }

    /// The code of the rule that refused it, if a rule did.
    pub(crate) fn rule(&self) -> Option<&str> {
        self.rule.as_deref()
    }

    /// The code to end with.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// The lines below the message.
    pub(crate) fn notes(&self) -> &[String] {
        &self.notes
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_numbered_from_zero_without_a_gap() {
        let codes = Exit::ALL.map(Exit::code);
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn a_failure_keeps_its_code_below_a_context() {
        use anyhow::Context as _;
        let failure = Failure::new(Exit::Stale, "the lane is elsewhere").note("look again");
        let error = Err::<(), _>(failure).context("cannot roll back").unwrap_err();
        let found = error.downcast_ref::<Failure>().unwrap();
        assert_eq!((found.exit(), found.notes()), (Exit::Stale, &["look again".to_owned()][..]));
    }
}
