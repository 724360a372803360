//! A column of a list: where its values are in an item, and how they are written.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::Value;
use shiplog_domain::text::escaped;

use super::table::Shown;
use crate::instant::{Watch, show_duration};

/// One column of a list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    name: &'static str,
    /// RFC 6901, into the item.
    pointer: &'static str,
    kind: Kind,
}

/// What the values of a column are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// Text, a number or a truth value.
    Text,
    /// Text of several lines, of which people see the first one in a table.
    Lines,
    /// An instant.
    Time,
    /// The status word of a deployment or the like.
    Status,
    /// Person, service or system.
    Actor,
    /// Milliseconds.
    Duration,
    /// Names with values.
    Labels,
    /// Whatever the function makes of it.
    Made(fn(&Value) -> String),
    /// What the first function makes of it for programs, and the second one for people.
    Both(fn(&Value) -> String, fn(&Value, &Watch) -> String),
    /// A word for programs, of which the function makes what people see.
    Word(fn(&str) -> String),
}

impl Column {
    /// A column whose values are where `pointer` says.
    pub(crate) const fn new(name: &'static str, pointer: &'static str, kind: Kind) -> Self {
        Self { name, pointer, kind }
    }

    /// What people and programs call it.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// The heading of a table, which says the zone of times.
    pub(crate) fn heading(&self, watch: &Watch) -> String {
        match self.kind {
            Kind::Time => format!("{} ({})", self.name, watch.zone.title()),
            Kind::Text
            | Kind::Lines
            | Kind::Status
            | Kind::Actor
            | Kind::Duration
            | Kind::Labels
            | Kind::Made(_)
            | Kind::Both(..)
            | Kind::Word(_) => self.name.to_owned(),
        }
    }

    fn value<'a>(&self, item: &'a Value) -> Option<&'a Value> {
        item.pointer(self.pointer).filter(|value| !value.is_null())
    }

    /// The value for programs: times in UTC, durations in milliseconds.
    pub(super) fn plain(&self, item: &Value) -> String {
        let Some(value) = self.value(item) else { return String::new() };
        match self.kind {
            Kind::Text
            | Kind::Lines
            | Kind::Time
            | Kind::Status
            | Kind::Duration
            | Kind::Word(_) => plain(value),
            Kind::Actor => actor(value),
            Kind::Labels => labels(value),
            Kind::Made(make) | Kind::Both(make, _) => make(value),
        }
    }

    /// The value for people.
    pub(crate) fn shown(&self, item: &Value, watch: &Watch) -> Shown {
        let text = self.plain(item);
        match self.kind {
            Kind::Time => match text.parse::<Timestamp>() {
                Ok(instant) => watch.show(instant).into(),
                Err(_) => text.into(),
            },
            Kind::Duration => text.parse().map_or(text, show_duration).into(),
            Kind::Both(_, show) => {
                self.value(item).map_or_else(String::new, |value| show(value, watch)).into()
            }
            Kind::Status => Shown::Status(text),
            Kind::Word(show) => show(&text).into(),
            Kind::Lines => text.lines().next().unwrap_or_default().to_owned().into(),
            Kind::Text | Kind::Actor | Kind::Labels | Kind::Made(_) => text.into(),
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// The name, or else the id; what is no person says so.
pub(crate) fn actor(value: &Value) -> String {
    let text =
        |field: &str| value.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
    let name = text("name").or_else(|| text("id")).unwrap_or_default();
    match text("kind") {
        Some("person") | None => name.to_owned(),
        Some(kind) => format!("{name} ({kind})"),
    }
}

fn labels(value: &Value) -> String {
    let labels = value.as_object().into_iter().flatten();
    let labels: Vec<_> = labels.map(|(name, value)| format!("{name}={}", plain(value))).collect();
    labels.join(", ")
}

/// The text in one line, with its control characters and its hidden ones made visible, so that no
/// terminal obeys them and none changes how others are read.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(['\n', '\t']) {
        return escaped(text);
    }
    Cow::Owned(escaped(&text.replace(['\n', '\t'], " ")).into_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::instant::Zone;

    fn watch() -> Watch {
        Watch { now: "2026-11-17T18:00:00Z".parse().unwrap(), zone: Zone::named("utc").unwrap() }
    }

    #[test]
    fn programs_get_the_value_and_people_what_it_means() {
        let item = json!({
            "at": "2026-11-17T16:00:00Z", "ms": 1500, "by": {"kind": "service", "id": "ci"}, "none": null,
            "labels": {"a": "1", "b": "x"}
        });
        let both =
            |column: Column| (column.plain(&item), column.shown(&item, &watch()).into_text());
        let pair = |plain: &str, shown: &str| (plain.to_owned(), shown.to_owned());
        let time = Column::new("at", "/at", Kind::Time);
        let expected = pair("2026-11-17T16:00:00Z", "2026-11-17 16:00:00 (2h ago)");
        assert_eq!(both(time), expected);
        assert_eq!(time.heading(&watch()), "at (UTC)");
        assert_eq!(both(Column::new("ms", "/ms", Kind::Duration)), pair("1500", "1 s"));
        assert_eq!(
            both(Column::new("by", "/by", Kind::Actor)),
            pair("ci (service)", "ci (service)")
        );
        assert_eq!(both(Column::new("n", "/none", Kind::Text)), pair("", ""));
        assert_eq!(both(Column::new("l", "/labels", Kind::Labels)), pair("a=1, b=x", "a=1, b=x"));
    }

    #[test]
    fn an_escape_sequence_is_shown_instead_of_obeyed() {
        assert_eq!(printable("a\u{1b}[31mb\nc"), "a\\u{1b}[31mb c");
        assert_eq!(printable("\u{202e}gnp.exe\tx"), "\\u{202e}gnp.exe x");
        assert!(matches!(printable("plain ü"), Cow::Borrowed(_)));
    }
}
