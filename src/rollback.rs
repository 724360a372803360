//! `shiplog rollback`: put an earlier release back.

use serde_json::{Value, json};
use ureq::http::Method;

use crate::{
    client::{Answer, Client, Path, Write, deployment_path, lane_path},
    context::Context,
    deployment::{self, body, place},
    exit::{Exit, Failure},
    guard::OverrideArgs,
    recover::{change_made, left},
    reference::{Reference, Which},
    write::{Author, WriteArgs},
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
    /// What to go back to: a deployment's number, a version, or `previous`, the last success before
    /// what is to be left.
    #[arg(long, value_name = "DEPLOYMENT", default_value = "previous")]
    to: String,
    /// The version to go back to, where it could be taken for a number.
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

/// What to go back to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Goal {
    Previous,
    Number(u64),
    Version(String),
}

impl Goal {
    fn read(to: &str, to_version: Option<String>) -> Self {
        if let Some(version) = to_version {
            return Self::Version(version);
        }
        match to.strip_prefix('#').unwrap_or(to).parse() {
            Ok(number) => Self::Number(number),
            Err(_) if to == "previous" => Self::Previous,
            Err(_) => Self::Version(to.into()),
        }
    }

    fn wire(&self) -> Value {
        match self {
            Self::Previous => "previous".into(),
            Self::Number(number) => (*number).into(),
            Self::Version(version) => version.as_str().into(),
        }
    }
}

impl Rollback {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { words, to, to_version, reason, crosses, write } = self;
        let reference = lane(&words)?;
        let goal = Goal::read(&to, to_version);
        let client = context.client()?;
        // Whatever ran before in the same script is to be seen.
        client.level()?;
        let seen = client.get(&lane_path(&reference.service, &reference.environment))?;

        let acknowledged = warn(context, &client, &reference, (&goal, &seen.body))?;
        let what = [reference.service.as_str(), &reference.environment, &goal.wire().to_string()];
        let author = write.author(context, "rollback", &what)?;
        let more = [("acknowledged", acknowledged), ("override", crosses.wire())];
        let body = request(&reference, (&goal, &reason), &author, more);
        let done = match post(&client, &body, &author, &seen) {
            Ok(answer) => answer.body,
            Err(failure) if failure.exit() == Exit::Stale => {
                return Err(overtaken(&client, &reference, &failure).into());
            }
            Err(failure) => return Err(failure.into()),
        };
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
        Goal::Number(number) => one.get("number") == Some(&(*number).into()),
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

fn request(
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

fn post(client: &Client, body: &Value, author: &Author, seen: &Answer) -> Result<Answer, Failure> {
    client.write(&Write {
        method: Method::POST,
        path: &Path::literal("/v1/deployments"),
        body,
        key: &author.key,
        actor: None,
        if_match: seen.etag.as_deref(),
    })
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
    fn a_goal_is_a_word_a_number_or_a_version() {
        for (text, expected) in [
            ("previous", json!("previous")),
            ("38", json!(38)),
            ("#38", json!(38)),
            ("1.4.2", json!("1.4.2")),
        ] {
            assert_eq!(Goal::read(text, None).wire(), expected);
        }
        assert_eq!(Goal::read("previous", Some("38".into())).wire(), json!("38"));
    }

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
