//! A connection that asks and can do nothing else.

use std::path::Path;

use rusqlite::{Connection, Result, config::DbConfig};

use super::{
    AskError, Limits, NAMES, PREFIX, Question, Rows, Sql,
    ask::{ask, check},
    functions, guard, now,
    running::Running,
};
use crate::{
    files::Files,
    models::Answer,
    tables,
    turn::{self, Until},
};

/// After how many of SQLite's instructions it is looked whether time is up: some microseconds.
const INSTRUCTIONS: i32 = 50;

/// What makes a connection stricter; a name in double quotes must not become a text where it is none.
const CONFIGURATION: [(DbConfig, bool); 3] = [
    (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
    (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
    (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
];

/// A connection that asks and can do nothing else.
pub struct Reader {
    tables: Connection,
    /// Until when the question goes on that is asked.
    running: Running,
}

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
        let running = Running::default();
        functions::replace(&tables, &running)?;
        guard::limit(&tables)?;
        Ok(Self { tables, running })
    }

    /// Asks a snapshot that nothing changes meanwhile.
    ///
    /// # Errors
    ///
    /// [`AskError`].
    pub fn ask(&mut self, question: &Question, limits: Limits) -> Result<Answer<Rows>, AskError> {
        let (until, _waiting) = Until::after(limits.time);
        self.ask_until(question, limits, &until)
    }

    /// As [`ask`](Self::ask), and ends by then.
    pub(crate) fn ask_until(
        &mut self,
        question: &Question,
        limits: Limits,
        until: &Until,
    ) -> Result<Answer<Rows>, AskError> {
        now::show(&self.tables, question.now).map_err(AskError::Tables)?;
        self.tables.execute_batch("BEGIN").map_err(AskError::Tables)?;
        self.running.set(Some(until.clone()));
        let answer = self.ask_within(question, limits, until);
        self.running.set(None);
        let down = guard::take_down(&mut self.tables);
        let down = down.and_then(|()| turn::release(&mut self.tables));
        let ended = down.and_then(|()| self.tables.execute_batch("ROLLBACK"));
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
        let denials = guard::put_up(&mut self.tables).map_err(AskError::Tables)?;
        let checked = check(&self.tables, &denials, source);
        guard::take_down(&mut self.tables).map_err(AskError::Tables)?;
        checked
    }

    fn ask_within(
        &mut self,
        question: &Question,
        limits: Limits,
        until: &Until,
    ) -> Result<Answer<Rows>, AskError> {
        let position = tables::checkpoint(&self.tables).map_err(AskError::Tables)?.position;
        let denials = guard::put_up(&mut self.tables).map_err(AskError::Tables)?;
        until.bind(&mut self.tables, INSTRUCTIONS).map_err(AskError::Tables)?;
        let value = ask(&self.tables, &denials, question, limits)?;
        Ok(Answer { value, position })
    }
}
