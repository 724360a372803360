//! `shiplog sql`: questions of one's own, as a table and as data.

use std::fs;

use serde_json::json;

use super::call::{Said, Shop};
use crate::past;

fn shop() -> Shop {
    let shop = Shop::open();
    shop.does(
        "
        deploy checkout production 1.0 --status succeeded --at 2025-03-01T09:00Z
        deploy checkout production 1.1 --status succeeded --at 2025-03-02T09:00Z
        deploy search production 7 --status succeeded --at 2025-03-03T09:00Z --reason '=sum(A1)'
        ",
    );
    shop
}

const QUERY: &str = "sql 'SELECT service, number, reason FROM deployments ORDER BY requested_at'";

#[test]
fn rows_are_a_table_json_json_lines_or_comma_separated_values() {
    let shop = shop();
    let said = |format: &str| shop.call(&format!("{QUERY} --output {format}")).ends(0);
    assert_eq!(
        said("table").out,
        "service   number  reason\ncheckout  1\ncheckout  2\nsearch    1       =sum(A1)\n"
    );
    let last = json!({"service": "search", "number": 1, "reason": "=sum(A1)"});
    assert_eq!(said("json").json()[2], last);
    assert_eq!(said("jsonl").lines()[2], last);
    let table = "service,number,reason\r\ncheckout,1,\r\ncheckout,2,\r\nsearch,1,'=sum(A1)\r\n";
    assert_eq!(said("csv").out, table);
}

#[test]
fn a_query_takes_parameters_and_comes_from_a_file_or_a_pipe() {
    let shop = shop();
    let query = "SELECT version FROM deployments\nWHERE service = :service AND number >= :least";
    fs::write(shop.desk.join("query.sql"), query).unwrap();
    let words = "sql --param service=checkout --param least=2 --output jsonl --file";
    let told = json!({"version": "1.1"});
    let read = shop.call(&format!("{words} query.sql"));
    let piped = Said::by_feeding(&mut shop.command(&format!("{words} -")), query.as_bytes());
    for said in [read, piped] {
        assert_eq!(said.ends(0).lines()[0], told);
    }
    shop.call("sql --file none.sql").tells(2, &["none.sql"]);
    shop.call("sql --param x 'SELECT 1'").tells(2, &["name=value"]);
    shop.call("sql").tells(2, &["no query", "--schema"]);
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_more_rows_are_mentioned() {
    let shop = shop();
    shop.call("sql 'SELECT colour FROM lanes'")
        .tells(2, &["no such column: colour (line 1, column 8)"]);
    shop.call("sql 'SELECT :a'").tells(2, &["the parameter `:a` has no value"]);
    let cut = shop.call(&format!("{QUERY} --limit 1")).ends(0);
    assert_eq!(cut.out.lines().count(), 2);
    assert!(cut.err.contains("the first 1 rows, and there are more: see --limit"), "{cut:?}");
}

#[test]
fn the_schema_is_printed_without_a_server_and_a_replay_checks_the_tables_once_they_are_there() {
    let shop = shop();
    let schema = shop.desk.call("sql --schema").ends(0).out;
    assert!(schema.contains("CREATE TABLE rollbacks (") && !schema.contains("sql_"), "{schema}");
    let models = |desk: &super::call::Desk| {
        let replayed = desk.call("replay --data data --output json").ends(0).json();
        replayed.as_array().unwrap().len()
    };
    assert_eq!(models(&shop.desk), 5);
    shop.call(QUERY).ends(0);
    assert_eq!(models(&shop.close()), 6);
}

#[test]
fn a_replay_under_other_rules_lists_what_would_have_differed_without_a_server() {
    let shop = shop();
    let desk = shop.close();
    let asked = past::deploy("ann", "2025-03-07T16:00:00Z", "1.2");
    past::decide(&desk.join("data"), [("ann", asked)]);
    let rules =
        r#"{"environments": {"production": {"weekly": [{"days": ["fri"], "from": "15:00"}]}}}"#;
    fs::write(desk.join("rules.json"), rules).unwrap();
    let told = desk.call("replay --data data --with rules.json").ends(0);
    let row = "checkout  production   3       1.2      ann  false     freeze  taken  refused   the environment is frozen";
    assert!(told.out.contains(row), "{}", told.out);
    assert!(
        told.err.contains("of 4 deployments, 3 of them reported, would have differed: freeze 1"),
        "{told:?}"
    );
    let report = desk.call("replay --data data --with rules.json --output json").ends(0).json();
    assert_eq!(report["counts"], json!({"freeze": 1}));
    fs::write(
        desk.join("rules.json"),
        "{\n  \"environments\": {\"production\": {\"freeze\": []}}}",
    )
    .unwrap();
    let says = [
        "`/environments/production/freeze`: unknown field `freeze`, expected one of",
        "line 2 column",
    ];
    desk.call("replay --data data --with rules.json").tells(2, &says);
    desk.call("replay --data data --with none.json").tells(2, &["none.json"]);
}
