//! How it went on each target, as the command tells it: one line each in a file.

use std::{io, path::Path};

use jiff::Timestamp;
use serde_json::{Value, json};
use shiplog_store::clock::{Clock as _, SystemClock};

use super::kept;
use crate::{
    child::Growing,
    context::Context,
    private_file,
    spool::{Journal, Verb},
};

/// The file's name.
pub(super) const FILE: &str = "targets";

/// The most characters that a target's name may have.
const MOST_NAME: usize = 200;

/// The most characters that an error may have.
const MOST_ERROR: usize = 10_000;

/// The file that `SHIPLOG_TARGETS` names, read as it grows.
#[derive(Debug)]
pub(crate) struct Targets {
    growing: Growing,
    /// What has come of a line whose end has not.
    partial: Vec<u8>,
    /// The targets that failed.
    pub(super) failed: Vec<Value>,
}

impl Targets {
    /// Makes the file, empty.
    pub(super) fn make(path: &Path) -> io::Result<Self> {
        private_file::write(path, b"")?;
        Ok(Self { growing: Growing::open(path)?, partial: Vec::new(), failed: Vec::new() })
    }

    /// Tells the journal what has come.
    pub(super) fn tell(&mut self, context: &mut Context<'_>, journal: &mut Journal, is_end: bool) {
        let lines = self.lines(is_end).unwrap_or_else(|error| {
            context.mention(format!("SHIPLOG_TARGETS cannot be read: {error}"));
            Vec::new()
        });
        for line in lines {
            match Told::read(&line) {
                Ok(told) => {
                    if told.status == "failed" {
                        self.failed.push(told.seen());
                    }
                    let body = told.body(SystemClock.now());
                    kept(context, journal.tell(Verb::Targets, body, None));
                }
                Err(why) => context.mention(format!("SHIPLOG_TARGETS: {why}")),
            }
        }
    }

    fn lines(&mut self, is_end: bool) -> io::Result<Vec<String>> {
        self.partial.extend(self.growing.read()?);
        let whole = match self.partial.iter().rposition(|byte| *byte == b'\n') {
            _ if is_end => self.partial.len(),
            Some(last) => last + 1,
            None => 0,
        };
        let whole: Vec<u8> = self.partial.drain(..whole).collect();
        let text = String::from_utf8_lossy(&whole);
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        Ok(lines.map(ToOwned::to_owned).collect())
    }

    /// Tells the journal what a command said whose teller was gone before it was told.
    pub(crate) fn left_by(journal: &mut Journal) -> io::Result<()> {
        let Some(folder) = journal.folder() else { return Ok(()) };
        let mut left = match Growing::open(&folder.join(FILE)) {
            Ok(growing) => Self { growing, partial: Vec::new(), failed: Vec::new() },
            // One that the command has put something else in the place of says nothing.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied
                ) =>
            {
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let told = journal.count(Verb::Targets);
        let lines = left.lines(true)?;
        let said = lines.iter().filter_map(|line| Told::read(line).ok());
        for one in said.skip(told) {
            journal.tell(Verb::Targets, one.body(SystemClock.now()), None)?;
        }
        Ok(())
    }
}

/// One line, taken apart.
#[derive(Debug, PartialEq)]
struct Told<'a> {
    status: &'static str,
    target: &'a str,
    error: Option<String>,
}

impl<'a> Told<'a> {
    /// Reads `started web-1`, `succeeded web-1`, `failed web-2 what went wrong`.
    fn read(line: &'a str) -> Result<Self, String> {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let words = ["started", "succeeded", "failed"];
        let status = words.into_iter().find(|known| *known == word);
        let status = status.ok_or_else(|| {
            format!("`{line}` should begin with `started`, `succeeded` or `failed`")
        })?;
        let rest = rest.trim_start();
        let (target, error) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        if target.is_empty() || target.chars().count() > MOST_NAME || has_control(target) {
            return Err(format!("`{line}` names no target"));
        }
        let error: String = error.trim().chars().take(MOST_ERROR).collect();
        match (status, error.is_empty()) {
            ("failed", false) => Ok(Self { status, target, error: Some(error) }),
            (_, true) => Ok(Self { status, target, error: None }),
            (_, false) => Err(format!("`{line}`: only a target that `failed` has an error")),
        }
    }

    fn body(&self, at: Timestamp) -> Value {
        let mut body = json!({"target": self.target, "status": self.status, "at": at});
        if let (Some(error), Value::Object(fields)) = (&self.error, &mut body) {
            fields.insert("error".into(), error.as_str().into());
        }
        body
    }

    fn seen(&self) -> Value {
        json!({"target": self.target, "status": self.status, "error": self.error})
    }
}

fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_status_a_target_and_for_a_failure_an_error() {
        let told = |status, target, error: Option<&str>| {
            Ok(Told { status, target, error: error.map(ToOwned::to_owned) })
        };
        assert_eq!(Told::read("started web-1"), told("started", "web-1", None));
        assert_eq!(Told::read("failed web-2"), told("failed", "web-2", None));
        let error = Some("no answer: $(reboot)");
        assert_eq!(
            Told::read("failed\tweb-2  no answer: $(reboot)"),
            told("failed", "web-2", error)
        );
    }

    #[test]
    fn a_line_that_says_nothing_is_named() {
        for line in ["done web-1", "started", "succeeded web-1 at last"] {
            assert!(Told::read(line).unwrap_err().contains(line), "{line}");
        }
    }
}
