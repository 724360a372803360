//! One hash for a whole read model: the same log gives the same, however it was folded.

use rusqlite::{Connection, Result, types::ValueRef};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// A SHA-256 over every table's rows, in the order of their keys.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest([u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Digests everything but how the file came about: the checkpoint, what was set aside and the pages'
/// layout are left out, the words of a search index are in.
///
/// # Errors
///
/// What SQLite says.
pub fn digest(tables: &Connection) -> Result<Digest> {
    let mut hasher = Sha256::new();
    for Table { name, words } in tables_of(tables)? {
        hasher.update(name.as_bytes());
        let statement = if words {
            list_words(tables, &name)?;
            format!("SELECT term, doc, col, \"offset\" FROM temp.{name}_words")
        } else {
            format!("SELECT * FROM main.{name} ORDER BY {}", key(tables, &name)?.join(", "))
        };
        let mut statement = tables.prepare(&statement)?;
        let columns = statement.column_count();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            for column in 0..columns {
                add(&mut hasher, row.get_ref(column)?);
            }
        }
    }
    Ok(Digest(hasher.finalize().into()))
}

pub(crate) struct Table {
    pub(crate) name: String,
    /// Whether it is a search index, which has words instead of rows.
    pub(crate) words: bool,
}

/// The tables that a digest is of, by name.
pub(crate) fn tables_of(tables: &Connection) -> Result<Vec<Table>> {
    tables
        .prepare(
            "SELECT name, type = 'virtual' FROM pragma_table_list
             WHERE schema = 'main' AND type IN ('table', 'virtual')
               AND name NOT IN ('checkpoint', 'damaged_streams') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
             ORDER BY name",
        )?
        .query_map([], |row| Ok(Table { name: row.get(0)?, words: row.get(1)? }))?
        .collect()
}

/// Makes the words of a search index a table, `temp.<name>_words`.
fn list_words(tables: &Connection, name: &str) -> Result<()> {
    tables.execute_batch(&format!(
        "CREATE VIRTUAL TABLE IF NOT EXISTS temp.{name}_words
         USING fts5vocab(main, {name}, instance)"
    ))
}

/// The columns by which a table's rows are told apart.
pub(crate) fn key(tables: &Connection, name: &str) -> Result<Vec<String>> {
    let columns = tables
        .prepare("SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk")?
        .query_map([name], |row| row.get(0))?
        .collect::<Result<Vec<String>>>()?;
    Ok(if columns.is_empty() { vec!["rowid".into()] } else { columns })
}

/// Each value with its type and length, so that none runs into the next.
fn add(hasher: &mut Sha256, value: ValueRef<'_>) {
    let (tag, bytes): (u8, &[u8]) = match &value {
        ValueRef::Null => (0, &[]),
        ValueRef::Integer(integer) => (1, &integer.to_le_bytes()),
        ValueRef::Real(real) => (2, &real.to_le_bytes()),
        ValueRef::Text(text) => (3, text),
        ValueRef::Blob(blob) => (4, blob),
    };
    hasher.update([tag]);
    hasher.update((bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}
