//! The three ways out, for people: what speaks for and against each, and the command that takes it.

use serde_json::Value;

use super::{
    against::{against, objections},
    command::{lane, quoted},
    items,
};
use crate::{
    context::Context,
    deployment::{place, text},
    instant::show_duration,
    output::Table,
    reference::{Reference, named},
};

/// Writes the three ways. Nothing is chosen here: each is a command, for a person or a script to take.
pub(super) fn write(
    context: &mut Context<'_>,
    reference: &Reference,
    recovery: &Value,
) -> anyhow::Result<()> {
    back(context, reference, recovery)?;
    let words = format!("{} {}", quoted(&reference.service), quoted(&reference.environment));
    forward(context, &words, recovery)?;
    over(context, reference, recovery)
}

fn back(context: &mut Context<'_>, reference: &Reference, recovery: &Value) -> anyhow::Result<()> {
    let candidates = items(recovery, "/rollback/candidates");
    let default = recovery.pointer("/rollback/previous").and_then(Value::as_u64);
    writeln!(context.out, "\nroll back: put an earlier release back")?;
    if candidates.is_empty() {
        writeln!(context.out, "no other release has succeeded here")?;
        return Ok(());
    }
    let (lane, watch) = (lane(reference), context.watch());
    let mut table = Table::new(context.is_terminal);
    table.head(["release", "ran for", "until", "speaks against it", "command"].map(String::from));
    for one in candidates {
        let number = one.get("number").and_then(Value::as_u64).unwrap_or_default();
        let mark = if default == Some(number) { ", the default" } else { "" };
        let ran = one.get("ran_for_ms").and_then(Value::as_u64).map(show_duration);
        let row = [
            format!("{}{mark}", place(one)),
            ran.unwrap_or_default(),
            time(context, one, "until"),
            against(one, &watch).join("; "),
            format!("shiplog rollback {lane} --to '#{number}' --reason WHY"),
        ];
        table.add(row.map(Into::into).to_vec());
    }
    write!(context.out, "{table}")?;
    if default.is_none() {
        writeln!(context.out, "{NO_DEFAULT}")?;
    }
    Ok(())
}

/// What to do where something speaks against every release.
const NO_DEFAULT: &str =
    "something speaks against each of them, so none is the default: name one with --to";

fn forward(context: &mut Context<'_>, lane: &str, recovery: &Value) -> anyhow::Result<()> {
    let candidates = items(recovery, "/roll_forward/candidates");
    let ran = items(recovery, "/rollback/candidates");
    let watch = context.watch();
    writeln!(context.out, "\nroll forward: mend it with another release")?;
    let mut table = Table::new(context.is_terminal);
    table.head(["release", "first seen", "changes", "command"].map(String::from));
    for one in candidates {
        let version = text(one, "version");
        let blocked = one.get("blocked").filter(|block| block.is_object());
        let blocked = blocked.map(|block| format!("blocked: {}", text(block, "reason")));
        let changes = crate::deployment::changes(one.get("changes").unwrap_or(&Value::Null));
        // What was first heard of later may have run here, and have been taken back.
        let before = ran.iter().find(|before| text(before, "version") == version);
        let known = before.map(|before| objections(before, &watch)).unwrap_or_default();
        let said = if known.is_empty() { blocked.into_iter().collect() } else { known };
        let said = said.into_iter().chain([changes]).filter(|said| !said.is_empty());
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
    let name = named(&reference.service, &reference.environment);
    let name = quoted(&format!("{name}#{number}"));
    writeln!(context.out, "shiplog retry {name} --reason WHY")?;
    Ok(())
}

fn time(context: &Context<'_>, item: &Value, field: &str) -> String {
    text(item, field).parse().map_or_else(|_| String::new(), |time| context.watch().show(time))
}
