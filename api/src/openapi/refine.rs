//! What derived schemas cannot say: which fields go together.

use serde_json::{Map, Value, json};

use utoipa::PartialSchema as _;

use super::{QUESTIONS, params};
use crate::lag::Behind;

/// Puts into the document what its derived schemas leave out.
#[expect(clippy::indexing_slicing, reason = "indexing JSON puts in what is not there")]
pub(super) fn schemas(document: &mut Value) {
    if let Some(slug) = document.pointer_mut("/paths/~1problems~1{slug}/get/parameters/0/schema") {
        *slug = json!({"type": "string", "enum": params::slugs()});
    }
    let answers = answers(document);
    let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut)
    else {
        return;
    };
    if let Some(mut release) = schemas.get("ReleaseGiven").cloned() {
        release["properties"]["version"] = reference("Name");
        release["required"] = json!(["version"]);
        schemas.insert("ReleaseDeployed".into(), release);
    }
    behind(schemas, &answers);
    split(schemas, "DeploymentRequest", &deployment());
    split(schemas, "TargetGiven", &target());
    split(schemas, "CorrectionGiven", &correction());
}

/// The schemas of what reads answer.
fn answers(document: &Value) -> Vec<String> {
    let paths = document.get("paths").and_then(Value::as_object).into_iter().flatten();
    let reads = paths.filter(|(path, _)| path.starts_with("/v1/")).filter_map(|(path, item)| {
        let method = if QUESTIONS.contains(&path.as_str()) { "post" } else { "get" };
        item.get(method)
    });
    let answer = "/responses/200/content/application~1json/schema/$ref";
    let names = reads.filter_map(|read| read.pointer(answer)?.as_str()?.rsplit('/').next());
    names.map(Into::into).collect()
}

/// Says that any answer to a read may be behind.
#[expect(clippy::indexing_slicing, reason = "indexing JSON puts in what is not there")]
fn behind(schemas: &mut Map<String, Value>, answers: &[String]) {
    // What was built in memory has string keys and finite numbers, so nothing can fail.
    let shape = serde_json::to_value(Behind::schema()).unwrap_or_default();
    schemas.insert("Behind".into(), shape);
    let field = json!({
        "oneOf": [nothing(), reference("Behind")],
        "description": "what is missing, where a read model was behind; else not there",
    });
    for name in answers {
        let Some(schema) = schemas.get_mut(name) else { continue };
        if schema.get("properties").is_some() {
            schema["properties"]["behind"] = field.clone();
        } else {
            let with = json!({"type": "object", "properties": {"behind": field}});
            *schema = json!({"allOf": [schema, with]});
        }
    }
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// One way to fill in an object.
struct Way {
    title: &'static str,
    /// Needed beside what is always needed.
    required: &'static [&'static str],
    /// Narrower than in general.
    properties: Value,
}

/// Puts every way to fill in an object in the place of the object.
#[expect(clippy::indexing_slicing, reason = "indexing JSON puts in what is not there")]
fn split(schemas: &mut Map<String, Value>, name: &str, ways: &[Way]) {
    let Some(mut whole) = schemas.get(name).cloned() else { return };
    if let Some(labels) = whole.pointer_mut("/properties/labels") {
        *labels = labels_schema();
    }
    if let Some(configuration) = whole.pointer_mut("/properties/configuration") {
        *configuration = configuration_schema();
    }
    let ways = ways.iter().map(|way| {
        let mut one = whole.clone();
        one["title"] = way.title.into();
        if let Some(one) = one.as_object_mut() {
            one.remove("description");
        }
        for (field, schema) in way.properties.as_object().into_iter().flatten() {
            one["properties"][field] = schema.clone();
        }
        if let Some(required) = one["required"].as_array_mut() {
            required.extend(way.required.iter().map(|field| (*field).into()));
        }
        one
    });
    let ways: Vec<_> = ways.collect();
    schemas.insert(name.into(), json!({"description": whole["description"], "anyOf": ways}));
}

fn labels_schema() -> Value {
    json!({
        "description": "whatever else there is to say, by name",
        "type": ["object", "null"],
        "maxProperties": 64,
        "propertyNames": {"type": "string", "minLength": 1, "maxLength": 200},
        "additionalProperties": {"type": "string", "maxLength": 4_000},
    })
}

fn configuration_schema() -> Value {
    let text = json!({"type": "string", "minLength": 1, "maxLength": 500});
    json!({
        "description": "the digest of each thing that the release is configured with there, by name; \
            an empty object says that it is nothing",
        "type": ["object", "null"],
        "maxProperties": 200,
        "propertyNames": text,
        "additionalProperties": text,
    })
}

fn nothing() -> Value {
    json!({"type": "null"})
}

/// An intent of one of these kinds: the word, or the object.
#[expect(clippy::indexing_slicing, reason = "indexing JSON puts in what is not there")]
fn intent(kinds: &[&str], field: Option<(&str, Value)>) -> Vec<Value> {
    let mut properties = json!({"kind": {"type": "string", "enum": kinds}});
    if let Some((name, schema)) = field {
        properties[name] = schema;
    }
    vec![
        json!({"type": "string", "enum": kinds}),
        json!({"type": "object", "properties": properties, "required": ["kind"],
            "additionalProperties": false}),
    ]
}

fn number() -> Value {
    json!({"oneOf": [nothing(), reference("Number")]})
}

fn deployment() -> Vec<Way> {
    let deploys = [
        vec![nothing()],
        intent(&["deploy", "unknown"], None),
        intent(&["roll_forward"], Some(("mends", number()))),
    ];
    let deploys = json!({"anyOf": deploys.concat()});
    let to = json!({"oneOf": [nothing(), reference("Name"), reference("Number")]});
    let rollback = json!({"anyOf": intent(&["rollback"], Some(("to", to)))});
    let retry = json!({"anyOf": intent(&["retry"], Some(("of", number())))});
    let deployed = json!({"intent": deploys, "release": reference("ReleaseDeployed")});
    let reason = json!({"type": "string", "minLength": 1, "maxLength": 10_000});
    let back = json!({"intent": rollback, "release": nothing(), "configuration": nothing(),
        "reason": reason});
    let maybe_deployed = json!({"oneOf": [nothing(), reference("ReleaseDeployed")]});
    let was_back = json!({"intent": rollback, "release": maybe_deployed});
    let again = json!({"intent": retry, "release": nothing(), "configuration": nothing()});
    let with_release = stages(
        [
            "A deployment with a release, asked for",
            "A deployment with a release, reported",
            "A failed deployment with a release, reported",
        ],
        (&["release"], &deployed),
        (&["release", "status"], &deployed),
    );
    let rollbacks = stages(
        ["A rollback, asked for", "A rollback, reported", "A failed rollback, reported"],
        (&["intent", "reason"], &back),
        (&["intent", "status"], &was_back),
    );
    let retries = stages(
        ["A retry, asked for", "A retry, reported", "A failed retry, reported"],
        (&["intent"], &again),
        (&["intent", "status"], &again),
    );
    [with_release, rollbacks, retries].into_iter().flatten().collect()
}

/// Three ways to say one kind of deployment: asked for, reported, and reported to have failed. Only
/// what is asked for meets guard rails, and only what failed has an error.
fn stages(
    titles: [&'static str; 3],
    asked: (&'static [&'static str], &Value),
    reported: (&'static [&'static str], &Value),
) -> [Way; 3] {
    let [title_asked, title_reported, title_failed] = titles;
    let way = |title, (required, fields): (&'static [&'static str], &Value), more: Value| {
        let fields = [fields, &more].into_iter().filter_map(Value::as_object).flatten();
        let fields = fields.map(|(name, schema)| (name.clone(), schema.clone()));
        Way { title, required, properties: fields.collect() }
    };
    [
        way(
            title_asked,
            asked,
            json!({"status": {"enum": [null, "requested"]}, "error": nothing()}),
        ),
        way(
            title_reported,
            reported,
            json!({"status": {"enum": ["started", "succeeded"]}, "error": nothing(),
                "override": nothing()}),
        ),
        way(title_failed, reported, json!({"status": {"enum": ["failed"]}, "override": nothing()})),
    ]
}

fn target() -> Vec<Way> {
    vec![
        Way {
            title: "A target that started or succeeded",
            required: &[],
            properties: json!({"status": {"enum": ["started", "succeeded"]}, "error": nothing()}),
        },
        Way {
            title: "A target that failed",
            required: &[],
            properties: json!({"status": {"enum": ["failed"]}}),
        },
    ]
}

fn correction() -> Vec<Way> {
    vec![
        Way {
            title: "It was asked for with another intent",
            required: &["intent"],
            properties: json!({"kind": {"enum": ["intent"]}, "intent": reference("TrueIntent")}),
        },
        Way {
            title: "It never took place, did harm, or did none after all",
            required: &[],
            properties: json!({"kind": {"enum": ["void", "blamed", "cleared"]},
                "intent": nothing()}),
        },
    ]
}
