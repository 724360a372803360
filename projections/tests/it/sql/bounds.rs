//! What a question cannot do, and what it is told then.

use std::time::Duration;

use serde_json::{Value, json};
use shiplog_projections::sql::{AskError, Limits, Parameters, Question};

use super::Tables;
use crate::{
    laws::run,
    support::{World, lane, report},
};
use shiplog_domain::lane::Outcome;

fn asked(test: impl AsyncFnOnce(Tables)) {
    run(async {
        let world = World::new();
        for second in 0..50 {
            let succeeded = report(second, &second.to_string(), Outcome::Succeeded);
            world.tell(&lane("checkout"), succeeded).await;
        }
        test(Tables::of(&world).await).await;
    });
}

#[test]
fn what_is_no_question_is_refused_and_told_what_is() {
    asked(async |mut tables| {
        for (source, said) in [
            ("DELETE FROM events", "cannot modify events"),
            ("DELETE FROM main.sql_events", "only questions are taken"),
            ("CREATE TEMP TABLE t (a)", "only questions are taken"),
            ("PRAGMA query_only = 0", "only questions are taken"),
            ("ATTACH 'other.sqlite' AS other", "only questions are taken"),
            ("COMMIT", "only questions are taken"),
            ("SELECT * FROM sqlite_schema", "`sqlite_master` cannot be asked; there are events"),
            ("SELECT document FROM main.deployments", "`deployments` cannot be asked"),
            ("SELECT * FROM pragma_table_info('events')", "`pragma_table_info` cannot be asked"),
            ("SELECT * FROM checkpoint", "`checkpoint` cannot be asked"),
            ("SELECT load_extension('x')", "`load_extension` is not taken"),
            ("SELECT random()", "`random` is not taken: what it gives, or how long it takes"),
            ("SELECT current_timestamp", "`current_timestamp` is not taken"),
            ("SELECT datetime('now')", "`datetime` with 'now' depends on when"),
            ("SELECT date()", "`date` without a time is of now"),
            ("SELECT strftime('%Y')", "`strftime` without a time is of now"),
            ("SELECT time('12:00', 'localtime')", "`time` with 'localtime' depends on"),
            ("SELECT 1; SELECT 2", "more than one statement"),
            (" -- nothing", "no statement"),
        ] {
            let refused = tables.refused(source);
            assert!(refused.contains(said), "{source}: {refused}");
        }
        assert_eq!(tables.ask("SELECT count(*) FROM events"), [[json!(100)]]);
    });
}

#[test]
fn what_is_wrong_is_told_with_its_line_and_column() {
    asked(async |mut tables| {
        for (source, said) in [
            ("SELEC 1", "near \"SELEC\": syntax error (line 1, column 1)"),
            ("SELECT service,\n  verson FROM lanes", "no such column: verson (line 2, column 3)"),
            ("SELECT 'ü', random()", "is given (line 1, column 13)"),
            ("SELECT \"checkout\"", "in single-quotes? (line 1, column 8)"),
        ] {
            let refused = tables.refused(source);
            assert!(refused.ends_with(said), "{source}: {refused}");
        }
    });
}

#[test]
fn what_would_take_too_much_is_stopped() {
    asked(async |mut tables| {
        let counting = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)";
        let deep = format!("SELECT {}1", "1 + ".repeat(500));
        let wide = format!("SELECT {}1", "1, ".repeat(5_000));
        let nested =
            (1..30).map(|one| format!(", t{one} AS (SELECT 1 FROM t{0}, t{0} x)", one - 1));
        let nested =
            format!("WITH t0 AS (SELECT 1){} SELECT count(*) FROM t29", nested.collect::<String>());
        for source in [
            &format!("{counting} SELECT count(*) FROM n"),
            &format!("{counting} SELECT i FROM n ORDER BY i DESC"),
            "SELECT count(*) FROM events, events a, events b, events c, events d, events e",
            "SELECT zeroblob(1000000000)",
            "SELECT printf('%1000000000d', 1)",
            "SELECT replace(printf('%.*c', 1000000, 'a'), 'a', 'aaaa')",
            "SELECT json_valid(replace(printf('%.*c', 2000000, 'a'), 'a', '[')) || 1 FROM nowhere",
            &deep,
            &wide,
            &nested,
        ] {
            tables.refused(source);
        }
        // Within bounds, because they are not SQLite's own.
        let long = "printf('%.*c', 600000, 'a')";
        assert_eq!(
            tables.ask(&format!("SELECT instr({long} || {long}, {long} || 'b')")),
            [[json!(0)]]
        );
    });
}

#[test]
fn an_answer_is_no_larger_than_asked_for_and_says_so() {
    asked(async |mut tables| {
        let mut ask = |rows, bytes, time| {
            let source = "SELECT stream FROM events ORDER BY position".into();
            let question = Question { source, parameters: Parameters::default(), now: None };
            let limits = Limits { rows, bytes, time };
            tables.reader.ask(&question, limits).map(|answer| answer.value)
        };
        let second = Duration::from_secs(1);
        let cut = ask(7, 1_000_000, second).unwrap();
        assert_eq!((cut.rows.len(), cut.truncated), (7, true));
        let cut = ask(1_000, 100, second).unwrap();
        assert_eq!((cut.rows.len(), cut.truncated), (4, true));
        let whole = ask(100, 1_000_000, second).unwrap();
        assert_eq!((whole.rows.len(), whole.truncated), (100, false));
    });
}

#[test]
fn parameters_are_bound_by_name_or_in_their_order() {
    asked(async |mut tables| {
        let named = |value: Value| Parameters::Named(value.as_object().unwrap().clone());
        let mut ask = |source: &str, parameters| tables.try_ask(source, parameters);
        let found = ask("SELECT :a, @b, $c", named(json!({"a": 1, "b": "x", "c": null}))).unwrap();
        assert_eq!(found.rows, [[json!(1), json!("x"), Value::Null]]);
        let found =
            ask("SELECT ?2, ?1", Parameters::Ordered(vec![json!(1.5), json!(true)])).unwrap();
        assert_eq!(found.rows, [[json!(1), json!(1.5)]]);
        for (source, given, said) in [
            ("SELECT :since", json!({}), "the parameter `:since` has no value"),
            ("SELECT :a", json!({"a": 1, "b": 2}), "the query has no parameter `:b`; it has :a"),
            ("SELECT 1", json!({"b": 2}), "the query has no parameter `:b`"),
        ] {
            let error = ask(source, named(given)).unwrap_err();
            assert!(matches!(error, AskError::Parameter { .. }), "{error:?}");
            assert_eq!(error.to_string(), said);
        }
        let error = ask("SELECT ?", Parameters::Ordered(vec![json!(1), json!(2)])).unwrap_err();
        assert_eq!(error.to_string(), "2 values are given, and the query has 1");
    });
}

#[test]
fn values_are_told_as_json_has_them() {
    asked(async |mut tables| {
        let told = tables.ask("SELECT NULL, 7, 1.5, 'ü', x'00ff', 9e999, 9223372036854775807");
        let expected = json!([null, 7, 1.5, "ü", "00FF", "inf", 9_223_372_036_854_775_807_i64]);
        assert_eq!(json!(told[0]), expected);
        let day = tables.ask("SELECT date(at), strftime('%H', at, '+1 hour') FROM events LIMIT 1");
        assert_eq!(day, [[json!("1970-01-01"), json!("01")]]);
        let each = tables.ask("SELECT value FROM json_each('[3, 4]') WHERE value > 3");
        assert_eq!(each, [[json!(4)]]);
    });
}
