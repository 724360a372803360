//! What people type and paste when they search: commits in capitals, labels with odd names, texts
//! without blanks.

use serde_json::{Value, json};

use super::{
    lane::{DEPLOYMENTS, reported, with},
    server::Server,
};
use crate::support::{Server as Process, encode, shiplog, succeed};

/// The numbers of what is found, the first one first.
fn found(server: &Server, query: &str) -> Vec<u64> {
    let list = server.get(&format!("{DEPLOYMENTS}?order=oldest&{query}"));
    list["items"].as_array().unwrap().iter().map(|one| one["number"].as_u64().unwrap()).collect()
}

fn searched(server: &Server, q: &str) -> Vec<u64> {
    found(server, &format!("q={}", encode(q)))
}

/// A server with a deployment for each of these, a minute apart.
fn told(fields: impl IntoIterator<Item = Value>) -> Server {
    let server = Server::start();
    for (fields, minute) in fields.into_iter().zip(1..) {
        let one = reported("1", &format!("10:{minute:02}"));
        server.post(DEPLOYMENTS, &with(one, fields));
    }
    server
}

#[test]
fn a_commit_is_found_in_capital_and_small_letters_whatever_it_is() {
    let commits =
        ["3f2c9ab", "3F2C9ABD", "release-Candidate/7", "0a1b", "\u{c4}NDERUNG", "3f2caaa"];
    let server = told(commits.map(|commit| json!({"release": {"version": "1", "commit": commit}})));
    for (typed, expected) in [
        ("3f2c9ab", &[1, 2][..]),
        ("3F2C9AB", &[1, 2]),
        ("3F2c9aBd", &[2]),
        ("3F2C", &[1, 2, 6]),
        ("RELEASE-candidate/", &[3]),
        ("\u{c4}nderung", &[5]),
        ("3f2c9abde", &[]),
    ] {
        assert_eq!(found(&server, &format!("commit={}", encode(typed))), expected, "{typed}");
        assert_eq!(searched(&server, &format!("commit:{typed}")), expected, "{typed}");
        assert_eq!(searched(&server, &format!("commit:0A1B,{typed} -commit:0a1b")), expected);
    }
    let kept = server.get("/v1/deployments/checkout/production/2");
    assert_eq!(kept["release"]["commit"], "3F2C9ABD", "it is told as it was reported");
}

#[test]
fn a_label_is_found_whatever_its_name_holds() {
    let server = told([
        json!({"labels": {"app:tier": "web"}}),
        json!({"labels": {"a=b": "c=d"}}),
        json!({"labels": {"app": "tier"}}),
        json!({"labels": {"say \"hi\", you: all": "web shop"}}),
        json!({"labels": {"app:tier": "db"}}),
        json!({"labels": {"\"x": "1"}}),
    ]);
    for (typed, expected) in [
        ("\"app:tier\"=web", &[1][..]),
        ("\"app:tier\":web", &[1]),
        ("app:tier", &[3]),
        ("\"app\"=tier", &[3]),
        ("\"a=b\"=c=d", &[2]),
        ("\"say \"\"hi\"\", you: all\"=web shop", &[4]),
        ("\"x=1", &[6]),
    ] {
        assert_eq!(found(&server, &format!("label={}", encode(typed))), expected, "{typed}");
    }
    for (q, expected) in [
        ("label:\"app:tier\"=web", &[1][..]),
        ("label:\"app:tier\"=web,db", &[1, 5]),
        ("label:\"app:tier\"", &[1, 3, 5]),
        ("-label:\"app:tier\"", &[2, 4, 6]),
        ("label:app:tier", &[3]),
        ("label:\"a=b\"=\"c=d\"", &[2]),
        ("label:\"a=b\"", &[2]),
        ("label:\"say \"\"hi\"\", you: all\"=\"web shop\"", &[4]),
        ("label:\"app=tier\"", &[3]),
    ] {
        assert_eq!(searched(&server, q), expected, "{q}");
    }
    let problem = server.ask("GET", "/v1/deployments?label=%22a:b%22").send();
    // There is no value: it is the label `"a` with the value `b"`, which nothing has.
    assert_eq!(problem.expect(200).json()["items"], json!([]));
    let problem = server.ask("GET", "/v1/deployments?label=team").send().problem(400, "malformed");
    assert!(problem["errors"][0]["detail"].as_str().unwrap().contains("`\"name\":value`"));
}

#[test]
fn the_board_offers_a_label_as_it_has_to_be_typed() {
    let server = told([
        json!({"service": "search", "labels": {"team": "discovery"}}),
        json!({"labels": {"app:tier": "web"}}),
    ]);
    let page = |path: &str| server.ask("GET", path).header("Accept", "text/html").send().text;
    let whole = page("/");
    let offered = whole.split_once("<datalist id=\"labels\">").unwrap().1;
    let offered = offered.split("<option value=\"").nth(1).unwrap().split('"').next().unwrap();
    let offered = offered.replace("&#34;", "\"");
    assert_eq!(offered, "\"app:tier\"=web");
    let narrowed = page(&format!("/?label={}", encode(&offered)));
    assert!(
        narrowed.contains("data-key=\"checkout\"") && !narrowed.contains("data-key=\"search\"")
    );
    let filled_in = "list=\"labels\" value=\"&#34;app:tier&#34;=web\"";
    assert!(narrowed.contains(filled_in), "{narrowed}");
}

#[test]
fn words_are_found_within_a_text_without_blanks() {
    let reasons = [
        "数据库连接失败，回滚到上一个版本",
        "決済サービスの接続がタイムアウトしました",
        "배포실패로 되돌립니다",
        "ฐานข้อมูลล้มเหลว",
        "release v2版本発売 for 東京 region",
        "the database connection failed",
    ];
    let server = told(reasons.map(|reason| json!({"reason": reason})));
    for (q, expected) in [
        ("失败", &[1][..]),
        ("连接失败", &[1]),
        ("数据*", &[1]),
        ("败失", &[]),
        ("\"版本\"", &[1, 5]),
        ("版本 -回滚", &[5]),
        ("タイムアウト", &[2]),
        ("接続が", &[2]),
        ("실패", &[3]),
        ("ล้มเหลว", &[4]),
        ("v2", &[5]),
        ("v2版本", &[5]),
        ("release region", &[5]),
        ("東京", &[5]),
        ("京", &[5]),
        ("base", &[]),
        ("data*", &[6]),
        ("\"connection failed\"", &[6]),
    ] {
        assert_eq!(searched(&server, q), expected, "{q}");
    }
    let long: String = "失败".repeat(500);
    assert_eq!(searched(&server, &long), [0; 0]);
}

#[test]
fn the_command_line_finds_the_same() {
    let data = tempfile::tempdir().unwrap();
    let process = Process::start(data.path());
    let client = process.client();
    let one = with(
        reported("1", "10:01"),
        json!({"release": {"version": "1", "commit": "3f2c9ab"}, "labels": {"a:b=c": "d"}}),
    );
    let kind = [("Content-Type", "application/json")];
    client.send("POST", DEPLOYMENTS, &kind, one.to_string().as_bytes()).expect(201);
    for words in [
        &["--commit", "3F2C9AB"][..],
        &["commit:3F2C9"],
        &["--label", "\"a:b=c\"=d"],
        &["label:\"a:b=c\"=d"],
    ] {
        let mut command = shiplog();
        command.args(["history", "--output", "json", "--server", process.url()]).args(words);
        let items: Value = serde_json::from_slice(&succeed(&mut command).stdout).unwrap();
        assert_eq!(items.as_array().unwrap().len(), 1, "{words:?}");
    }
}
