//! The key under which a request is recorded once.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{ci::Run, exit::Failure};

/// The most characters that an idempotency key may have.
const MAX_CHARACTERS: usize = 200;

/// The most characters of a run's name that stand in a key as they are.
const MAX_RUN_CHARACTERS: usize = 120;

/// How many bytes of a digest stand in a key.
const DIGEST_BYTES: usize = 8;

/// An idempotency key, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// What the server is given.
    pub(super) text: String,
    /// The run's name in it, if it was made of a run and of what is asked.
    pub(super) run: Option<String>,
}

impl Key {
    /// Takes a key that somebody gave.
    pub(super) fn given(text: String) -> Result<Self, Failure> {
        let fits = (1..=MAX_CHARACTERS).contains(&text.chars().count());
        if !fits || text.chars().any(char::is_control) {
            let message = "--idempotency-key takes 1 to 200 printable characters";
            return Err(Failure::usage(message));
        }
        Ok(Self { text, run: None })
    }

    /// Makes a key that no other request has.
    pub(super) fn random() -> Self {
        Self { text: random_key(), run: None }
    }

    /// Makes the key that every repetition of one step in one attempt of a run has; all that the
    /// request says, and where, is part of it. `None` if the runner does not name the attempt.
    pub(super) fn of_step(run: &Run, verb: &str, place: &str, said: &Value) -> Option<Self> {
        let attempt = &run.attempt.as_ref()?.value;
        let run_name = if attempt.chars().count() <= MAX_RUN_CHARACTERS {
            attempt.clone()
        } else {
            hex(&Sha256::digest(attempt), 32)
        };
        let content = json!([run.step, place, said]).to_string();
        let digest = hex(&Sha256::digest(content), DIGEST_BYTES);
        Some(Self { text: format!("{run_name}-{verb}-{digest}"), run: Some(run_name) })
    }

    /// The key of the same words, said again after the event of this version undid what they did.
    pub(super) fn after(&self, version: u64) -> Self {
        Self { text: format!("{}-{version}", self.text), run: self.run.clone() }
    }

    /// Whether these words were said under the other key, be it the first time or again.
    pub(super) fn says_the_same_as(&self, other: &str) -> bool {
        other
            .strip_prefix(&self.text)
            .is_some_and(|rest| rest.is_empty() || rest.strip_prefix('-').is_some_and(is_number))
    }

    /// Whether the other key was made in the same attempt of the same run.
    pub(super) fn is_of_the_run_of(&self, other: &str) -> bool {
        let Some(run) = &self.run else { return false };
        let rest = other.strip_prefix(run.as_str()).and_then(|rest| rest.strip_prefix('-'));
        let parts: Vec<_> = rest.into_iter().flat_map(|rest| rest.split('-')).collect();
        match parts.as_slice() {
            [verb, digest] => is_word(verb) && is_digest(digest),
            [verb, digest, again] => is_word(verb) && is_digest(digest) && is_number(again),
            _ => false,
        }
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase())
}

fn is_digest(text: &str) -> bool {
    text.len() == 2 * DIGEST_BYTES && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The key of the n-th request of several that are made under one key.
pub(crate) fn step_key(key: &str, index: usize) -> String {
    if index == 0 {
        return key.to_owned();
    }
    let key = format!("{key}-{index}");
    if key.chars().count() <= MAX_CHARACTERS {
        return key;
    }
    hex(&Sha256::digest(key), 32)
}

/// The first bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8], count: usize) -> String {
    let digits = bytes.iter().take(count).flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

/// A key that no other call has.
#[expect(clippy::disallowed_methods, reason = "nothing else tells two calls by hand apart")]
pub(crate) fn random_key() -> String {
    Uuid::new_v4().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ci;

    fn run(attempt: &str, job: &str, step: &str) -> Run {
        let variables = |name: &str| {
            let value = match name {
                "GITHUB_ACTIONS" => "true",
                "GITHUB_RUN_ID" => "7",
                "GITHUB_RUN_ATTEMPT" => attempt,
                "GITHUB_JOB" => job,
                "GITHUB_ACTION" => step,
                _ => return None,
            };
            Some(value.to_owned()).filter(|value| !value.is_empty())
        };
        ci::detect(&variables).unwrap()
    }

    fn key(run: &Run, verb: &str, place: &str, said: &Value) -> Key {
        Key::of_step(run, verb, place, said).unwrap()
    }

    #[test]
    fn a_step_that_runs_again_has_its_key_and_every_other_request_another() {
        let said = json!({"version": "1.4.2", "labels": {"region": "eu"}});
        let first = key(&run("1", "ship", ""), "deploy", "/v1/deployments", &said);
        assert!(first.text.starts_with("github-7-1-ship-deploy-"), "{first:?}");
        assert_eq!(first, key(&run("1", "ship", ""), "deploy", "/v1/deployments", &said));
        let elsewhere = json!({"version": "1.4.2", "labels": {"region": "us"}});
        for other in [
            key(&run("2", "ship", ""), "deploy", "/v1/deployments", &said),
            key(&run("1", "test", ""), "deploy", "/v1/deployments", &said),
            key(&run("1", "ship", "__run_2"), "deploy", "/v1/deployments", &said),
            key(&run("1", "ship", ""), "retry", "/v1/deployments", &said),
            key(&run("1", "ship", ""), "deploy", "/v1/elsewhere", &said),
            key(&run("1", "ship", ""), "deploy", "/v1/deployments", &elsewhere),
        ] {
            assert_ne!(first.text, other.text);
        }
    }

    #[test]
    fn keys_of_one_attempt_are_known_as_such_and_those_of_other_jobs_are_not() {
        let ours = run("1", "ship", "");
        let first = key(&ours, "deploy", "/p", &json!(1));
        let other = key(&ours, "rollback", "/p", &json!(2));
        assert!(first.is_of_the_run_of(&other.text));
        assert!(first.is_of_the_run_of(&other.after(12).text));
        assert!(
            !first.is_of_the_run_of(&key(&run("1", "ship-eu", ""), "deploy", "/p", &json!(2)).text)
        );
        assert!(
            !first.is_of_the_run_of(&key(&run("2", "ship", ""), "deploy", "/p", &json!(2)).text)
        );
        assert!(!first.is_of_the_run_of("by-hand"));
        assert!(
            first.says_the_same_as(&first.text) && first.says_the_same_as(&first.after(3).text)
        );
        assert!(!first.says_the_same_as(&other.text));
        assert!(!Key::random().is_of_the_run_of(&other.text));
    }

    #[test]
    fn a_key_is_never_longer_than_a_key_may_be() {
        let long = key(&run(&"x".repeat(300), "ship", ""), "rollback", "/p", &json!(1));
        assert!(long.after(u64::MAX).text.len() <= MAX_CHARACTERS, "{long:?}");
        assert!(long.is_of_the_run_of(&long.after(7).text));
        assert_eq!(step_key(&"x".repeat(200), 1).len(), 64);
    }
}
