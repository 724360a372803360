//! The three ways out, for people: what speaks for and against each, and the command that takes it.

use serde_json::Value;

use super::items;
use crate::{
    context::Context,
    deployment::{place, text},
    instant::show_duration,
    output::Table,
    reference::Reference,
};

/// Writes the three ways. Nothing is chosen here: each is a command, for a person or a script to take.
pub(super) fn write(
    context: &mut Context<'_>,
    reference: &Reference,
    recovery: &Value,
) -> anyhow::Result<()> {
    let lane = format!("{} {}", quoted(&reference.service), quoted(&reference.environment));
    back(context, &lane, items(recovery, "/rollback/candidates"))?;
    forward(context, &lane, items(recovery, "/roll_forward/candidates"))?;
    over(context, reference, recovery)
}

fn back(context: &mut Context<'_>, lane: &str, candidates: &[Value]) -> anyhow::Result<()> {
    writeln!(context.out, "\nroll back: put an earlier release back")?;
    if candidates.is_empty() {
        writeln!(context.out, "no other release has succeeded here")?;
        return Ok(());
    }
    let mut table = Table::new(context.is_terminal);
    table.head(["release", "ran for", "until", "speaks against it", "command"].map(String::from));
    for one in candidates {
        let number = one.get("number").cloned().unwrap_or_default();
        let ran = one.get("ran_for_ms").and_then(Value::as_u64).map(show_duration);
        let row = [
            place(one),
            ran.unwrap_or_default(),
            time(context, one, "until"),
            against(one),
            format!("shiplog rollback {lane} --to {number} --reason WHY"),
        ];
        table.add(row.map(Into::into).to_vec());
    }
    Ok(write!(context.out, "{table}")?)
}

/// What a release that is put back may not cope with, and whether it is blocked.
fn against(candidate: &Value) -> String {
    let blocked = candidate.get("blocked").filter(|block| block.is_object());
    let blocked = blocked.map(|block| format!("blocked: {}", text(block, "reason")));
    let crossed = items(candidate, "/irreversible").iter();
    let crossed = crossed.map(|change| format!("{} (cannot be undone)", change_made(change)));
    let unstated = items(candidate, "/unstated").iter();
    let unstated =
        unstated.map(|change| format!("{} (nobody said whether it can be)", change_made(change)));
    blocked.into_iter().chain(crossed).chain(unstated).collect::<Vec<_>>().join("; ")
}

/// `1.1 migration-0042 renames a column`.
pub(crate) fn change_made(change: &Value) -> String {
    let words = ["version", "id", "description"].map(|field| text(change, field));
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn forward(context: &mut Context<'_>, lane: &str, candidates: &[Value]) -> anyhow::Result<()> {
    writeln!(context.out, "\nroll forward: mend it with another release")?;
    let mut table = Table::new(context.is_terminal);
    table.head(["release", "first seen", "changes", "command"].map(String::from));
    for one in candidates {
        let version = text(one, "version");
        let blocked = one.get("blocked").filter(|block| block.is_object());
        let blocked = blocked.map(|block| format!("blocked: {}", text(block, "reason")));
        let changes = crate::deployment::changes(one.get("changes").unwrap_or(&Value::Null));
        let said = blocked.into_iter().chain([changes]).filter(|said| !said.is_empty());
        let row = [
            version.to_owned(),
            time(context, one, "first_seen_at"),
            said.collect::<Vec<_>>().join("; "),
            format!("shiplog deploy {lane} {} --intent roll-forward --reason WHY", quoted(version)),
        ];
        table.add(row.map(Into::into).to_vec());
    }
    if candidates.is_empty() {
        let command = format!("shiplog deploy {lane} VERSION --intent roll-forward --reason WHY");
        writeln!(context.out, "no newer release is known yet; once there is one:\n{command}")?;
        return Ok(());
    }
    Ok(write!(context.out, "{table}")?)
}

fn over(context: &mut Context<'_>, reference: &Reference, recovery: &Value) -> anyhow::Result<()> {
    let attempts = recovery.pointer("/retry/attempts").and_then(Value::as_u64).unwrap_or_default();
    let outcomes = items(recovery, "/retry/outcomes").iter();
    let outcomes = outcomes.map(|one| {
        format!("#{} {}", one.get("number").cloned().unwrap_or_default(), text(one, "status"))
    });
    let outcomes = outcomes.collect::<Vec<_>>().join(", ");
    let times = if attempts == 1 { "once".into() } else { format!("{attempts} times") };
    writeln!(context.out, "\nroll over: try the same again (tried {times}: {outcomes})")?;
    let number = recovery.pointer("/deployment/number").cloned().unwrap_or_default();
    let lane = format!("{} {}", quoted(&reference.service), quoted(&reference.environment));
    writeln!(context.out, "shiplog retry {lane} {number} --reason WHY")?;
    Ok(())
}

fn time(context: &Context<'_>, item: &Value, field: &str) -> String {
    text(item, field).parse().map_or_else(|_| String::new(), |time| context.watch().show(time))
}

/// A word as a shell takes it.
pub(crate) fn quoted(word: &str) -> String {
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
    use serde_json::json;

    use super::*;

    #[test]
    fn a_command_can_be_copied_whatever_the_names_are() {
        assert_eq!(quoted("it's a shop"), r"'it'\''s a shop'");
        assert_eq!(quoted("review/feature-x"), "review/feature-x");
        assert_eq!(quoted("#1"), "'#1'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn what_speaks_against_a_release_is_said_in_words() {
        let change = json!({"version": "1.1", "id": "0042", "description": "renames a column"});
        let candidate = json!({
            "blocked": {"reason": "loses orders"}, "irreversible": [change], "unstated": []
        });
        let expected = "blocked: loses orders; 1.1 0042 renames a column (cannot be undone)";
        assert_eq!(against(&candidate), expected);
        assert_eq!(against(&json!({"blocked": null, "irreversible": []})), "");
    }
}
