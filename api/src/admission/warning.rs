//! What is recorded, and should be looked at all the same.

use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::{FieldError, Problem, ProblemKind};

/// Something about a report that somebody should look at, although it is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Warning {
    /// What it is, for programs: stable, and the code under which a request is refused for it.
    pub code: &'static str,
    /// Where in the request: `/environment`.
    pub pointer: &'static str,
    /// In words.
    pub detail: String,
}

impl Warning {
    /// Something that was asked for states a time.
    pub(crate) fn dated() -> Self {
        let detail = "what is asked for is asked for now: `at` was not taken; it belongs to \
                      reports, which say what happened when";
        Self { code: "dated-request", pointer: "/at", detail: detail.into() }
    }

    /// The refusal of a request for what a report is warned of; `remedy` says what else to ask.
    pub(crate) fn refused(self, remedy: &str) -> Problem {
        let Self { code, pointer, detail } = self;
        let detail = format!("{detail}; {remedy}");
        let errors = vec![FieldError { pointer: pointer.into(), detail: detail.clone() }];
        Problem { errors, ..ProblemKind::Refused.because(detail).coded(code) }
    }
}
