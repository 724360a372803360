//! The questions of docs/sql.md, answered by a server and by the files alone.

mod answers;

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::{Map, Value, json};
use shiplog_projections::sql::{Limits, Parameters, Question, Reader};
use tempfile::tempdir;

use self::answers::{AT, Asked, NOW};
use super::{
    data::History,
    fold::by_line,
    import::{import_into, is_summary_of},
    what_if,
};
use crate::{
    home::Home,
    support::{Client, PATIENCE, Server, shiplog},
};

/// Every question of the page, by its heading.
fn questions() -> BTreeMap<String, String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/sql.md");
    let text = fs::read_to_string(page).unwrap();
    let sections = text.split("\n### ").skip(1);
    let question = |section: &str| {
        let (heading, rest) = section.split_once('\n').unwrap();
        let (_, rest) = rest.split_once("```sql\n").unwrap();
        let (query, _) = rest.split_once("```").unwrap();
        (heading.to_owned(), query.to_owned())
    };
    sections.map(question).collect()
}

/// What stands for the parameters of a question.
fn parameters(query: &str, from: &str, to: &str) -> Map<String, Value> {
    let known =
        [(":from", "from", from), (":to", "to", to), (":now", "now", NOW), (":at", "at", AT)];
    let asked = known.into_iter().filter(|(sign, ..)| query.contains(sign));
    asked.map(|(_, name, value)| (name.to_owned(), value.into())).collect()
}

/// Asks a server, for as long as its tables are being made.
fn ask(client: &Client, query: &str, parameters: &Map<String, Value>) -> Value {
    let body = json!({"query": query, "parameters": parameters}).to_string();
    let position = client.position();
    let headers = [("Content-Type", "application/json"), ("Shiplog-At-Least", position.as_str())];
    loop {
        let answer = client.send("POST", "/v1/sql", &headers, body.as_bytes());
        if answer.status != 503 {
            return answer.expect(200).json();
        }
        // The server has waited for 2 seconds before it says so.
        assert_eq!(answer.json()["code"], "projection-behind", "{}", answer.text());
    }
}

/// Compares every answer with what the files come to: the tables that a server keeps in a directory
/// are asked without it, and so without its limit of time.
pub(super) fn answers_are_those_of_the_files(
    history: &History,
    client: &Client,
    data: &Path,
    [from, to]: [&str; 2],
) {
    let told = ask(client, "SELECT count(*) FROM events", &Map::new());
    assert_eq!(told["rows"], json!([[history.events()]]));
    let mut reader = Reader::open(&data.join("read-models")).unwrap();
    let effects = by_line(history);
    let mut expected = Asked { effects: &effects, history, from, to }.answers();
    for (heading, source) in questions() {
        let parameters = Parameters::Named(parameters(&source, from, to));
        let question = Question { source, parameters, now: None };
        let limits = Limits { rows: 10_000, time: PATIENCE, ..Limits::MOST };
        let told = reader.ask(&question, limits).unwrap().value;
        let known = expected.remove(heading.as_str());
        let known = known.unwrap_or_else(|| panic!("nothing is known of `{heading}`"));
        assert!(!known.is_empty() && !told.truncated, "{heading}");
        assert_eq!(told.rows.len(), known.len(), "{heading}");
        for (told, known) in told.rows.iter().zip(&known) {
            let is_same = told.len() == known.len() && told.iter().zip(known).all(same);
            assert!(is_same, "{heading}: {told:?} is not {known:?}");
        }
    }
    assert!(expected.is_empty(), "the page does not ask {:?}", expected.keys());
}

/// Whether two values are the same, up to how a fraction is rounded.
fn same((told, known): (&Value, &Value)) -> bool {
    match (told.as_f64(), known.as_f64()) {
        (Some(told), Some(known)) => (told - known).abs() < 0.06,
        _ => told == known,
    }
}

#[test]
fn wikimedia_answers_what_the_page_about_sql_asks_and_what_would_have_been() {
    let Some(history) = History::find("wikimedia") else { return };
    let home = Home::embedded();
    is_summary_of(&import_into(&history, &home), &history);
    let (server, data) = (home.server("one"), home.directory("one"));
    answers_are_those_of_the_files(&history, &server.client(), &data, ["staging", "codfw"]);
    what_if::decisions_are_those_of_the_files(&history, &home);
}

#[test]
fn the_demonstration_answers_what_the_page_about_sql_asks() {
    let data = tempdir().unwrap();
    let mut command = shiplog();
    command.args(["serve", "--demo", "--listen", "127.0.0.1:0", "--data"]).arg(data.path());
    let server = Server::run(&mut command);
    let client = server.client();
    let answers: BTreeMap<_, _> = questions()
        .into_iter()
        .map(|(heading, query)| {
            let parameters = parameters(&query, "staging", "production");
            let told = ask(&client, &query, &parameters);
            (heading, told["rows"].as_array().unwrap().len())
        })
        .collect();
    assert_eq!(answers.len(), 12);
    for heading in
        ["Deployments per week and team", "Lead time by service", "Rollbacks by week and actor"]
    {
        assert!(answers[heading] > 5, "{heading}: {answers:?}");
    }
}
