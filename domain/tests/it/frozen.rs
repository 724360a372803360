//! Each schema that was ever written, described once and never again: `tests/compat/schemas`.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::{Map, Value};

/// The fields of one schema of one event type.
#[derive(Debug, Default)]
pub(crate) struct Fields(BTreeMap<String, Field>);

/// What stands in one place: in a field, in each entry of a list (`[]`), under each name (`*`).
#[derive(Debug)]
struct Field {
    /// `text`, `number`, `boolean`, `list` or `object`.
    kind: String,
    is_optional: bool,
    inner: Fields,
}

impl Fields {
    /// Reads the description, which has to be there.
    pub(crate) fn of(event_type: &str, schema: u16) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/compat/schemas");
        let file = folder.join(event_type).join(format!("v{schema}.txt"));
        let text = fs::read_to_string(&file)
            .unwrap_or_else(|error| panic!("{}: {error}; describe the schema", file.display()));
        let mut fields = Self::default();
        let mut lines: Vec<_> = text.lines().collect();
        // What holds a field comes before the field, however the question marks sort.
        lines.sort_by_key(|line| line.matches(['.', '[']).count());
        for line in lines {
            let (place, kind) = line.split_once(' ').unwrap();
            fields.add(place, kind);
        }
        fields
    }

    fn add(&mut self, place: &str, kind: &str) {
        let (path, is_optional) = match place.strip_suffix('?') {
            Some(path) => (path, true),
            None => (place, false),
        };
        let path = path.replace("[]", ".[]");
        let (holders, name) = path.rsplit_once('.').map_or(("", path.as_str()), |parts| parts);
        let mut fields = self;
        for holder in holders.split('.').filter(|holder| !holder.is_empty()) {
            fields = &mut fields.0.get_mut(holder).unwrap().inner;
        }
        let field = Field { kind: kind.to_owned(), is_optional, inner: Self::default() };
        assert!(fields.0.insert(name.to_owned(), field).is_none(), "{place} stands there twice");
    }

    /// What a reader that knows these fields sees of a payload; an error is that it could not read it.
    pub(crate) fn seen(&self, data: &Map<String, Value>) -> Result<Map<String, Value>, String> {
        if let Some(each) = self.0.get("*") {
            let seen = data.iter().map(|(name, value)| Ok((name.clone(), each.seen(value)?)));
            return seen.collect();
        }
        let mut seen = Map::new();
        for (name, field) in &self.0 {
            match data.get(name) {
                Some(value) => {
                    let inner = field.seen(value).map_err(|error| format!("{name}: {error}"))?;
                    seen.insert(name.clone(), inner);
                }
                None if field.is_optional => {}
                None => return Err(format!("`{name}` is missing")),
            }
        }
        Ok(seen)
    }
}

impl Field {
    fn seen(&self, value: &Value) -> Result<Value, String> {
        let found = match value {
            Value::Null => "nothing",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "text",
            Value::Array(_) => "list",
            Value::Object(_) => "object",
        };
        if found != self.kind {
            return Err(format!("it is {found} and not {}", self.kind));
        }
        Ok(match value {
            Value::Array(entries) => {
                let entry = self.inner.0.get("[]").ok_or("nobody says what is in the list")?;
                Value::Array(entries.iter().map(|one| entry.seen(one)).collect::<Result<_, _>>()?)
            }
            Value::Object(fields) => Value::Object(self.inner.seen(fields)?),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
        })
    }
}
