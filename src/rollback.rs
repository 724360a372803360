//! `shiplog rollback`: put an earlier release back.

mod goal;

use serde_json::{Value, json};
use ureq::http::Method;

use self::goal::Goal;
use crate::{
    client::{Client, Path, deployment_path, lane_path},
    context::Context,
    deployment::{self, body, place},
    exit::{Exit, Failure},
    guard::OverrideArgs,
    recover::{change_made, left},
    reference::{Reference, Which},
    write::{Author, Course, Request, Sent, WriteArgs},
};

/// Put an earlier release back: a new deployment that replays it whole.
///
/// Nothing is undone that the release itself does not undo. If somebody else changes the lane
/// between the look at it and the rollback, nothing is done and the exit code is 5.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  shiplog rollback checkout production --reason 'error rate at 4 %'
  shiplog rollback checkout production --to 38 --reason 'as before the migration'
  shiplog rollback checkout/production --to 1.4.2 --reason 'last good one'")]
pub(crate) struct Rollback {
    /// The lane: SERVICE ENVIRONMENT, or `checkout/production`.
    #[arg(value_name = "LANE", required = true, num_args = 1..=2)]
    words: Vec<String>,
    /// What to go back to: a deployment's number (`38` or `'#38'`), a version, or `previous`, the last
    /// success before what is to be left.
    ///
    /// A bare number by which a deployment and a version could be meant is refused.
    #[arg(long, value_name = "DEPLOYMENT", default_value = "previous")]
    to: String,
    /// The version to go back to, where it could be taken for a deployment's number.
    #[arg(long, value_name = "VERSION", conflicts_with = "to")]
    to_version: Option<String>,
    /// Why; everybody will read it.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    crosses: OverrideArgs,
    #[command(flatten)]
    write: WriteArgs,
}

impl Rollback {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { words, to, to_version, reason, crosses, write } = self;
        let reference = lane(&words)?;
        let goal = Goal::read(&to, to_version);
        let client = context.client()?;
        // Whatever ran before in the same script is to be seen.
        client.level()?;
        let goal = goal.settle(&client, &reference)?;
        let seen = client.get(&lane_path(&reference.service, &reference.environment))?;

        let acknowledged = warn(context, &client, &reference, (&goal, &seen.body))?;
        let author = write.author(context)?;
        let more = [("acknowledged", acknowledged), ("override", crosses.wire())];
        let request = Request {
            verb: "rollback",
            method: Method::POST,
            path: &Path::literal("/v1/deployments"),
            body: body_of(&reference, (&goal, &reason), &author, more),
            // What is crossed depends on what runs, not on what is asked.
            fluid: vec![("acknowledged", String::new())],
            names_actor: true,
            if_match: seen.etag.as_deref(),
            course: Course::deployment(&reference.service, &reference.environment, true),
        };
        let Sent { body: done, is_known } = match author.send(context, &client, &request) {
            Ok(sent) => sent,
            Err(error) => return Err(told(error, &client, (&reference, &goal))),
        };
        if is_known {
            deployment::announce(context, &done)?;
            return Ok(Exit::Success);
        }
        let restored = json!({
            "number": done.pointer("/intent/restores"), "version": done.pointer("/release/version")
        });
        let left = describe(left(&seen.body));
        context.say(format!("{}: {left} → {}", reference.lane(), place(&restored)))?;
        deployment::announce(context, &done)?;
        Ok(Exit::Success)
    }
}

fn lane(words: &[String]) -> Result<Reference, Failure> {
    let reference = match words {
        [service, environment] => Reference {
            service: service.clone(),
            environment: environment.clone(),
            which: Which::Current,
        },
        [] | [_] | [_, _, _, ..] => Reference::from_words(words)?,
    };
    match reference.which {
        Which::Current => Ok(reference),
        Which::Before(_) | Which::Number(_) | Which::At(_) => {
            Err(Failure::usage("a rollback names a lane; say with --to what to go back to"))
        }
    }
}

/// Says which irreversible changes it crosses, and gives them for the record: they were shown.
fn warn(
    context: &mut Context<'_>,
    client: &Client,
    reference: &Reference,
    (goal, lane): (&Goal, &Value),
) -> anyhow::Result<Option<Value>> {
    let Some(left) = left(lane).and_then(|left| left.get("number")?.as_u64()) else {
        return Ok(None);
    };
    let path = deployment_path(&reference.service, &reference.environment, left);
    let recovery = client.get(&path.join("recovery"))?.body;
    let candidates = recovery.pointer("/rollback/candidates").and_then(Value::as_array);
    let is_meant = |one: &&Value| match goal {
        Goal::Previous => one.get("number") == recovery.pointer("/rollback/previous"),
        Goal::Number(number) | Goal::Plain(number) => one.get("number") == Some(&(*number).into()),
        Goal::Version(version) => one.get("version") == Some(&version.as_str().into()),
    };
    let Some(meant) = candidates.into_iter().flatten().find(is_meant) else { return Ok(None) };
    let crossed = meant.get("irreversible").and_then(Value::as_array);
    let Some(crossed) = crossed.filter(|crossed| !crossed.is_empty()) else { return Ok(None) };
    for change in crossed {
        let (change, back) = (change_made(change), place(meant));
        context.say(format!("cannot be undone: {change}; {back} may not work after it"))?;
    }
    Ok(meant.pointer("/call/body/acknowledged").cloned())
}

fn body_of(
    reference: &Reference,
    (goal, reason): (&Goal, &str),
    author: &Author,
    more: [(&str, Option<Value>); 2],
) -> Value {
    let fields = [
        ("service", Some(reference.service.as_str().into())),
        ("environment", Some(reference.environment.as_str().into())),
        ("intent", Some(json!({"kind": "rollback", "to": goal.wire()}))),
        ("reason", Some(reason.into())),
        ("actor", author.actor.as_ref().map(|actor| json!(actor))),
    ];
    Value::Object(body(fields.into_iter().chain(more)))
}

/// What to say of a rollback that did not come about.
fn told(
    error: anyhow::Error,
    client: &Client,
    (reference, goal): (&Reference, &Goal),
) -> anyhow::Error {
    match error.downcast::<Failure>() {
        Ok(failure) if failure.exit() == Exit::Stale => {
            overtaken(client, reference, &failure).into()
        }
        Ok(failure) if failure.exit() == Exit::Refused => match goal.other(client, reference) {
            Some(other) => failure.note(other).into(),
            None => failure.into(),
        },
        Ok(failure) => failure.into(),
        Err(error) => error,
    }
}

/// `1.5.0 (#41)`, or that nothing runs.
fn describe(running: Option<&Value>) -> String {
    match running {
        None | Some(Value::Null) => "nothing".into(),
        Some(running) => {
            let version = running.pointer("/release/version").cloned().unwrap_or_default();
            place(&json!({"version": version, "number": running.get("number")}))
        }
    }
}

/// Says what runs now, to the one of two who pressed later.
fn overtaken(client: &Client, reference: &Reference, failure: &Failure) -> Failure {
    let message = format!("{} changed since you looked; nothing was rolled back", reference.lane());
    let told = Failure::new(Exit::Stale, message).note(failure.to_string());
    // What was seen before is not new enough.
    let now = client.level();
    let now = now.and_then(|()| client.get(&lane_path(&reference.service, &reference.environment)));
    let now = match now {
        Ok(lane) => lane.body,
        Err(_) => return told.note("look with `shiplog status`, then decide again"),
    };
    let mut told = told.note(format!("what runs now: {}", describe(now.get("current"))));
    if let Some(open) = now.get("in_progress").filter(|open| open.is_object()) {
        let by = open.pointer("/actor/id").and_then(Value::as_str).unwrap_or("somebody");
        told = told.note(format!("in progress: {}, asked for by {by}", describe(Some(open))));
    }
    told.note("if you still want it, roll back again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollback_names_a_lane_and_no_deployment() {
        let words =
            |words: &[&str]| lane(&words.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(words(&["a", "review/x#1"]).unwrap().environment, "review/x#1");
        assert_eq!(words(&["a/b/production"]).unwrap().service, "a/b");
        assert_eq!(words(&["a/production#4"]).unwrap_err().exit(), Exit::Usage);
    }

    #[test]
    fn what_runs_is_described_with_its_number() {
        let running = json!({"number": 41, "release": {"version": "1.5.0"}});
        assert_eq!(describe(Some(&running)), "1.5.0 (#41)");
        assert_eq!(describe(Some(&Value::Null)), "nothing");
    }
}
