//! The three ways out of a failed deployment, as commands to copy.

use serde_json::{Value, json};

use crate::{
    client::{Client, lane_path},
    context::Context,
    deployment::{name, place, text},
    output::Table,
    reference::Reference,
};

/// Writes how the lane can be mended, if this deployment is what left it as it is.
///
/// Nothing is chosen here: each way is a command of its own, for a person or a script to take.
pub(super) fn write(
    context: &mut Context<'_>,
    client: &Client,
    reference: &Reference,
    deployment: &Value,
) -> anyhow::Result<()> {
    if text(deployment, "status") != "failed" {
        return Ok(());
    }
    let lane = client.get(&lane_path(&reference.service, &reference.environment))?.body;
    let number = deployment.get("number");
    let is_certain = lane.get("uncertain").is_none_or(Value::is_null);
    if is_certain || lane.pointer("/last_failed/number") != number {
        return Ok(());
    }
    let mut table = Table::new(context.is_terminal);
    table.head(["way out", "what it does", "command"].map(ToOwned::to_owned));
    for row in ways(reference, deployment, &lane) {
        table.add(row.map(Into::into).to_vec());
    }
    write!(context.out, "\n{table}")?;
    Ok(())
}

fn ways(reference: &Reference, deployment: &Value, lane: &Value) -> Vec<[String; 3]> {
    let Reference { service, environment, which: _ } = reference;
    let lane_words = format!("{} {}", quoted(service), quoted(environment));
    let version = |of: &Value| of.pointer("/release/version").cloned().unwrap_or_default();
    let back = lane.get("current").filter(|current| current.is_object()).map(|current| {
        let number = current.get("number").cloned().unwrap_or_default();
        let before = place(&json!({"number": number, "version": version(current)}));
        let command = format!("shiplog rollback {lane_words} --to {number} --reason WHY");
        ["roll back".into(), format!("puts {before} back"), command]
    });
    let forward = [
        "roll forward".into(),
        "mends it with another release".into(),
        format!("shiplog deploy {lane_words} VERSION --intent roll-forward --reason WHY"),
    ];
    let again = version(deployment);
    let over = [
        "roll over".into(),
        format!("tries {} again", again.as_str().unwrap_or_default()),
        format!("shiplog retry {} --reason WHY", quoted(&name(deployment))),
    ];
    back.into_iter().chain([forward, over]).collect()
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |character: char| {
        character.is_ascii_alphanumeric() || matches!(character, '/' | '#' | '-' | '.' | '_' | '%')
    };
    // A `#` begins a comment where a word begins.
    if !word.is_empty() && !word.starts_with(['#', '-']) && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::Which;

    fn commands(service: &str, lane: &Value) -> Vec<String> {
        let reference = Reference {
            service: service.into(),
            environment: "production".into(),
            which: Which::Number(43),
        };
        let deployment = json!({
            "service": service, "environment": "production", "number": 43,
            "release": {"version": "1.5.0"}
        });
        let ways = ways(&reference, &deployment, lane);
        ways.into_iter().map(|[_, _, command]| command).collect()
    }

    #[test]
    fn where_nothing_ran_before_there_is_no_way_back() {
        let lane = json!({"current": null});
        let expected = [
            "shiplog deploy checkout production VERSION --intent roll-forward --reason WHY",
            "shiplog retry checkout/production#43 --reason WHY",
        ];
        assert_eq!(commands("checkout", &lane), expected);
    }

    #[test]
    fn a_command_can_be_copied_whatever_the_names_are() {
        let lane = json!({"current": {"number": 42, "release": {"version": "1.4.2"}}});
        let commands = commands("it's a shop", &lane);
        let back = r"shiplog rollback 'it'\''s a shop' production --to 42 --reason WHY";
        assert_eq!(commands[0], back);
        assert!(commands[1].starts_with(r"shiplog deploy 'it'\''s a shop' production VERSION"));
    }
}
