//! One line of the `changes` format, read strictly.

use std::{collections::BTreeMap, fmt};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use sha2::{Digest as _, Sha256};
use shiplog_domain::instant::flaw;

use crate::{actor::Actor, write::hex};

/// What a line says.
///
/// Its fields are in alphabetical order: serialised, they are the content that the idempotency
/// key digests. Keys are in logs, so neither order nor names can change, and a field that is
/// added must not be serialised where it is absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    /// Who did it.
    #[serde(deserialize_with = "actor")]
    pub(super) actor: Actor,
    /// The commit that the version was built from.
    #[serde(default)]
    pub(super) commit: Option<String>,
    /// Where.
    pub(super) environment: String,
    /// Whatever else was said, by name.
    #[serde(default)]
    pub(super) labels: BTreeMap<String, String>,
    /// Why.
    #[serde(default)]
    pub(super) reason: Option<String>,
    /// What changed.
    pub(super) service: String,
    /// How it ended.
    #[serde(default)]
    pub(super) status: Status,
    /// When, as the line says.
    #[serde(deserialize_with = "time")]
    pub(super) time: Timestamp,
    /// Where to read on.
    #[serde(default)]
    pub(super) url: Option<String>,
    /// What runs since; `None` if the service was removed. Must be there, be it null.
    #[serde(deserialize_with = "Option::deserialize")]
    pub(super) version: Option<String>,
}

/// How far a deployment came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    /// It was asked for.
    Requested,
    /// It began.
    Started,
    /// It worked.
    #[default]
    Succeeded,
    /// It did not work.
    Failed,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requested => "requested",
            Self::Started => "started",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        })
    }
}

/// The first 128 bits of the SHA-256 of what a line says.
pub(super) type Fingerprint = [u8; 16];

impl Change {
    /// Reads a line; says what is wrong with it otherwise.
    pub(super) fn read(line: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(line)
            .map_err(|error| format!("byte {} is not UTF-8", error.valid_up_to() + 1))?;
        let change: Self = serde_json::from_str(text).map_err(|error| explain(&error))?;
        for (what, name) in [("service", &change.service), ("environment", &change.environment)] {
            if name.is_empty() {
                return Err(format!("`{what}` is empty"));
            }
        }
        if change.actor.id.is_empty() {
            return Err("`actor` is empty".into());
        }
        Ok(change)
    }

    /// The same for two lines that say the same, whatever their spelling.
    pub(super) fn fingerprint(&self) -> anyhow::Result<Fingerprint> {
        let mut first = Fingerprint::default();
        let digest = Sha256::digest(serde_json::to_vec(self)?);
        first.iter_mut().zip(&digest).for_each(|(to, from)| *to = *from);
        Ok(first)
    }
}

/// The key under which a line is recorded once, however often it is imported.
pub(super) fn key(fingerprint: &Fingerprint) -> String {
    format!("import-{}", hex(fingerprint, fingerprint.len()))
}

/// The message without the place, which in a text of one line is a column.
fn explain(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let message = match message.rsplit_once(" at line 1 column ") {
        Some((what, column)) if error.column() > 0 => format!("{what} (column {column})"),
        Some(_) | None => message,
    };
    if error.is_syntax() { format!("it is no JSON: {message}") } else { message }
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    if let Some(flaw) = flaw(&text) {
        return Err(D::Error::custom(format!("`{text}`: {flaw}")));
    }
    text.parse().map_err(|_| D::Error::custom(format!("`{text}` is no RFC 3339 time")))
}

fn actor<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Actor, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "`actor` is neither a text nor an object with `kind` and `id`")]
    enum Written {
        Id(String),
        Whole(Actor),
    }
    Ok(match Written::deserialize(deserializer)? {
        Written::Id(id) => Actor::guess(&id),
        Written::Whole(actor) => actor,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::actor::Kind;

    fn line() -> Value {
        json!({
            "time": "2026-01-01T00:00:00Z", "actor": "person-1", "environment": "production",
            "service": "shop/checkout", "version": "1.4.2", "commit": "3f2c"
        })
    }

    fn with(field: &str, value: Value) -> Result<Change, String> {
        let mut line = line();
        line[field] = value;
        Change::read(line.to_string().as_bytes())
    }

    fn without(field: &str) -> Result<Change, String> {
        let mut line = line();
        line.as_object_mut().unwrap().remove(field);
        Change::read(line.to_string().as_bytes())
    }

    #[test]
    fn what_is_not_said_is_a_success_without_labels() {
        let change = Change::read(line().to_string().as_bytes()).unwrap();
        assert_eq!(
            (change.status, change.labels.len(), change.reason),
            (Status::Succeeded, 0, None)
        );
        assert_eq!(without("commit").unwrap().commit, None);
    }

    #[test]
    fn an_actor_is_an_id_or_an_object() {
        assert_eq!(with("actor", json!("bot-7")).unwrap().actor.kind, Kind::Service);
        assert_eq!(with("actor", json!("ann")).unwrap().actor.kind, Kind::Person);
        let whole = json!({"kind": "system", "id": "argo", "name": "Argo CD"});
        assert_eq!(with("actor", whole).unwrap().actor.name.as_deref(), Some("Argo CD"));
        assert!(with("actor", json!(7)).unwrap_err().contains("neither"));
        assert!(with("actor", json!({"id": "x"})).is_err());
    }

    #[test]
    fn a_removal_must_say_null() {
        assert_eq!(with("version", Value::Null).unwrap().version, None);
        assert!(without("version").unwrap_err().contains("missing field `version`"));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (result, part) in [
            (with("versoin", json!("1")), "unknown field `versoin`"),
            (with("time", json!("yesterday")), "yesterday"),
            (with("time", json!("+012000-01-01T00:00:00Z")), "+012000"),
            (with("time", json!("2025-02-29T00:00:00Z")), "2025-02, which has 28 days"),
            (with("time", json!("2026-01-01T12:30:60Z")), "no second 60 here"),
            (with("time", json!("2026-01-01T12:00:00+25:00")), "from -23:59 to +23:59"),
            (with("version", json!(7)), "invalid type: integer `7`"),
            (with("status", json!("done")), "unknown variant `done`"),
            (with("labels", json!({"a": 1})), "invalid type"),
            (with("service", json!("")), "`service` is empty"),
            (without("service"), "missing field `service`"),
            (Change::read(b"{"), "EOF while parsing"),
            (Change::read(b"[]"), "invalid"),
            (Change::read(b"{\"time\xff"), "byte 7 is not UTF-8"),
            (Change::read(br#"{"service": "a", "service": "b"}"#), "duplicate field `service`"),
        ] {
            let error = result.unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn two_lines_that_say_the_same_have_the_same_key() {
        let key = |change: Change| key(&change.fingerprint().unwrap());
        let plain = key(Change::read(line().to_string().as_bytes()).unwrap());
        assert_eq!(key(with("status", json!("succeeded")).unwrap()), plain);
        assert_eq!(key(with("time", json!("2026-01-01T01:00:00+01:00")).unwrap()), plain);
        assert_eq!(key(with("actor", json!({"kind": "person", "id": "person-1"})).unwrap()), plain);
        assert_ne!(key(with("version", json!("1.4.3")).unwrap()), plain);
        // Frozen: such keys are in logs.
        assert_eq!(plain, "import-7a59cde7dccf0e19df7d0cfb28cf58da");
    }
}
