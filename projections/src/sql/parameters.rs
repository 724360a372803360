//! Values for the parameters of a question.

use rusqlite::{Statement, types::Value};
use serde_json::Value as Json;

use super::{AskError, Question, times::text};

/// What stands for the parameters of a question.
#[derive(Clone, Debug, PartialEq)]
pub enum Parameters {
    /// By name: `:since`, `@since`, `$since`.
    Named(serde_json::Map<String, Json>),
    /// In their order: `?1`, `?`.
    Ordered(Vec<Json>),
}

impl Default for Parameters {
    fn default() -> Self {
        Self::Named(serde_json::Map::new())
    }
}

/// Reads `name=value`, as parameters are given where there is no JSON; a whole number is a number.
pub fn parameter(text: &str) -> Option<(String, Json)> {
    let (name, value) = text.split_once('=')?;
    let whole = value.parse::<i64>().ok().filter(|whole| whole.to_string() == value);
    Some((bare(name).into(), whole.map_or_else(|| value.into(), Json::from)))
}

/// Gives every parameter its value; what is given has to be asked for.
pub(super) fn bind(statement: &mut Statement<'_>, question: &Question) -> Result<(), AskError> {
    let count = statement.parameter_count();
    let mut names = Vec::new();
    for index in 1..=count {
        let name = statement.parameter_name(index).map(ToOwned::to_owned);
        let value = value(question, index, name.as_deref())?;
        let bound = statement.raw_bind_parameter(index, value);
        bound.map_err(|error| wrong(name.as_deref().unwrap_or("?"), error.to_string()))?;
        names.extend(name);
    }
    match &question.parameters {
        Parameters::Named(given) => {
            let asked = |name: &str| names.iter().any(|asked| bare(asked) == bare(name));
            match given.keys().find(|name| !asked(name)) {
                Some(name) if names.is_empty() => {
                    Err(wrong(name, format!("the query has no parameter `:{}`", bare(name))))
                }
                Some(name) => {
                    let (name, known) = (bare(name), names.join(", "));
                    Err(wrong(
                        name,
                        format!("the query has no parameter `:{name}`; it has {known}"),
                    ))
                }
                None => Ok(()),
            }
        }
        Parameters::Ordered(given) if given.len() > count => {
            let what = format!("{} values are given, and the query has {count}", given.len());
            Err(wrong(&count.to_string(), what))
        }
        Parameters::Ordered(_) => Ok(()),
    }
}

fn value(question: &Question, index: usize, name: Option<&str>) -> Result<Value, AskError> {
    let shown = name.unwrap_or("?");
    let given = match (&question.parameters, name) {
        (Parameters::Ordered(given), None) => given.get(index - 1),
        (Parameters::Ordered(given), Some(name)) if name.starts_with('?') => given.get(index - 1),
        (Parameters::Named(given), Some(name)) => {
            given.iter().find(|(key, _)| bare(key) == bare(name)).map(|(_, value)| value)
        }
        (Parameters::Ordered(_), Some(_)) | (Parameters::Named(_), None) => None,
    };
    match (given, question.now) {
        (Some(given), _) => Ok(of(given)),
        (None, Some(now)) if bare(shown) == "now" => Ok(Value::Text(text(now))),
        (None, _) => Err(wrong(bare(shown), format!("the parameter `{shown}` has no value"))),
    }
}

fn of(given: &Json) -> Value {
    match given {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Integer(i64::from(*truth)),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Value::Integer(whole),
            None => number.as_f64().map_or(Value::Null, Value::Real),
        },
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(_) | Json::Object(_) => Value::Text(given.to_string()),
    }
}

/// A name without its sign.
fn bare(name: &str) -> &str {
    name.trim_start_matches([':', '@', '$', '?'])
}

fn wrong(name: &str, what: String) -> AskError {
    AskError::Parameter { name: bare(name).into(), what }
}
