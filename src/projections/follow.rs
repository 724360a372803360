//! A rebuild until its end: a bar on a terminal, a line now and then elsewhere.

use std::{thread, time::Duration};

use serde_json::Value;

use super::{field, rebuild, tell};
use crate::{
    client::{Client, path},
    context::Context,
    exit::{Exit, Failure},
    progress::Progress,
};

/// How often the server is asked.
const INTERVAL: Duration = Duration::from_millis(300);

/// Shows how far it is until it has ended, even if the server restarts meanwhile.
pub(super) fn run(context: &mut Context<'_>, client: &Client, name: &str) -> anyhow::Result<Exit> {
    let progress = Progress::elsewhere(context.settings.quiet.value);
    let mut is_away = false;
    loop {
        match client.get(&path(&["v1", "projections", name])) {
            Ok(answer) => {
                is_away = false;
                let going = field(&answer.body, "rebuild");
                let line = rebuild(going);
                if !is_under_way(going) {
                    progress.end();
                    context.say(format!("{name}: {line}"))?;
                    tell(context, &answer.body)?;
                    return ended(name, going);
                }
                let number = |name| field(going, name).as_u64().unwrap_or_default();
                progress.show(number("events_done"), number("events_total"), &line);
            }
            Err(failure) if failure.exit() == Exit::Unavailable => {
                if !is_away {
                    progress.say(&format!("{failure}; asking again"));
                }
                is_away = true;
            }
            Err(failure) => return Err(failure.into()),
        }
        thread::sleep(INTERVAL);
    }
}

fn is_under_way(rebuild: &Value) -> bool {
    let status = field(rebuild, "status").as_str().unwrap_or_default();
    ["building", "paused", "waiting", "comparing"].contains(&status)
}

/// How the command ends, by how the rebuild did.
fn ended(name: &str, rebuild: &Value) -> anyhow::Result<Exit> {
    let word = rebuild.pointer("/verdict/word").and_then(Value::as_str);
    match (field(rebuild, "status").as_str(), word) {
        (Some("done"), Some("different")) => Ok(Exit::Different),
        (Some("done"), _) => Ok(Exit::Success),
        (status, _) => {
            let what = match status {
                Some("cancelled") => "was cancelled",
                Some("failed") => "failed",
                Some(_) | None => "is no more",
            };
            let message =
                format!("the rebuild of `{name}` {what}; what answered before does so still");
            Err(Failure::new(Exit::Failure, message).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_end_of_a_rebuild_is_the_end_of_the_command() {
        let done = |word| json!({"status": "done", "verdict": {"word": word}});
        assert_eq!(ended("history", &done("same")).unwrap(), Exit::Success);
        assert_eq!(ended("history", &done("different")).unwrap(), Exit::Different);
        assert!(ended("history", &json!({"status": "cancelled"})).is_err());
        assert!(ended("history", &Value::Null).is_err());
        assert!(is_under_way(&json!({"status": "paused"})) && !is_under_way(&done("same")));
    }
}
