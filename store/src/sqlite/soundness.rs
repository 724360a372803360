//! What the file itself shows of damage: its pages, its indexes, and rows that nobody wrote so.

use rusqlite::Connection;
use shiplog_domain::metadata::Metadata;

use super::SqliteLog;
use crate::log::LogFault;

/// The most findings that are looked for of one kind.
const MOST: usize = 20;

/// Streams without an event: what makes one writes its first event.
const EMPTY_STREAMS: &str =
    "SELECT name FROM streams WHERE id NOT IN (SELECT stream FROM events) LIMIT 20";

impl SqliteLog {
    /// Has SQLite look at every page and index of the file, and looks at what of the rows reading passes
    /// over; says what is wrong, line by line.
    ///
    /// It finds torn and misplaced pages, not every flipped bit.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub async fn check_file(&self) -> Result<Vec<String>, LogFault> {
        self.readers
            .clone()
            .run(|tables, _| {
                let mut said = Vec::new();
                for check in [pages, rows, streams] {
                    // A page that cannot be read at all is a finding, too.
                    said.extend(check(tables).unwrap_or_else(|error| vec![error.to_string()]));
                }
                Ok(said)
            })
            .await
    }
}

fn pages(tables: &Connection) -> rusqlite::Result<Vec<String>> {
    let said = tables
        .prepare("PRAGMA integrity_check(20)")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<Vec<String>>>()?;
    Ok(said.into_iter().filter(|line| line != "ok").collect())
}

/// Metadata is written in one way, and a flag is 0 or 1.
fn rows(tables: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = tables.prepare("SELECT position, ignorable, metadata FROM events")?;
    let mut rows = statement.query([])?;
    let mut said = Vec::new();
    while let Some(row) = rows.next()? {
        if said.len() >= MOST {
            break;
        }
        let (position, ignorable): (i64, i64) = (row.get(0)?, row.get(1)?);
        let metadata = row.get_ref(2)?.as_blob()?;
        if !matches!(ignorable, 0 | 1) {
            said.push(format!(
                "position {position}: `ignorable` is `{ignorable}`, neither 0 nor 1"
            ));
        }
        // What does not read at all ends the walk over the log, which names it.
        let read = serde_json::from_slice::<Metadata>(metadata).ok();
        let written = read.and_then(|read| serde_json::to_vec(&read).ok());
        if written.is_some_and(|written| written != metadata) {
            said.push(format!(
                "position {position}: its metadata is not what this Shiplog writes for what it reads as"
            ));
        }
    }
    Ok(said)
}

fn streams(tables: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = tables.prepare(EMPTY_STREAMS)?;
    let names = statement.query_map([], |row| row.get::<_, String>(0))?;
    names.map(|name| Ok(format!("the stream `{}` has no event", name?))).collect()
}
