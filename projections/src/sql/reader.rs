//! A connection that asks and can do nothing else.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use rusqlite::{Connection, Result, config::DbConfig};

use super::{
    AskError, Limits, NAMES, PREFIX, Question, Rows, Sql,
    ask::{ask, check},
    functions, guard, now,
};
use crate::{files::Files, models::Answer, tables};

/// After how many of SQLite's instructions it is looked whether time is up: some microseconds.
const INSTRUCTIONS: i32 = 1_000;

/// What makes a connection stricter; a name in double quotes must not become a text where it is none.
const CONFIGURATION: [(DbConfig, bool); 3] = [
    (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
    (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
    (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
];

/// A connection that asks and can do nothing else.
pub struct Reader(Connection);

impl Reader {
    /// Opens what was folded into a directory.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn open(directory: &Path) -> Result<Self> {
        Self::open_file(&Files::of(directory, &Sql).serving())
    }

    /// Opens this file.
    pub(crate) fn open_file(path: &Path) -> Result<Self> {
        let tables = tables::open_to_ask(path)?;
        for name in NAMES {
            // Unqualified names are looked for here first, and the file has tables of its own by
            // these names.
            tables.execute_batch(&format!(
                "CREATE TEMP VIEW {name} AS SELECT * FROM main.{PREFIX}{name}"
            ))?;
        }
        now::show(&tables, None)?;
        tables.pragma_update(None, "query_only", true)?;
        for (config, value) in CONFIGURATION {
            tables.set_db_config(config, value)?;
        }
        functions::replace(&tables)?;
        guard::limit(&tables)?;
        Ok(Self(tables))
    }

    /// Asks a snapshot that nothing changes meanwhile.
    ///
    /// # Errors
    ///
    /// [`AskError`].
    pub fn ask(&mut self, question: &Question, limits: Limits) -> Result<Answer<Rows>, AskError> {
        now::show(&self.0, question.now).map_err(AskError::Tables)?;
        self.0.execute_batch("BEGIN").map_err(AskError::Tables)?;
        let answer = self.ask_within(question, limits);
        let down = guard::take_down(&mut self.0);
        let down = down.and_then(|()| self.0.progress_handler(0, None::<fn() -> bool>));
        let ended = down.and_then(|()| self.0.execute_batch("ROLLBACK"));
        let answer = answer?;
        ended.map_err(AskError::Tables)?;
        Ok(answer)
    }

    /// Whether it is a question that can be asked; nothing is read for it.
    ///
    /// # Errors
    ///
    /// [`AskError`].
    pub fn check(&mut self, source: &str) -> Result<(), AskError> {
        let denials = guard::put_up(&mut self.0).map_err(AskError::Tables)?;
        let checked = check(&self.0, &denials, source);
        guard::take_down(&mut self.0).map_err(AskError::Tables)?;
        checked
    }

    fn ask_within(
        &mut self,
        question: &Question,
        limits: Limits,
    ) -> Result<Answer<Rows>, AskError> {
        let position = tables::checkpoint(&self.0).map_err(AskError::Tables)?.position;
        let denials = guard::put_up(&mut self.0).map_err(AskError::Tables)?;
        let is_late = late(limits.time);
        self.0.progress_handler(INSTRUCTIONS, Some(is_late)).map_err(AskError::Tables)?;
        let value = ask(&self.0, &denials, question, limits)?;
        Ok(Answer { value, position })
    }
}

/// Turns true when so much time has passed.
fn late(time: Duration) -> impl FnMut() -> bool + Send + 'static {
    let began = Instant::now();
    move || began.elapsed() > time
}
