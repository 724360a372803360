//! Where imported lines go: to a server, or straight into a data directory.

use serde::Deserialize;
use serde_json::Value;

/// Takes reports as `POST /v1/deployments:batch` takes them.
pub(crate) trait Target {
    /// Records what is not recorded yet.
    ///
    /// - **Shape**: up to 1,000 lines of JSON without line ends; one answer a line, in their order.
    /// - **Durability**: what is answered as recorded or known survives power loss.
    /// - **Idempotence**: a line whose idempotency key is recorded is `Known` and changes nothing.
    ///
    /// # Errors
    ///
    /// If it is unknown which of the lines were recorded; sending all of them again is harmless.
    fn send(&mut self, lines: &[String]) -> anyhow::Result<Vec<Answer>>;

    /// Does what is left to do once every line is sent.
    ///
    /// # Errors
    ///
    /// If it cannot; every line is recorded all the same.
    fn finish(&mut self) -> anyhow::Result<()> {
        Ok(())
    }
}

/// What became of one line.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub(crate) enum Answer {
    /// It is in the log now.
    Recorded,
    /// It was in the log before.
    Known,
    /// It is not in the log.
    Refused {
        /// Why not.
        #[serde(default)]
        problem: Problem,
    },
}

/// Why a line was refused: a problem, of which two fields matter here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Value")]
pub(crate) struct Problem {
    /// 400 if the line is malformed, else the rules say no.
    pub(crate) status: u16,
    /// In words.
    pub(crate) detail: String,
}

impl From<Value> for Problem {
    fn from(problem: Value) -> Self {
        let text = |field: &str| problem.get(field).and_then(Value::as_str);
        let detail = text("detail").or_else(|| text("title")).or_else(|| problem.as_str());
        let mut detail = detail.unwrap_or("no reason was given").to_owned();
        let places = problem.get("errors").and_then(Value::as_array).into_iter().flatten();
        for place in places {
            let text = |field: &str| place.get(field).and_then(Value::as_str).unwrap_or_default();
            add(&mut detail, text("pointer"), text("detail"));
        }
        let status = problem.get("status").and_then(Value::as_u64);
        Self { status: status.and_then(|status| status.try_into().ok()).unwrap_or(409), detail }
    }
}

/// Adds what is wrong in one place, unless that is said already.
pub(super) fn add(said: &mut String, pointer: &str, detail: &str) {
    if !(said.contains(pointer) && said.contains(detail)) {
        said.push_str(&["; ", pointer, ": ", detail].concat());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_is_read() {
        let read = |text: &str| serde_json::from_str::<Answer>(text).unwrap();
        assert_eq!(read(r#"{"line": 1, "status": "recorded", "number": 4}"#), Answer::Recorded);
        assert_eq!(read(r#"{"line": 1, "status": "known", "problem": null}"#), Answer::Known);
        let refused = read(
            r#"{"line": 2, "status": "refused", "number": null, "problem": {"status": 400,
                "detail": "wrong", "errors": [{"pointer": "/at", "detail": "no time"}]}}"#,
        );
        let problem = Problem { status: 400, detail: "wrong; /at: no time".into() };
        assert_eq!(refused, Answer::Refused { problem });
    }
}
