//! Times of commands that have yet to come.

use jiff::{SignedDuration, Timestamp};

use crate::{
    problem::{Problem, ProblemKind},
    shapes::Moment,
};

/// How far the clock of a caller may be ahead of the server's.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// When something is done that is commanded: now, unless something else is said.
///
/// # Errors
///
/// If that has yet to come: what is commanded holds from then on, and a wrong clock or a typing mistake
/// would have it hold for nobody.
pub(crate) fn not_ahead(at: Option<Moment>, now: Timestamp) -> Result<Timestamp, Problem> {
    let at = at.map_or(now, |at| at.0);
    if at.duration_since(now) > TOLERANCE {
        let detail = format!(
            "`at` is `{at}`, and the server's clock says `{now}`: what is commanded is done now, or was \
             done before; leave `at` out, or correct it"
        );
        return Err(ProblemKind::Refused.because(detail).coded("ahead-of-now"));
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_a_little_ahead_is_believed_and_no_other() {
        let now: Timestamp = "2026-03-02T10:00:00Z".parse().unwrap();
        let at = |time: &str| Some(Moment(format!("2026-03-02T{time}Z").parse().unwrap()));
        assert_eq!(not_ahead(None, now).unwrap(), now);
        for time in ["09:00:00", "10:05:00"] {
            assert_eq!(not_ahead(at(time), now).unwrap(), at(time).unwrap().0);
        }
        not_ahead(at("10:05:01"), now).unwrap_err();
    }
}
