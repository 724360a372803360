//! Parameters and headers, with their limits.

use serde_json::{Value, json};
use utoipa::{
    IntoParams, PartialSchema as _,
    openapi::{
        KnownFormat, ObjectBuilder, RefOr, Required, Schema, SchemaFormat,
        path::{Parameter, ParameterBuilder, ParameterIn},
        schema::{ArrayBuilder, Type},
    },
};

use crate::{
    definitions::preview,
    deployments::KINDS,
    problem::ProblemKind,
    shapes::{ClassificationWord, Name, Number, StatusWord, Token},
    what_if,
};

/// RFC 3339, or a date.
const INSTANT: &str = "^(\
    [0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])\
    |(0[469]|11)-(0[1-9]|[12][0-9]|30)\
    |02-(0[1-9]|1[0-9]|2[0-8]))\
    |[0-9]{2}(0[48]|[2468][048]|[13579][26])-02-29)\
    (T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9]))?$";

macro_rules! params {
    ($($(#[$doc:meta])* $name:ident = [$($param:expr),+ $(,)?];)+) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        impl IntoParams for $name {
            fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
                vec![$($param),+]
            }
        }
    )+};
}

params! {
    /// The lane in a path.
    LaneParams = [in_path("service", Name::schema()), in_path("environment", Name::schema())];
    /// The deployment's number in a path.
    NumberParam = [in_path("number", Number::schema())];
    /// What a deployment is compared with.
    AgainstParam = [query("against", pattern(r"^([^\x00-\x1f\x7f-\x9f]{1,200}/)?[1-9][0-9]{0,8}$"),
        "against this deployment of the service, `41` or `staging/12`, and not what it replaced")];
    /// The release in a path.
    ReleaseParams = [in_path("service", Name::schema()), in_path("version", Name::schema())];
    /// The environment in a path.
    EnvironmentParam = [in_path("name", Name::schema())];
    /// A projection that a user wrote, in a path.
    ScriptParam = [in_path("name", pattern("^[A-Za-z][A-Za-z0-9._-]{0,99}$"))];
    /// One of several partitions.
    PartitionParam = [query("partition", text(1, 1_000), "of this partition, where it has some")];
    /// A page of partitions.
    PartitionsParams = [
        query("limit", integer(1, 1_000), "how many entries; 50 unless something else is said"),
        query("cursor", text(0, 1_000), "where the page starts: `next` of the last"),
    ];
    /// How a query that was defined is asked.
    RowsParams = [
        query("limit", integer(1, 1_000), "how many rows; 1,000 unless something else is said"),
        query("param", pattern("^[^=]+=.*$"), "the value of a parameter of the query: `name=value`"),
    ];
    /// The projection in a path.
    ProjectionParam = [in_path("name", text(1, 200))];
    /// The service that a list is of.
    ServiceParam = [query("service", Name::schema(), "of this service")];
    /// A page of a list.
    PageParams = [
        query("limit", integer(1, 1_000), "how many entries; 50 unless something else is said"),
        query("cursor", pattern("^c[no][0-9a-f]{24}$"),
            "where the page starts: `next` of the last, with the same filters and the same order"),
        query("order", words(["newest", "oldest", "desc", "asc"]), "which end comes first"),
    ];
    /// A page of a list that is sorted by name.
    NamePageParams = [
        query("limit", integer(1, 1_000), "how many entries; 1,000 unless something else is said"),
        query("cursor", pattern("^a[0-9a-f]{8,1608}$"),
            "where the page starts: `next` of the last, of the same list"),
    ];
    /// What the audit is answered as.
    ReportParam = [
        query("format", words(["json", "csv", "report"]),
            "as `Accept` says unless something else is said"),
    ];
    /// What a list is answered as.
    FormatParam = [
        query("format", words(["json", "csv"]), "as `Accept` says unless something else is said"),
    ];
    /// Both clocks.
    AsOfParams = [
        query("at", instant(), "as of then"),
        query("known_at", instant(), "as known then"),
    ];
    /// Two instants, and the other clock.
    DiffParams = [
        needed("from", instant(), "the first instant"),
        needed("to", instant(), "the second instant"),
        query("known_at", instant(), "as known then"),
    ];
    /// When and why a service was removed.
    RemovalParams = [
        query("at", date_time(), "when it happened; now unless something else is said"),
        query("reason", text(0, 10_000), "in the words of who removes it"),
    ];
    /// Which deployments are listed.
    HistoryParams = [
        query("service", Name::schema(), "of this service"),
        query("environment", Name::schema(), "in this environment"),
        query("actor", text(1, 200), "requested by the actor with this id"),
        query("version", Name::schema(), "of this version"),
        query("commit", text(4, 200), "of the commit that begins so, in capital or small letters"),
        query("artifact", text(1, 500), "with an artifact of this name or digest"),
        query("status", StatusWord::schema(), "that have come this far"),
        query("intent", words(KINDS), "asked for with this intent"),
        query("classification", ClassificationWord::schema(), "that were this"),
        labels(),
        query("since", instant(), "requested then or later"),
        query("until", instant(), "requested before then"),
        query("q", text(1, 1_000), "a search: words, `\"phrases\"`, `begin*` and `key:value` terms, all of \
            which hold; `-` before one leaves out. The keys are service, env, version, status, actor, \
            commit, label, artifact, intent, is, since, until, duration; another one is a 400 that says \
            at which character, and what was meant"),
    ];
    /// Which rollbacks are listed.
    RollbackParams = [
        query("service", Name::schema(), "of this service"),
        query("environment", Name::schema(), "in this environment"),
        query("actor", text(1, 200), "requested by the actor with this id"),
        query("declared", words(["true", "false"]), "that were asked for, or that were not"),
        query("status", StatusWord::schema(), "that have come this far"),
        query("since", instant(), "requested then or later"),
        query("until", instant(), "requested before then"),
        query("q", text(1, 1_000), "with this in the reason"),
        query("account", words(["corrected", "reported"]),
            "as is known now, or as it was recorded first"),
    ];
    /// Which events are listed.
    EventParams = [
        query("after", position(), "after this position; 0 is before the first event"),
        query("cursor", position(), "the same: `next` of the last page"),
        query("limit", integer(1, 1_000), "how many events; 50 unless something else is said"),
        query("stream", text(1, 1_500), "of this stream alone"),
    ];
    /// Where a live stream starts.
    LiveParams = [
        query("after", pattern("^(head|[0-9]{1,18})$"), "after this position, or `head`"),
        header("Last-Event-ID", position(), "the last event that was seen"),
    ];
}

fn parameter(name: &str, place: ParameterIn, schema: impl Into<RefOr<Schema>>) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(Required::False)
        .schema(Some(schema))
}

fn in_path(name: &str, schema: impl Into<RefOr<Schema>>) -> Parameter {
    parameter(name, ParameterIn::Path, schema).required(Required::True).build()
}

fn query(name: &str, schema: impl Into<RefOr<Schema>>, text: &str) -> Parameter {
    parameter(name, ParameterIn::Query, schema).description(Some(text)).build()
}

fn needed(name: &str, schema: impl Into<RefOr<Schema>>, text: &str) -> Parameter {
    let parameter = parameter(name, ParameterIn::Query, schema).required(Required::True);
    parameter.description(Some(text)).build()
}

fn header(name: &str, schema: impl Into<RefOr<Schema>>, text: &str) -> Parameter {
    parameter(name, ParameterIn::Header, schema).description(Some(text)).build()
}

fn labels() -> Parameter {
    let labels = ArrayBuilder::new().items(pattern("^([^:=]+|\"([^\"]|\"\")+\")[:=]"));
    let text = "with this label, `name:value` or `name=value`, or `\"name\"=value` where the name holds \
        one of these signs; can be repeated";
    query("label", labels, text)
}

fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn text(min: usize, max: usize) -> RefOr<Schema> {
    string().min_length(Some(min)).max_length(Some(max)).into()
}

fn pattern(pattern: &str) -> RefOr<Schema> {
    string().pattern(Some(pattern)).into()
}

fn words<const N: usize>(words: [&str; N]) -> RefOr<Schema> {
    string().enum_values(Some(words)).into()
}

fn integer(min: u32, max: u32) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(min)).maximum(Some(max)).into()
}

fn position() -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).maximum(Some(i64::MAX)).into()
}

fn instant() -> RefOr<Schema> {
    string().pattern(Some(INSTANT)).description(Some("RFC 3339, or a date")).into()
}

fn date_time() -> RefOr<Schema> {
    string().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))).into()
}

/// The headers that a request to this path can have.
pub(super) fn headers_for(path: &str, reads: bool) -> Vec<Value> {
    let printable = || {
        let text = string().min_length(Some(1)).max_length(Some(200));
        text.pattern(Some("^[!-~]([ -~]*[!-~])?$"))
    };
    let mut headers = vec![header("X-Request-Id", string(), "by which it can be found again")];
    let from_models = reads
        && !path.contains("/events")
        && !path.contains("/rebuild")
        && ![what_if::PATH, preview::PATH].contains(&path);
    if from_models {
        // Nothing is the same as no header at all.
        let token = pattern("^([0-9a-f]{8}:[0-9]{1,18})?$");
        headers.push(header("Shiplog-At-Least", token, "how far the answer has to be"));
    }
    if !reads {
        headers.push(header("Shiplog-Actor", printable(), "who: `ana`, `service:ci`"));
    }
    if !reads && !path.ends_with(":batch") {
        headers.push(header("Idempotency-Key", printable(), "the promise that it is the same"));
    }
    headers.iter().filter_map(|header| serde_json::to_value(header).ok()).collect()
}

/// The headers that an answer with this status has.
#[expect(clippy::indexing_slicing, reason = "indexing JSON puts in what is not there")]
pub(super) fn headers_of(status: &str, reads: bool) -> Value {
    let mut headers = json!({
        "Shiplog-Position": {"description": "how far the answer is", "schema": Token::schema()},
    });
    if reads {
        headers["Shiplog-Behind"] = json!({
            "description": "by how many events the answer is behind what was recorded before it was \
                asked for; not there if it is not",
            "schema": {"type": "integer", "minimum": 1},
        });
        headers["Shiplog-Damaged"] = json!({
            "description": "how many streams are told of only up to an event that does not fit, in this \
                answer or in others; not there if none is",
            "schema": {"type": "integer", "minimum": 1},
        });
    } else {
        headers["ETag"] = described("the version of the stream after the write");
        headers["Idempotency-Key"] = described("the key, given or made up");
        headers["Idempotency-Replayed"] = described("`true` if it was recorded before");
    }
    if status == "201" {
        headers["Location"] = described("where the deployment is");
    }
    headers
}

fn described(text: &str) -> Value {
    json!({"description": text, "schema": {"type": "string"}})
}

/// Keeps the list of slugs next to the path that explains them.
pub(super) fn slugs() -> Vec<&'static str> {
    ProblemKind::ALL.iter().map(|kind| kind.slug()).collect()
}
