//! What the file is made of: the tables that Shiplog makes, and nothing else.
//!
//! A trigger or a view of another hand could change what is recorded or hide what is read, and no check
//! of rows would see it. So every connection compares `sqlite_schema` with what `schema.sql` makes.

use std::{collections::BTreeMap, sync::OnceLock};

use rusqlite::Connection;

/// The newest format that is known here, and the one that is written.
pub(super) const FORMAT: i64 = 1;

/// What makes the tables.
pub(super) const SQL: &str = include_str!("schema.sql");

/// Reads the kind, the name and the definition of all objects.
const OBJECTS: &str = "SELECT type, name, sql FROM sqlite_schema";

/// Objects by kind and name, with their definitions; an index of a constraint has none.
type Objects = BTreeMap<(String, String), Option<String>>;

/// The first object that is not as Shiplog makes it, in words; `None` if all are.
pub(super) fn foreign_object(tables: &Connection) -> rusqlite::Result<Option<String>> {
    static EXPECTED: OnceLock<Objects> = OnceLock::new();
    let expected = if let Some(expected) = EXPECTED.get() {
        expected
    } else {
        let model = Connection::open_in_memory()?;
        model.execute_batch(SQL)?;
        let made = objects(&model)?;
        EXPECTED.get_or_init(|| made)
    };
    Ok(difference(expected, &objects(tables)?))
}

fn objects(tables: &Connection) -> rusqlite::Result<Objects> {
    tables
        .prepare(OBJECTS)?
        .query_map([], |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)))?
        .collect()
}

fn difference(expected: &Objects, found: &Objects) -> Option<String> {
    for (object @ (kind, name), definition) in found {
        let Some(known) = expected.get(object) else {
            return Some(format!("the {kind} `{name}` was not made by Shiplog"));
        };
        // Comments may differ from one release to the next.
        if known != definition && known.as_deref().map(code) != definition.as_deref().map(code) {
            return Some(format!("the {kind} `{name}` is not defined as Shiplog defines it"));
        }
    }
    let mut missing = expected.keys().filter(|object| !found.contains_key(object));
    missing.next().map(|(kind, name)| format!("the {kind} `{name}` is missing"))
}

/// A definition without comments and with single blanks.
fn code(definition: &str) -> String {
    let lines = definition.lines().map(|line| line.split_once("--").map_or(line, |(code, _)| code));
    let words: Vec<_> = lines.flat_map(str::split_whitespace).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(change: &str) -> Option<String> {
        let tables = Connection::open_in_memory().unwrap();
        tables.execute_batch(SQL).unwrap();
        tables.execute_batch(change).unwrap();
        foreign_object(&tables).unwrap()
    }

    #[test]
    fn the_first_object_that_shiplog_did_not_make_is_named() {
        for (change, said) in [
            (
                "CREATE TRIGGER z AFTER INSERT ON events BEGIN DELETE FROM types; END",
                "the trigger `z` was not made by Shiplog",
            ),
            ("CREATE VIEW v AS SELECT 1", "the view `v` was not made by Shiplog"),
            ("CREATE TABLE t (a)", "the table `t` was not made by Shiplog"),
            ("CREATE INDEX i ON events (data)", "the index `i` was not made by Shiplog"),
            ("ANALYZE", "the table `sqlite_stat1` was not made by Shiplog"),
            (
                "ALTER TABLE types ADD COLUMN more TEXT",
                "the table `types` is not defined as Shiplog defines it",
            ),
            ("DROP TABLE types", "the index `sqlite_autoindex_types_1` is missing"),
        ] {
            assert_eq!(found(change).as_deref(), Some(said), "{change}");
        }
    }

    #[test]
    fn other_comments_make_no_other_table() {
        let tables = Connection::open_in_memory().unwrap();
        let reworded = SQL.replace("-- 32 bits, unsigned", "-- of 32 bits\n   ");
        assert_ne!(reworded, SQL);
        tables.execute_batch(&reworded).unwrap();
        assert_eq!(foreign_object(&tables).unwrap(), None);
    }
}
