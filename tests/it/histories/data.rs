//! The real histories, as their files say it.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;
use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};

use crate::support;

/// A lane: service, then environment.
pub(crate) type LaneName = (String, String);

/// What runs, by environment and service.
pub(crate) type State = BTreeMap<String, BTreeMap<String, String>>;

/// What one line says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Line {
    pub(crate) time: Timestamp,
    pub(crate) actor: String,
    pub(crate) environment: String,
    pub(crate) service: String,
    /// None: the service was removed.
    pub(crate) version: Option<String>,
    pub(crate) commit: String,
}

impl Line {
    pub(crate) fn lane(&self) -> LaneName {
        (self.service.clone(), self.environment.clone())
    }
}

/// What a line was.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    /// `new`, `rollback`, `reapply`, `restore` or `removed`.
    pub(crate) kind: String,
    /// The version that ran before.
    pub(crate) from: Option<String>,
    /// The version that has run since.
    pub(crate) to: Option<String>,
}

/// A history, and what is known of it beforehand.
#[derive(Clone, Debug)]
pub(crate) struct History {
    pub(crate) file: PathBuf,
    pub(crate) lines: Vec<Line>,
    /// One for each line.
    pub(crate) expected: Vec<Expected>,
    /// What runs at the end.
    pub(crate) state: State,
}

impl History {
    /// Reads a history; says so if it is not there.
    pub(crate) fn find(name: &str) -> Option<Self> {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
        let file = |ending: &str| directory.join(format!("{name}.{ending}.gz"));
        if !file("jsonl").exists() {
            support::say(&format!("../shared/data has no history `{name}`: nothing was tested"));
            return None;
        }
        let state = GzDecoder::new(File::open(file("state.json")).unwrap());
        let history = Self {
            file: file("jsonl"),
            lines: read(&file("jsonl")),
            expected: read(&file("expected.jsonl")),
            state: serde_json::from_reader(state).unwrap(),
        };
        assert_eq!(history.lines.len(), history.expected.len());
        for (line, expected) in history.lines.iter().zip(&history.expected) {
            assert_eq!(line.version, expected.to);
        }
        Some(history)
    }

    /// How many lines put a version somewhere.
    pub(crate) fn deployments(&self) -> usize {
        self.lines.iter().filter(|line| line.version.is_some()).count()
    }

    /// How many events it makes: two for a deployment that succeeded, one for a removal.
    pub(crate) fn events(&self) -> usize {
        self.lines.len() + self.deployments()
    }

    /// How many lines are of a kind.
    pub(crate) fn count(&self, kind: &str) -> usize {
        self.expected.iter().filter(|expected| expected.kind == kind).count()
    }
}

fn read<T: DeserializeOwned>(file: &Path) -> Vec<T> {
    let lines = BufReader::new(GzDecoder::new(File::open(file).unwrap())).lines();
    lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect()
}
