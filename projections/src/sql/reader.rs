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

#[cfg(test)]
mod tests {
    //! Every function that a question may use, on the largest values that there are: nothing goes on for
    //! long after its time.

    use std::{
        sync::Arc,
        time::{Duration, Instant},
    };

    use jiff::Timestamp;
    use shiplog_store::{clock::Clock, log::Log, sqlite::SqliteLog};

    use super::*;
    use crate::{
        models::ReadModels,
        sql::{Parameters, guard::FUNCTIONS},
    };

    /// The clock that stands.
    struct Stands;

    impl Clock for Stands {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }
    }

    /// How long a question may take here.
    const TIME: Duration = Duration::from_millis(20);

    /// After how much more it hangs, rather than being slow: on a busy machine, and unoptimised.
    const HANGS: Duration = Duration::from_secs(10);

    /// Large values of different kinds.
    const LARGE: [&str; 4] = [
        "printf('%.*c', 1200000, 'a')",
        "replace(printf('%.*c', 600000, 'a'), 'a', '[')",
        "zeroblob(1200000)",
        "replace(printf('%.*c', 300000, 'a'), 'a', '%_?*')",
    ];

    /// What else a function is given, so that it is one that takes this many arguments.
    const MORE: [&str; 3] = ["", ", x", ", x, 'b'"];

    /// A call of a function for each column that there can be, of each of many rows.
    fn question(function: &str, large: &str, more: &str) -> String {
        let call = match function {
            "->" | "->>" => "x -> '$.a.b'".into(),
            "like" => format!("x LIKE '%{}b%'", "a".repeat(190)),
            "glob" => format!("x GLOB '*{}b*'", "a".repeat(190)),
            // They are taken of many rows.
            "json_each" | "json_tree" => "(SELECT count(*) FROM json_tree(x))".into(),
            "percentile" | "percentile_cont" | "percentile_disc" => {
                format!("{function}(length(x), 50)")
            }
            _ if is_of_windows(function) => format!("{function}(x{more}) OVER (ORDER BY i)"),
            _ => format!("{function}(x{more})"),
        };
        let calls = vec![call; 190].join(", ");
        format!(
            "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000), \
             v(i, x) AS (SELECT i, {large} FROM n) SELECT {calls} FROM v"
        )
    }

    fn is_of_windows(function: &str) -> bool {
        let last = FUNCTIONS.iter().position(|one| *one == "nth_value");
        let place = FUNCTIONS.iter().position(|one| *one == function);
        FUNCTIONS.iter().position(|one| *one == "row_number") <= place && place <= last
    }

    #[tokio::test]
    async fn no_function_goes_on_after_its_time() {
        let directory = tempfile::tempdir().unwrap();
        let log: Arc<dyn Log> = Arc::new(SqliteLog::in_memory(Arc::new(Stands)).unwrap());
        let models = ReadModels::start(&log, directory.path()).await.unwrap();
        models.sql.model().await.unwrap();
        models.stop().await;
        let mut reader = Reader::open(directory.path()).unwrap();
        let limits = Limits { time: TIME, ..Limits::MOST };
        for function in FUNCTIONS {
            for (large, more) in LARGE.iter().flat_map(|large| MORE.map(|more| (large, more))) {
                let source = question(function, large, more);
                let question = Question {
                    source,
                    parameters: Parameters::default(),
                    now: Some(Timestamp::UNIX_EPOCH),
                };
                let began = Instant::now();
                match reader.ask(&question, limits) {
                    Ok(_) | Err(AskError::Query { .. } | AskError::Stopped(_)) => {}
                    Err(error) => panic!("{function}: {error:?}"),
                }
                let took = began.elapsed();
                assert!(took < HANGS, "{function} of {large}{more} took {took:?}");
            }
        }
    }
}
