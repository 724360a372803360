//! Whatever else there is to ask, in SQL, over HTTP.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    lane::{DEPLOYMENTS, at, reported, succeeded},
    server::{Answer, Server},
};

const SQL: &str = "/v1/sql";

/// What is answered to a question that tells of all that was recorded.
fn ask(server: &Server, body: &Value) -> Answer {
    server.ask("POST", SQL).header("Shiplog-At-Least", server.position()).json(body).send()
}

fn rows(server: &Server, query: &str) -> Value {
    ask(server, &json!({"query": query})).expect(200).json()["rows"].take()
}

fn names(server: &Server) -> Vec<Value> {
    let list = server.get("/v1/projections");
    list["items"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect()
}

#[test]
fn the_tables_are_made_when_somebody_asks_and_tell_of_all_that_is_recorded_since() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1"]);
    assert!(!names(&server).contains(&"sql".into()));
    let query = "SELECT version, finished_at FROM deployments ORDER BY number";
    let first =
        json!([["1.0", "2026-03-02T10:01:00.000000Z"], ["1.1", "2026-03-02T10:02:00.000000Z"]]);
    assert_eq!(rows(&server, query), first);
    assert!(names(&server).contains(&"sql".into()));
    server.post(DEPLOYMENTS, &reported("1.0", "10:30"));
    let back = "SELECT number, declared, to_number, reverts FROM rollbacks";
    assert_eq!(rows(&server, back), json!([[3, 0, 1, "[2]"]]));
    let server = server.restart();
    assert!(names(&server).contains(&"sql".into()), "what was asked for is kept level");
    assert_eq!(rows(&server, back), json!([[3, 0, 1, "[2]"]]));
    let events = "SELECT type, at, number, data ->> '$.release.version' FROM events LIMIT 1";
    let event = json!([["DeploymentRequested", "2026-03-02T10:01:00.000000Z", 1, "1.0"]]);
    assert_eq!(rows(&server, events), event);
}

#[test]
fn an_answer_has_columns_rows_and_a_position_and_is_a_table_too() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1", "1.2"]);
    let body = json!({"query": "SELECT version, -number AS n, reason FROM deployments
        WHERE requested_at < :until ORDER BY number", "parameters": {"until": at("10:03")}, "limit": 1});
    let answer = ask(&server, &body).expect(200);
    let told = answer.json();
    assert_eq!(told["columns"], json!(["version", "n", "reason"]));
    assert_eq!((&told["rows"], &told["truncated"]), (&json!([["1.0", -1, null]]), &json!(true)));
    assert!(answer.header("shiplog-position").ends_with(&format!(":{}", told["position"])));
    assert!(!answer.has("idempotency-key"), "a question promises nothing");
    let body = json!({"query": "SELECT version, -number AS n, '=1+1' AS f FROM deployments"});
    let table = server.ask("POST", "/v1/sql?format=csv").json(&body).send().expect(200).text;
    assert_eq!(table.lines().collect::<Vec<_>>()[..2], ["version,n,f", "1.0,-1,'=1+1"]);
    let now = json!({"query": "SELECT :now > '2026' AND date(:now) IS NOT NULL"});
    assert_eq!(ask(&server, &now).expect(200).json()["rows"], json!([[1]]));
}

#[test]
fn what_is_wrong_with_a_question_is_told_where_it_is() {
    let server = Server::start();
    succeeded(&server, &["1.0"]);
    for (body, pointer, says) in [
        (json!({"query": "SELECT\n colour FROM lanes"}), "/query", "line 2, column 2"),
        (json!({"query": "DELETE FROM events"}), "/query", "cannot modify"),
        (json!({"query": "SELECT :a"}), "/parameters/a", "has no value"),
        (json!({"query": "SELECT 1", "parameters": 7}), "/parameters", "a list for `?1`"),
        (json!({"query": ""}), "/query", "1 to 100000"),
        (json!({"query": "SELECT 1", "limit": 0}), "/limit", "1 to 10000"),
        (json!({"quest": "SELECT 1"}), "/quest", "unknown field"),
    ] {
        let problem = ask(&server, &body).problem(400, "malformed");
        let error = &problem["errors"][0];
        assert_eq!(error["pointer"], pointer, "{problem}");
        assert!(error["detail"].as_str().unwrap().contains(says), "{problem}");
    }
}

#[test]
fn questions_without_end_are_stopped_and_keep_nobody_else_from_being_answered() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1"]);
    assert_eq!(rows(&server, "SELECT count(*) FROM events"), json!([[4]]));
    let endless = json!({"query": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
        SELECT count(*) FROM n"});
    thread::scope(|scope| {
        let began = Instant::now();
        let asked: Vec<_> =
            (0..6).map(|_| scope.spawn(|| server.ask("POST", SQL).json(&endless).send())).collect();
        let mut slowest = Duration::ZERO;
        while asked.iter().any(|one| !one.is_finished()) {
            let began = Instant::now();
            server.ask("GET", DEPLOYMENTS).send().expect(200);
            slowest = slowest.max(began.elapsed());
        }
        assert!(slowest < Duration::from_secs(1), "somebody waited for {slowest:?}");
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
        let answers: Vec<_> = asked.into_iter().map(|one| one.join().unwrap()).collect();
        for answer in &answers {
            match answer.status {
                422 => assert_eq!(answer.json()["code"], "query-stopped"),
                503 => assert_eq!(
                    (answer.json()["code"].as_str(), answer.header("retry-after")),
                    (Some("busy"), "1")
                ),
                other => panic!("{other}: {answer:?}"),
            }
        }
        assert!(answers.iter().filter(|answer| answer.status == 422).count() >= 2);
    });
    assert_eq!(rows(&server, "SELECT count(*) FROM events"), json!([[4]]));
}
