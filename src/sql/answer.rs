//! Rows whose columns are known when they come.

use std::collections::HashMap;

use serde::{
    Deserialize, Serialize, Serializer,
    ser::{SerializeMap as _, SerializeSeq as _},
};
use serde_json::Value;

use crate::{
    context::Context,
    output::{Format, Table},
};

/// What the server answered.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
    pub(crate) truncated: bool,
}

/// One row as an object, its fields in the order of the columns.
struct Item<'r>(&'r [String], &'r [Value]);

impl Serialize for Item<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(names, values) = self;
        let mut map = serializer.serialize_map(Some(values.len()))?;
        for (name, value) in names.iter().zip(*values) {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

struct Items<'r>(&'r [String], &'r [Vec<Value>]);

impl Serialize for Items<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(names, rows) = self;
        let mut list = serializer.serialize_seq(Some(rows.len()))?;
        for row in *rows {
            list.serialize_element(&Item(names, row))?;
        }
        list.end()
    }
}

impl Answer {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Writes them in the format that was set, unless that is the server's own.
    pub(crate) fn write(&self, context: &mut Context<'_>) -> anyhow::Result<()> {
        let names = self.names();
        match context.settings.output.value {
            Format::Table | Format::Csv => {
                let mut table = Table::new(context.is_terminal);
                table.head(self.columns.iter().cloned());
                for row in &self.rows {
                    table.add(row.iter().map(|value| shown(value).into()).collect());
                }
                write!(context.out, "{table}")?;
            }
            Format::Json => {
                serde_json::to_writer_pretty(&mut *context.out, &Items(&names, &self.rows))?;
                writeln!(context.out)?;
            }
            Format::Jsonl => {
                for row in &self.rows {
                    serde_json::to_writer(&mut *context.out, &Item(&names, row))?;
                    writeln!(context.out)?;
                }
            }
        }
        Ok(())
    }

    /// The columns' names, of which an object can have each one once.
    fn names(&self) -> Vec<String> {
        let mut seen = HashMap::new();
        let unique = |name: &String| {
            let times = seen.entry(name.clone()).and_modify(|times| *times += 1).or_insert(1);
            if *times == 1 { name.clone() } else { format!("{name}_{times}") }
        };
        self.columns.iter().map(unique).collect()
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_stand_in_the_order_of_the_columns_each_under_a_name_of_its_own() {
        let answer =
            json!({"columns": ["b", "a", "b"], "rows": [[1, null, 2]], "truncated": false});
        let answer: Answer = serde_json::from_value(answer).unwrap();
        let item = serde_json::to_string(&Item(&answer.names(), &answer.rows[0])).unwrap();
        assert_eq!(item, r#"{"b":1,"a":null,"b_2":2}"#);
    }
}
