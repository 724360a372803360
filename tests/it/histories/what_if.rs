//! Which decisions of a real history would have differed, told by the files alone.

use std::fs;

use jiff::{civil::Weekday, tz::TimeZone};
use serde_json::{Value, json};

use super::{data::History, fold::by_line};
use crate::{home::Home, support::ask};

/// No deployment on Friday after 15:00 in Berlin, two people's consent, and nothing inferred: all of
/// it was reported, with nobody's consent.
pub(super) fn decisions_are_those_of_the_files(history: &History, home: &Home) {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let effects = by_line(history);
    let deployments: Vec<_> =
        effects.values().flatten().filter(|effect| effect.number.is_some()).collect();
    let fridays = deployments.iter().filter(|effect| {
        let at = effect.at.to_zoned(zone.clone());
        at.weekday() == Weekday::Friday && at.hour() >= 15
    });
    let staged = effects.iter().filter(|((_, environment), _)| environment == "staging");
    let staged = staged.flat_map(|(_, effects)| effects);
    let rules = json!({
        "environments": {
            "*": {"weekly": [{"days": ["fri"], "from": "15:00", "time_zone": "Europe/Berlin"}]},
            "staging": {
                "weekly": [{"days": ["fri"], "from": "15:00", "time_zone": "Europe/Berlin"}],
                "approvals": 2}},
        "rollbacks": {"infer": "never"}});
    let expected = json!({
        "freeze": fridays.count(),
        "approvals": staged.filter(|effect| effect.number.is_some()).count(),
        "rollback_inference": history.count("rollback")});
    let report = replayed(home, &rules);
    assert_eq!(report["counts"], expected);
    assert_eq!(report["deployments"], history.deployments());
    assert_eq!(report["reported"], report["deployments"]);
    let differ = expected.as_object().unwrap().values().filter_map(Value::as_u64).sum::<u64>();
    assert_eq!(report["items"].as_array().unwrap().len() as u64, differ);
    assert_eq!(replayed(home, &json!({}))["counts"], json!({}), "as it was");
    assert_eq!(replayed(home, &json!({"rollbacks": {"infer": "first_run"}}))["counts"], json!({}));
}

fn replayed(home: &Home, rules: &Value) -> Value {
    let file = home.directory("rules.json");
    fs::write(&file, rules.to_string()).unwrap();
    ask(home.with_log(&["replay"], "one").arg("--with").arg(file))
}
