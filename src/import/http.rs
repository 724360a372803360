//! Sends lines to a server, and again where it was away.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use serde_json::Value;

use super::target::{Answer, Target};
use crate::{
    client::{Client, Path, Unsent},
    exit::{Exit, Failure},
    progress::Progress,
};

/// How long to wait before sending again, where the server does not say.
const PAUSE: Duration = Duration::from_secs(1);

/// A server that takes batches.
pub(super) struct Http {
    client: Client,
    /// How long one batch may be tried.
    patience: Duration,
    progress: Progress,
}

impl Http {
    /// Nothing is sent yet.
    pub(super) fn new(client: Client, patience: Duration, progress: Progress) -> Self {
        Self { client, patience, progress }
    }
}

impl Target for Http {
    fn send(&mut self, lines: &[String]) -> anyhow::Result<Vec<Answer>> {
        let path = Path::literal("/v1/deployments:batch");
        let began = Instant::now();
        let mut before = Vec::new();
        loop {
            let (failure, wait) = match self.client.send_lines(&path, lines) {
                Ok(answers) => {
                    let answers = merge(&before, read(answers)?);
                    let Some(failure) = unavailable(&answers) else { return Ok(answers) };
                    before = answers;
                    (failure, None)
                }
                Err(Unsent { failure, may_retry: true, wait }) => (failure, wait),
                Err(Unsent { failure, may_retry: false, wait: _ }) => return Err(failure.into()),
            };
            let wait = wait.unwrap_or(PAUSE);
            if began.elapsed() + wait > self.patience {
                return Err(failure
                    .note("what was answered is recorded; run the import again")
                    .into());
            }
            self.progress.say(&format!("{failure}; trying again in {} s", wait.as_secs()));
            thread::sleep(wait);
        }
    }
}

fn read(answers: Vec<Value>) -> anyhow::Result<Vec<Answer>> {
    let answers = answers.into_iter().map(serde_json::from_value);
    answers.collect::<Result<_, _>>().context("cannot read the server's answer")
}

/// What an earlier try recorded is known to a later one, and still was recorded by this import.
fn merge(before: &[Answer], mut answers: Vec<Answer>) -> Vec<Answer> {
    for (before, answer) in before.iter().zip(&mut answers) {
        if *before == Answer::Recorded && *answer == Answer::Known {
            *answer = Answer::Recorded;
        }
    }
    answers
}

/// Why lines have to be sent again: the server could not record them, which says nothing of them.
fn unavailable(answers: &[Answer]) -> Option<Failure> {
    answers.iter().find_map(|answer| match answer {
        Answer::Refused { problem } if problem.status >= 500 => {
            Some(Failure::new(Exit::Unavailable, &problem.detail))
        }
        Answer::Recorded | Answer::Known | Answer::Refused { .. } => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::target::Problem;

    fn refused(status: u16) -> Answer {
        Answer::Refused { problem: Problem { status, detail: "why".into() } }
    }

    #[test]
    fn what_an_earlier_try_recorded_counts_as_recorded() {
        let before = [Answer::Recorded, Answer::Known, refused(503)];
        let merged = merge(&before, vec![Answer::Known, Answer::Known, Answer::Recorded]);
        assert_eq!(merged, [Answer::Recorded, Answer::Known, Answer::Recorded]);
    }

    #[test]
    fn a_fault_of_the_server_is_no_refusal_of_the_line() {
        assert!(unavailable(&[Answer::Recorded, refused(409), refused(400)]).is_none());
        let failure = unavailable(&[Answer::Recorded, refused(503)]).unwrap();
        assert_eq!(failure.exit(), Exit::Unavailable);
    }
}
