//! What would have been under other rules, asked of a server.

use std::{fs, path::Path};

use serde_json::{Value, json};
use shiplog_domain::{
    environment::Frozen,
    lane::{Asked, Command, DeploymentNumber, Happened, Override, Rail, Rails, RollbackTo},
};

use super::{
    lane::{DEPLOYMENTS, at, reported},
    server::{Answer, Server},
};
use crate::past;

const WHAT_IF: &str = "/v1/what-if";

fn ask(server: &Server, rules: &Value) -> Answer {
    server.ask("POST", WHAT_IF).json(rules).send()
}

/// What would have differed: which deployment, by which rule, what it was and would have been.
fn differing(server: &Server, rules: &Value) -> Vec<Value> {
    let report = ask(server, rules).expect(200).json();
    let items = report["items"].as_array().unwrap().iter();
    items.map(|one| json!([one["number"], one["rule"], one["was"], one["would_be"]])).collect()
}

/// The rules that docs/what-if.md shows.
fn documented() -> Value {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/what-if.md");
    let text = fs::read_to_string(page).unwrap();
    let (_, rest) = text.split_once("```json\n").unwrap();
    let (rules, _) = rest.split_once("```").unwrap();
    serde_json::from_str(rules).unwrap()
}

/// On Monday, 2 March 2026: 1.0 is asked for at 10:00 and done at 10:30; 1.1 is asked for at 10:20 and
/// agreed to; 1.2 is reported at 11:00; it is rolled back across a freeze at 11:10.
fn monday() -> Server {
    let started = || Happened::Started { executor: None, log_url: None };
    let before = [
        ("ann", past::deploy("ann", &at("10:00"), "1.0")),
        ("ann", past::happens(1, &at("10:01"), started())),
        ("ann", past::deploy("ann", &at("10:20"), "1.1")),
        ("ann", past::happens(1, &at("10:30"), Happened::Succeeded)),
        ("ben", past::happens(2, &at("10:35"), past::approval("ben"))),
        ("ann", past::happens(2, &at("10:40"), started())),
        ("ann", past::happens(2, &at("10:45"), Happened::Succeeded)),
    ];
    let server = Server::start().meanwhile(|data| past::decide(data, before));
    server.post(DEPLOYMENTS, &reported("1.2", "11:00"));
    let freeze = json!({"reason": "peak hour", "at": at("11:05")});
    server.post("/v1/environments/production/freeze", &freeze);
    let frozen =
        Frozen { at: past::instant(&at("11:05")), reason: "peak hour".into(), until: None };
    let back = Asked::Rollback { to: RollbackTo::Number(DeploymentNumber(2)), release: None };
    let back = Command::Request {
        request: past::request("ann", &at("11:10"), back),
        rails: Rails { freeze: Some(frozen), ..Rails::default() },
        crosses: Some(Override { rails: vec![Rail::Freeze], reason: "a fix".into() }),
    };
    let after = [
        ("ann", back),
        ("ann", past::happens(4, &at("11:11"), started())),
        ("ann", past::happens(4, &at("11:15"), Happened::Succeeded)),
    ];
    server.meanwhile(|data| past::decide(data, after))
}

fn production(rules: &Value) -> Value {
    json!({"environments": {"production": rules}})
}

#[test]
fn nothing_would_have_been_otherwise_under_the_rules_that_held() {
    let server = monday();
    let report = ask(&server, &json!({})).expect(200).json();
    assert_eq!((&report["deployments"], &report["reported"]), (&json!(4), &json!(1)));
    assert_eq!((&report["counts"], &report["items"]), (&json!({}), &json!([])));
}

#[test]
fn each_rule_is_judged_on_the_lane_as_it_stood() {
    let server = monday();
    let one = json!({"one_at_a_time": true});
    assert_eq!(
        differing(&server, &production(&one)),
        [json!([2, "one_at_a_time", "taken", "refused"])]
    );
    let two_people = json!({"approvals": 1});
    let alone = ["approvals", "taken", "refused"];
    let told = [1, 3, 4].map(|number| json!([number, alone[0], alone[1], alone[2]]));
    assert_eq!(differing(&server, &production(&two_people)), told, "ben agreed to the second");
    let freeze =
        json!({"freezes": [{"from": at("10:10"), "until": at("11:10"), "reason": "a sale"}]});
    let told = [
        json!([2, "freeze", "taken", "refused"]),
        json!([3, "freeze", "taken", "refused"]),
        json!([4, "freeze", "overridden", "taken"]),
    ];
    assert_eq!(differing(&server, &production(&freeze)), told);
    let asked = json!({"environments": {"*": freeze}, "reports": false});
    assert_eq!(differing(&server, &asked), [told[0].clone(), told[2].clone()]);
    let weekly = json!({"weekly": [{"days": ["mon"], "from": "11:05", "until": "12:00",
        "time_zone": "Europe/Berlin"}]});
    let second = json!([2, "freeze", "taken", "refused"]);
    assert_eq!(differing(&server, &production(&weekly)), [second], "it is an hour later there");
    let weekly = json!({"weekly": [{"days": ["mon"], "from": "11:05", "until": "12:00"}]});
    assert_eq!(differing(&server, &production(&weekly)).len(), 0, "crossed, as the freeze was");
}

#[test]
fn the_example_of_the_page_is_answered_and_is_a_table_too() {
    let server = monday();
    let before = server.position();
    let report = ask(&server, &documented()).expect(200).json();
    assert_eq!(report["counts"], json!({"one_at_a_time": 1, "approvals": 3}));
    let second = &report["items"][1];
    assert_eq!(
        (&second["actor"]["id"], &second["requested_at"]),
        (&json!("ann"), &json!(at("10:20")))
    );
    assert_eq!((&second["code"], &second["reported"]), (&json!("in-progress"), &json!(false)));
    let says = "deployment `#1` is `started`, and this environment takes one at a time in a lane";
    assert!(second["detail"].as_str().unwrap().starts_with(says), "{second}");
    let table = server.ask("POST", WHAT_IF).header("Accept", "text/csv").json(&documented());
    let table = table.send().expect(200).text;
    let row = "2026-03-02T10:20:00Z,checkout,production,2,1.1,person,ann,false,one_at_a_time,taken,\
               refused,in-progress,\"deployment `#1` is";
    assert!(table.lines().nth(2).unwrap().starts_with(row), "{table}");
    assert_eq!(server.position(), before, "nothing is recorded");
}

/// On 29 March 2026, 01:59:59 is followed by 03:00:00 in Berlin, at 01:00:00Z.
#[test]
fn a_weekly_freeze_is_told_by_the_clock_also_in_the_night_in_which_it_is_put_forward() {
    let night = [("1", "01:00"), ("2", "01:15"), ("3", "01:29"), ("4", "01:30")];
    let asked = night.map(|(version, time)| {
        ("ann", past::deploy("ann", &format!("2026-03-29T{time}:00Z"), version))
    });
    let server = Server::start().meanwhile(|data| past::decide(data, asked));
    let frozen = |day: &str, from: &str, until: &str| {
        let weekly =
            json!({"days": [day], "from": from, "until": until, "time_zone": "Europe/Berlin"});
        let told = differing(&server, &production(&json!({"weekly": [weekly]})));
        told.into_iter().map(|one| one[0].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(frozen("sun", "02:30", "03:30"), [1, 2, 3], "from 03:00 to 03:29");
    assert_eq!(frozen("sat", "22:00", "02:30"), [0; 0], "it ended before 02:00");
    assert_eq!(frozen("sun", "02:15", "02:45"), [0; 0], "there was no such time");
    assert_eq!(frozen("sun", "03:15", "24:00"), [2, 3, 4], "up to the end of the day");
    assert_eq!(frozen("sat", "22:00", "03:16"), [1, 2], "from one day to the next");
}

#[test]
fn rules_that_do_not_read_are_told_what_would_be_right() {
    let server = Server::start();
    let weekly = |fields: &Value| production(&json!({"weekly": [fields]}));
    let of = "/environments/production";
    for (rules, pointer, says) in [
        (
            production(&json!({"approval": 1})),
            format!("{of}/approval"),
            "expected one of `approvals`",
        ),
        (production(&json!({"approvals": -1})), format!("{of}/approvals"), "`-1` is less than 0"),
        (
            production(&json!({"freezes": [{"from": "noon"}]})),
            format!("{of}/freezes/0/from"),
            "is not a time like",
        ),
        (
            weekly(&json!({"days": ["friday"]})),
            format!("{of}/weekly/0/days/0"),
            "expected one of `mon`",
        ),
        (
            weekly(&json!({"days": ["fri"], "from": "3 pm"})),
            format!("{of}/weekly/0/from"),
            "from `00:00` to `24:00`",
        ),
        (
            weekly(&json!({"days": ["fri"], "time_zone": "Berlin"})),
            format!("{of}/weekly/0/time_zone"),
            "`Europe/Berlin`",
        ),
        (
            json!({"rollbacks": {"infer": "always"}}),
            "/rollbacks/infer".into(),
            "expected one of `first_run`",
        ),
        (json!({"rollbacks": {}}), "/rollbacks/infer".into(), "missing field"),
    ] {
        let problem = ask(&server, &rules).problem(400, "malformed");
        let error = &problem["errors"][0];
        assert_eq!(error["pointer"], pointer, "{problem}");
        let detail = error["detail"].as_str().unwrap();
        assert!(detail.contains(says) && detail.contains(" at line 1 column "), "{problem}");
    }
}
