//! Many lines at once, with one answer for each.

use std::time::Duration;

use serde_json::Value;
use ureq::http::Method;

use super::{Client, Path, retry_after};
use crate::exit::Failure;

/// Lines that were not taken.
#[derive(Debug)]
pub(crate) struct Unsent {
    /// Why.
    pub(crate) failure: Failure,
    /// Whether the same lines may be taken later.
    pub(crate) may_retry: bool,
    /// How long the server asks to wait.
    pub(crate) wait: Option<Duration>,
}

impl Unsent {
    fn later(failure: Failure, wait: Option<Duration>) -> Self {
        Self { failure, may_retry: true, wait }
    }

    fn never(failure: Failure) -> Self {
        Self { failure, may_retry: false, wait: None }
    }
}

impl Client {
    /// Sends many lines of JSON and takes a line back for each of them.
    pub(crate) fn send_lines(&self, path: &Path, lines: &[String]) -> Result<Vec<Value>, Unsent> {
        let request = self.request(Method::POST, path).header("Content-Type", "application/jsonl");
        let mut body = lines.join("\n");
        body.push('\n');
        let response = self
            .run(request, Some(body.into_bytes()))
            .map_err(|lost| Unsent::later(self.unreachable(&lost.error), None))?;
        if !response.status().is_success() {
            let wait = retry_after(response.headers());
            let is_busy = response.status() == 503;
            let failure = self.refusal(response, None);
            return Err(if is_busy {
                Unsent::later(failure, wait)
            } else {
                Unsent::never(failure)
            });
        }
        let text = self.text(response).map_err(|failure| Unsent::later(failure, None))?;
        let answers = text.lines().filter(|line| !line.trim().is_empty());
        let answers: Result<Vec<_>, _> = answers.map(serde_json::from_str).collect();
        answers.map_err(|_| Unsent::never(self.not_shiplog()))
    }
}
