//! How the server says no, and what that means for who asked.

use std::time::Duration;

use serde::Deserialize;

use crate::exit::{Exit, Failure};

/// An RFC 9457 problem; a server that says less is understood too.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Problem {
    #[serde(rename = "type")]
    kind: String,
    title: String,
    code: Option<String>,
    detail: Option<String>,
    errors: Vec<Place>,
    request_id: Option<String>,
}

/// One thing that is wrong, and where.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Place {
    pointer: Option<String>,
    detail: Option<String>,
}

impl Problem {
    /// What a program decides by.
    pub(super) fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// The end of the run that this problem means: `key` is the request's idempotency key, if it wrote.
    pub(super) fn into_failure(
        self,
        status: u16,
        wait: Option<Duration>,
        key: Option<&str>,
    ) -> Failure {
        let Self { kind, title, code, detail, errors, request_id } = self;
        let message = detail.filter(|detail| !detail.is_empty()).unwrap_or(title);
        let mut failure = Failure::new(exit_of(status), message.as_str());
        for Place { pointer, detail } in errors {
            let (pointer, detail) = (pointer.unwrap_or_default(), detail.unwrap_or_default());
            let is_said = message.contains(&pointer) && message.contains(&detail);
            if !is_said {
                failure = failure.note(format!("  {pointer}: {detail}"));
            }
        }
        let slug = kind.rsplit('/').next().unwrap_or_default();
        for note in advice(status, slug, code.as_deref(), wait) {
            failure = failure.note(note);
        }
        if let (503, Some(key)) = (status, key) {
            failure =
                failure.note(format!("doing it again is harmless with --idempotency-key {key}"));
        }
        failure = failure.by_rule(code);
        match request_id {
            Some(id) if status >= 500 => failure.note(format!("the request's id is {id}")),
            Some(_) | None => failure,
        }
    }
}

/// The end of the run where the server gave an error without a problem.
pub(super) fn unexplained(server: &str, status: u16) -> Failure {
    Failure::new(exit_of(status), format!("the server at {server} answered with status {status}"))
        .note("see that --server or SHIPLOG_SERVER names a Shiplog server")
}

fn exit_of(status: u16) -> Exit {
    match status {
        400 | 413..=415 | 422 => Exit::Usage,
        404 | 409 | 410 => Exit::Refused,
        412 | 428 => Exit::Stale,
        502..=504 => Exit::Unavailable,
        _ => Exit::Failure,
    }
}

/// What to do next.
fn advice(status: u16, slug: &str, code: Option<&str>, wait: Option<Duration>) -> Vec<String> {
    let one = |text: &str| vec![text.to_owned()];
    match (status, slug) {
        (401, _) => one("give a token with SHIPLOG_TOKEN or --token-file"),
        (403, _) => one("the token that was sent may not do this; ask for one that may"),
        (404, _) if code == Some("unknown-projection") => one("`shiplog projections` lists them"),
        (404, _) if code == Some("not-rebuilding") => {
            one("`shiplog projections` shows how each one is; `shiplog projections rebuild` begins")
        }
        (404, _) => one("`shiplog status` and `shiplog history` show what is recorded"),
        (409, "idempotency-key-reused") => {
            one("repeat the first request exactly, or give another --idempotency-key")
        }
        (409, _) if code == Some("similar-name") => {
            one("to say that a new one is meant: --new-name")
        }
        (409, _) => {
            let code = code.map(|code| format!("the rule is called `{code}`"));
            let look = "`shiplog status` shows what is recorded now".to_owned();
            code.into_iter().chain([look]).collect()
        }
        (412, _) => one("look with `shiplog status`, then decide again"),
        (503, _) => match wait {
            Some(wait) => vec![format!("try again in {} s", wait.as_secs())],
            None => one("try again in a moment"),
        },
        (500, _) => one("the cause is in the server's log"),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(status: u16, body: &str, key: Option<&str>) -> Failure {
        let problem: Problem = serde_json::from_str(body).unwrap();
        problem.into_failure(status, Some(Duration::from_secs(2)), key)
    }

    #[test]
    fn each_status_has_its_exit_code() {
        let cases = [
            (400, Exit::Usage),
            (401, Exit::Failure),
            (403, Exit::Failure),
            (404, Exit::Refused),
            (409, Exit::Refused),
            (412, Exit::Stale),
            (500, Exit::Failure),
            (503, Exit::Unavailable),
        ];
        for (status, exit) in cases {
            assert_eq!(exit_of(status), exit, "{status}");
        }
    }

    #[test]
    fn every_place_that_is_wrong_has_a_line() {
        let body = r#"{"type": "/problems/malformed", "title": "Malformed", "detail": "2 fields are wrong",
            "errors": [{"pointer": "/at", "detail": "not a time"}, {"pointer": "/x", "detail": "unknown"}]}"#;
        let failure = failure(400, body, None);
        assert_eq!(failure.to_string(), "2 fields are wrong");
        assert_eq!(failure.notes(), ["  /at: not a time", "  /x: unknown"]);
    }

    #[test]
    fn a_place_that_the_message_names_is_not_named_again() {
        let body = r#"{"detail": "`/at`: not a time", "errors": [{"pointer": "/at", "detail": "not a time"}]}"#;
        assert!(failure(400, body, None).notes().is_empty());
    }

    #[test]
    fn an_outcome_that_may_be_had_again_says_how() {
        let body = r#"{"type": "/problems/contended", "title": "Contended", "request_id": "r1"}"#;
        let failure = failure(503, body, Some("k1"));
        assert_eq!(failure.to_string(), "Contended");
        let expected = [
            "try again in 2 s",
            "doing it again is harmless with --idempotency-key k1",
            "the request's id is r1",
        ];
        assert_eq!(failure.notes(), expected);
    }

    #[test]
    fn a_refusal_names_its_rule() {
        let body =
            r#"{"type": "/problems/refused", "title": "Refused", "code": "frozen", "detail": "d"}"#;
        assert_eq!(failure(409, body, None).notes()[0], "the rule is called `frozen`");
    }
}
