//! What is asked in SQL: the same as the other read models tell, and nothing that does harm.

mod bounds;
mod same;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use shiplog_projections::{
    runner::Runner,
    sql::{AskError, Limits, Parameters, Question, Reader, Rows, Sql},
};
use tempfile::TempDir;

use crate::support::World;

/// A world's log as tables, in a directory of their own.
struct Tables {
    _directory: TempDir,
    reader: Reader,
}

impl Tables {
    async fn of(world: &World) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut runner = Runner::open(Sql, directory.path(), world.log.id()).unwrap();
        runner.catch_up_to(&*world.log, None).await.unwrap();
        let reader = Reader::open(directory.path()).unwrap();
        Self { _directory: directory, reader }
    }

    fn try_ask(&mut self, source: &str, parameters: Parameters) -> Result<Rows, AskError> {
        let question = Question { source: source.into(), parameters, now: None };
        let limits = Limits { time: Duration::from_millis(500), ..Limits::default() };
        self.reader.ask(&question, limits).map(|answer| answer.value)
    }

    fn ask(&mut self, source: &str) -> Vec<Vec<Value>> {
        let rows = self.try_ask(source, Parameters::default());
        rows.unwrap_or_else(|error| panic!("{source}: {error}")).rows
    }

    fn ask_at(&mut self, source: &str, now: Timestamp) -> Vec<Vec<Value>> {
        let parameters = Parameters::default();
        let question = Question { source: source.into(), parameters, now: Some(now) };
        let limits = Limits { time: Duration::from_millis(500), ..Limits::default() };
        self.reader.ask(&question, limits).unwrap().value.rows
    }

    /// What is said to a question that is not answered.
    fn refused(&mut self, source: &str) -> String {
        match self.try_ask(source, Parameters::default()) {
            Ok(rows) => panic!("{source}: {rows:?}"),
            Err(error) => error.to_string(),
        }
    }
}
