//! Why a request that would change something changed nothing, or nobody knows.

use crate::exit::{Exit, Failure};

/// The codes of what is wrong with one stream alone: others go on.
const OF_ONE_STREAM: [&str; 3] = ["lane-damaged", "stream-damaged", "newer-needed"];

/// Whether a server's no is about one stream, not about the request or the server.
pub(crate) fn is_of_one_stream(code: &str) -> bool {
    OF_ONE_STREAM.contains(&code)
}

/// A request that was not taken, or of which nobody knows whether it was.
#[derive(Debug)]
pub(crate) struct Unwritten {
    /// What people are told.
    pub(crate) failure: Failure,
    /// What programs decide by.
    pub(crate) cause: Cause,
}

/// Why a request was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// There was no answer, or one that says that the server is in trouble: the same again later.
    Away,
    /// A stream that it needs is damaged, or only a newer server reads it, by this code: the same again
    /// later. Other lanes go on.
    Damaged(String),
    /// The rules say no; the code names the rule.
    Refused(String),
    /// Somebody else changed it first.
    Stale,
    /// No repetition will ever be taken.
    Unacceptable,
    /// Who asks may not, or whoever answers is no Shiplog server.
    Denied,
}

impl Unwritten {
    /// No answer came.
    pub(super) fn away(failure: Failure) -> Self {
        Self { failure, cause: Cause::Away }
    }

    /// Whether the same request is taken once the server, or the lane, is well again.
    pub(crate) fn may_pass(&self) -> bool {
        match self.cause {
            Cause::Away | Cause::Damaged(_) => true,
            Cause::Refused(_) | Cause::Stale | Cause::Unacceptable | Cause::Denied => false,
        }
    }

    /// How a run ends that cannot go on without it.
    pub(crate) fn into_failure(self) -> Failure {
        let Self { failure, cause } = self;
        match cause {
            Cause::Away => Failure::new(Exit::Unavailable, failure.to_string()),
            Cause::Damaged(code) => {
                Failure::new(Exit::Unavailable, failure.to_string()).by_rule(Some(code))
            }
            Cause::Refused(_) | Cause::Stale | Cause::Unacceptable | Cause::Denied => failure,
        }
    }

    /// An answer came that could not be read to its end, or that is not Shiplog's.
    pub(super) fn unread(failure: Failure) -> Self {
        let is_lost = failure.exit() == Exit::Unavailable;
        Self { failure, cause: if is_lost { Cause::Away } else { Cause::Denied } }
    }
}

impl Cause {
    /// What a status that is no success means.
    pub(super) fn of(status: u16, code: Option<&str>) -> Self {
        match status {
            501 | 503 if code.is_some_and(is_of_one_stream) => {
                Self::Damaged(code.unwrap_or_default().to_owned())
            }
            408 | 425 | 429 | 500.. => Self::Away,
            409 => Self::Refused(code.unwrap_or("refused").to_owned()),
            412 | 428 => Self::Stale,
            400 | 404 | 405 | 410 | 413..=415 | 422 => Self::Unacceptable,
            _ => Self::Denied,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_in_trouble_is_away_and_a_refusal_names_its_rule() {
        for (status, expected) in [
            (500, Cause::Away),
            (503, Cause::Away),
            (429, Cause::Away),
            (409, Cause::Refused("frozen".into())),
            (412, Cause::Stale),
            (400, Cause::Unacceptable),
            (401, Cause::Denied),
            (302, Cause::Denied),
        ] {
            assert_eq!(Cause::of(status, Some("frozen")), expected, "{status}");
        }
        for (status, code) in
            [(503, "lane-damaged"), (503, "stream-damaged"), (501, "newer-needed")]
        {
            assert_eq!(Cause::of(status, Some(code)), Cause::Damaged(code.into()));
        }
    }
}
