//! In which rows two read models differ.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, Row, params_from_iter, types::Value};

use crate::{
    digest::{Table, key, tables_of},
    tables,
};

/// How many characters of a value are told.
const SHOWN: usize = 80;

/// How many of them are shown before the first one that differs.
const BEFORE: usize = 20;

/// A row that is not the same in both.
#[derive(Clone, Debug, PartialEq)]
pub struct RowDifference {
    /// Of which table.
    pub table: String,
    /// Its key: `lane=3, number=17`.
    pub row: String,
    /// Whether the first of the two has it.
    pub in_rebuilt: bool,
    /// Whether the second one has it.
    pub in_live: bool,
    /// The columns that are not the same, where both have it.
    pub columns: Vec<ColumnDifference>,
    pub(super) identity: Identity,
    pub(super) rebuilt: Option<Vec<Value>>,
    pub(super) live: Option<Vec<Value>>,
}

/// A value that is not the same in both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnDifference {
    /// Of which column.
    pub column: String,
    /// What the first of the two has.
    pub rebuilt: String,
    /// What the second one has.
    pub live: String,
}

/// How to find a row again.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Identity {
    statement: String,
    key: Vec<Value>,
}

impl Identity {
    /// The row as it is in some file.
    pub(super) fn find(&self, tables: &Connection) -> rusqlite::Result<Option<Vec<Value>>> {
        let mut statement = tables.prepare_cached(&self.statement)?;
        let columns = statement.column_count();
        statement.query_row(params_from_iter(&self.key), |row| values(row, columns)).optional()
    }
}

/// The rows in which two files differ; search indexes are told of row by row like tables.
pub(super) fn differences(rebuilt: &Path, live: &Path) -> rusqlite::Result<Vec<RowDifference>> {
    let (one, other) = (tables::open_to_digest(rebuilt)?, tables::open_to_digest(live)?);
    one.execute("ATTACH ? AS other", [live.to_string_lossy()])?;
    let mut differences = Vec::new();
    for Table { name, words } in tables_of(&one)? {
        // What a search index holds is derived from the rows of other tables.
        if words {
            continue;
        }
        let key = key(&one, &name)?;
        let found = differing(&one, &name, &key)?;
        let condition: Vec<_> = key.iter().map(|column| format!("{column} IS ?")).collect();
        let statement = format!("SELECT * FROM main.{name} WHERE {}", condition.join(" AND "));
        let columns = columns(&one, &statement)?;
        for values in found {
            let row = describe(&key, &values);
            let identity = Identity { statement: statement.clone(), key: values };
            let (rebuilt, live) = (identity.find(&one)?, identity.find(&other)?);
            differences.push(RowDifference {
                table: name.clone(),
                row,
                in_rebuilt: rebuilt.is_some(),
                in_live: live.is_some(),
                columns: differing_columns(&columns, rebuilt.as_ref(), live.as_ref()),
                identity,
                rebuilt,
                live,
            });
        }
    }
    Ok(differences)
}

/// The keys of the rows that are not the same in both, in order.
fn differing(tables: &Connection, name: &str, key: &[String]) -> rusqlite::Result<Vec<Vec<Value>>> {
    let key = key.join(", ");
    let all = if key == "rowid" { "rowid, *" } else { "*" };
    let mut statement = tables.prepare(&format!(
        "SELECT {key} FROM (
             SELECT * FROM (SELECT {all} FROM main.{name} EXCEPT SELECT {all} FROM other.{name})
             UNION ALL
             SELECT * FROM (SELECT {all} FROM other.{name} EXCEPT SELECT {all} FROM main.{name})
         ) GROUP BY {key} ORDER BY {key}"
    ))?;
    let columns = statement.column_count();
    statement.query_map([], |row| values(row, columns))?.collect()
}

fn columns(tables: &Connection, statement: &str) -> rusqlite::Result<Vec<String>> {
    let statement = tables.prepare(statement)?;
    Ok(statement.column_names().map(ToOwned::to_owned).collect())
}

fn differing_columns(
    columns: &[String],
    rebuilt: Option<&Vec<Value>>,
    live: Option<&Vec<Value>>,
) -> Vec<ColumnDifference> {
    let (Some(rebuilt), Some(live)) = (rebuilt, live) else { return Vec::new() };
    let pairs = columns.iter().zip(rebuilt.iter().zip(live));
    let pairs = pairs.filter(|(_, (rebuilt, live))| rebuilt != live);
    let difference = |(column, (rebuilt, live)): (&String, (&Value, &Value))| {
        let (rebuilt, live) = (text(rebuilt), text(live));
        let same = rebuilt.chars().zip(live.chars()).take_while(|(one, other)| one == other);
        let from = same.count().saturating_sub(BEFORE);
        let column = column.clone();
        ColumnDifference { column, rebuilt: shown(&rebuilt, from), live: shown(&live, from) }
    };
    pairs.map(difference).collect()
}

fn describe(key: &[String], values: &[Value]) -> String {
    let parts: Vec<_> = key
        .iter()
        .zip(values)
        .map(|(column, value)| format!("{column}={}", shown(&text(value), 0)))
        .collect();
    parts.join(", ")
}

fn values(row: &Row<'_>, columns: usize) -> rusqlite::Result<Vec<Value>> {
    (0..columns).map(|column| row.get(column)).collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "NULL".into(),
        Value::Integer(integer) => integer.to_string(),
        Value::Real(real) => real.to_string(),
        Value::Text(text) => format!("'{text}'"),
        Value::Blob(blob) => format!("{} bytes", blob.len()),
    }
}

/// What is to be seen of a text, from a character on where it is long.
fn shown(text: &str, from: usize) -> String {
    let length = text.chars().count();
    if length <= SHOWN {
        return text.to_owned();
    }
    let part: String = text.chars().skip(from).take(SHOWN).collect();
    let before = if from > 0 { "…" } else { "" };
    let after = if length > from + SHOWN { "…" } else { "" };
    format!("{before}{part}{after}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_text_the_part_that_differs_is_shown() {
        let long =
            |middle: &str| Value::Text(format!("{}{middle}{}", "a".repeat(200), "z".repeat(200)));
        let columns = ["document".to_owned()];
        let (rebuilt, live) = (vec![long("1")], vec![long("2")]);
        let difference = differing_columns(&columns, Some(&rebuilt), Some(&live)).remove(0);
        let expected = |middle: &str| format!("…{}{middle}{}…", "a".repeat(20), "z".repeat(59));
        assert_eq!((difference.rebuilt, difference.live), (expected("1"), expected("2")));
        assert_eq!(shown("short", 3), "short");
    }
}
