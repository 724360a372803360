//! `shiplog projections`: how far they are, making one anew, and those that users write.

mod define;
mod follow;
mod rows;
mod source;
mod states;
mod trial;
mod wait;

use indicatif::{HumanCount, HumanDuration};
use serde_json::{Value, json};
use std::time::Duration;
use ureq::http::Method;

use self::{
    define::{Define, Drop},
    rows::Rows,
    states::{Partitions, State},
    trial::Try,
};
use crate::{
    client::{Path, path},
    context::Context,
    exit::Exit,
    output::{self, Column, Format, Kind},
};

const COLUMNS: [Column; 8] = [
    Column::new("projection", "/name", Kind::Text),
    Column::new("language", "/language", Kind::Text),
    Column::new("status", "/status", Kind::Status),
    Column::new("position", "/position", Kind::Text),
    Column::new("behind", "", Kind::Made(behind)),
    Column::new("why", "", Kind::Made(why)),
    Column::new("damaged", "", Kind::Made(damaged)),
    Column::new("rebuild", "/rebuild", Kind::Made(rebuild)),
];

/// List the projections, make one anew while it answers, or write one.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  shiplog projections
  shiplog projections try deployments-per-week.js --since 30d
  shiplog projections define deployments-per-week deployments-per-week.js
  shiplog projections state deployments-per-week
  shiplog projections rebuild history --follow
  shiplog projections rebuild history --max-events-per-second 5000
  shiplog projections cancel history")]
pub(crate) struct Projections {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List the projections, and how far each has come; this is done if nothing is said.
    List,
    /// Show one projection.
    Show(Named),
    /// Make a projection anew beside the one that answers, and have it answer when it is level.
    ///
    /// It is folded from the first event, compared with the one that answers, and put in its place at
    /// once; no question fails meanwhile. It goes on after a restart of the server. Of one that is
    /// under way, this changes how fast it may go, or follows it.
    Rebuild(Rebuild),
    /// Have a projection that a user wrote, or a rebuild, rest until it is resumed.
    Pause(Named),
    /// Have what rests go on; a projection that has failed is tried again by this server.
    Resume(Named),
    /// Try a script on the history, or on a part of it; nothing is kept.
    Try(Try),
    /// Define a projection, or define it anew: history is replayed into it, then it is kept level.
    Define(Define),
    /// Show the state of a projection, or of one of its partitions, once all is folded.
    State(State),
    /// List the partitions of a projection, each with its state, once all is folded.
    Partitions(Partitions),
    /// Answer a projection that is a query: its rows as they are now.
    Rows(Rows),
    /// Drop a projection that a user wrote.
    Drop(Drop),
    /// End a rebuild, and delete what it has made; what answers is not touched.
    Cancel(Named),
}

#[derive(Debug, clap::Args)]
struct Named {
    /// Which projection.
    name: String,
}

/// How to rebuild.
#[derive(Debug, clap::Args)]
struct Rebuild {
    /// Which projection.
    name: String,
    /// Show how far it is until it has ended; exits 3 if it differs from what it replaced.
    #[arg(long)]
    follow: bool,
    /// How many events it folds a second at most; 0 is as many as it can.
    #[arg(long, value_name = "COUNT")]
    max_events_per_second: Option<u32>,
}

impl Projections {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        match self.action {
            None | Some(Action::List) => list(context),
            Some(Action::Show(Named { name })) => show(context, &name),
            Some(Action::Rebuild(command)) => command.run(context),
            Some(Action::Pause(Named { name })) => rest(context, &name, "pause"),
            Some(Action::Resume(Named { name })) => rest(context, &name, "resume"),
            Some(Action::Try(command)) => command.run(context),
            Some(Action::Define(command)) => command.run(context),
            Some(Action::State(command)) => command.run(context),
            Some(Action::Partitions(command)) => command.run(context),
            Some(Action::Rows(command)) => command.run(context),
            Some(Action::Drop(command)) => command.run(context),
            Some(Action::Cancel(Named { name })) => {
                steer(context, Method::DELETE, &of_rebuild(&name))
            }
        }
    }
}

impl Rebuild {
    fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { name, follow, max_events_per_second } = self;
        let body = match max_events_per_second {
            Some(max) => json!({ "max_events_per_second": max }),
            None => json!({}),
        };
        let client = context.client()?;
        let answer = client.steer(Method::POST, &of_rebuild(&name), Some(&body))?;
        if follow {
            return follow::run(context, &client, &name);
        }
        context.say(format!("{name}: {}", rebuild(field(&answer.body, "rebuild"))))?;
        tell(context, &answer.body)
    }
}

fn of_rebuild(name: &str) -> Path {
    path(&["v1", "projections", name, "rebuild"])
}

/// Pauses or resumes a projection that a user wrote or, of one that is built in, its rebuild.
fn rest(context: &mut Context<'_>, name: &str, verb: &str) -> anyhow::Result<Exit> {
    let of_projection = path(&["v1", "projections", name]);
    let shown = context.client()?.get(&of_projection)?.body;
    if field(&shown, "language") == "built-in" {
        return steer(context, Method::POST, &of_rebuild(name).join(verb));
    }
    let answer = context.client()?.steer(Method::POST, &of_projection.join(verb), None)?;
    context.say(format!("{name}: {verb}d"))?;
    tell(context, &answer.body)
}

fn steer(context: &mut Context<'_>, method: Method, path: &Path) -> anyhow::Result<Exit> {
    let answer = context.client()?.steer(method, path, None)?;
    let name = field(&answer.body, "name").as_str().unwrap_or_default();
    context.say(format!("{name}: {}", rebuild(field(&answer.body, "rebuild"))))?;
    tell(context, &answer.body)
}

/// Programs get what the server answered.
fn tell(context: &mut Context<'_>, answer: &Value) -> anyhow::Result<Exit> {
    if context.settings.output.value != Format::Table {
        output::one(context, &COLUMNS, answer)?;
    }
    Ok(Exit::Success)
}

fn list(context: &mut Context<'_>) -> anyhow::Result<Exit> {
    let projections = context.client()?.items(&Path::literal("/v1/projections"))?;
    output::list(context, &COLUMNS, projections.into_iter().map(Ok))?;
    Ok(Exit::Success)
}

fn show(context: &mut Context<'_>, name: &str) -> anyhow::Result<Exit> {
    let shown = context.client()?.get(&path(&["v1", "projections", name]))?.body;
    output::one(context, &COLUMNS, &shown)?;
    Ok(Exit::Success)
}

/// How many events it has yet to fold.
fn behind(item: &Value) -> String {
    let number = |name| field(item, name).as_u64();
    let behind = number("events_total").zip(number("events_done"));
    behind.map(|(total, done)| total.saturating_sub(done).to_string()).unwrap_or_default()
}

/// Why it does not go on: `event 101, line 3: TypeError: …`.
fn why(item: &Value) -> String {
    let fault = field(item, "fault");
    if fault.is_null() {
        return field(item, "why").as_str().unwrap_or_default().to_owned();
    }
    let place = |name, word| field(fault, name).as_u64().map(|at| format!("{word} {at}"));
    let places = [place("position", "event"), place("line", "line")].into_iter().flatten();
    let message = field(fault, "message").as_str().unwrap_or_default();
    let told: Vec<_> = places.collect();
    if told.is_empty() { message.to_owned() } else { format!("{}: {message}", told.join(", ")) }
}

/// The streams that it tells of only in part: `lane-checkout@production since event 4: …; 2 more`.
fn damaged(item: &Value) -> String {
    let listed = field(item, "damaged").as_array().map(Vec::as_slice).unwrap_or_default();
    let Some(first) = listed.first() else { return String::new() };
    let stream = field(first, "stream").as_str().unwrap_or("an unknown stream");
    let position = field(first, "position").as_u64().unwrap_or_default();
    let problem = field(first, "problem").as_str().unwrap_or_default();
    let total = field(item, "damaged_total").as_u64().unwrap_or_default();
    let more = match total.saturating_sub(1) {
        0 => String::new(),
        more => format!("; {more} more"),
    };
    format!("{stream} since event {position}: {problem}{more}")
}

/// A field, or null.
fn field<'v>(value: &'v Value, name: &str) -> &'v Value {
    value.get(name).unwrap_or(&Value::Null)
}

/// How a rebuild goes, in a line: `building, 12,000 of 40,000 events, 3,000 a second, 9 seconds left`.
fn rebuild(rebuild: &Value) -> String {
    let text = |name| field(rebuild, name).as_str();
    let number = |name| field(rebuild, name).as_u64();
    let Some(status) = text("status") else { return String::new() };
    let mut parts = vec![status.to_owned()];
    let verdict = field(rebuild, "verdict");
    if let Some(word) = verdict.get("word").and_then(Value::as_str) {
        let position = field(verdict, "position").as_u64();
        let place = position.map(|position| format!(" at position {position}"));
        parts.push(match word {
            "same" => format!("the same as before{}", place.unwrap_or_default()),
            "different" => format!("not the same as before{}", place.unwrap_or_default()),
            _ => "what was before could not be read".to_owned(),
        });
    }
    if let (Some(done), Some(total)) = (number("events_done"), number("events_total")) {
        let of = if done < total { format!(" of {}", HumanCount(total)) } else { String::new() };
        parts.push(format!("{}{of} events", HumanCount(done)));
    }
    if let Some(rate) = number("events_per_second").filter(|rate| *rate > 0) {
        parts.push(format!("{} a second", HumanCount(rate)));
    }
    if let Some(left) = number("seconds_left").filter(|_| status == "building") {
        parts.push(format!("{} left", HumanDuration(Duration::from_secs(left))));
    }
    parts.extend(text("why").map(ToOwned::to_owned));
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rebuild_is_told_in_a_line() {
        assert_eq!(rebuild(&Value::Null), "");
        let building = json!({"status": "building", "events_done": 12_000, "events_total": 40_000,
            "events_per_second": 3_000, "seconds_left": 9, "why": null, "verdict": null});
        let told = "building, 12,000 of 40,000 events, 3,000 a second, 9 seconds left";
        assert_eq!(rebuild(&building), told);
        let done = json!({"status": "done", "events_done": 7, "events_total": 7,
            "events_per_second": 0, "seconds_left": null,
            "verdict": {"word": "different", "position": 7, "rebuilt": "a", "served": "b"}});
        assert_eq!(rebuild(&done), "done, not the same as before at position 7, 7 events");
        let waiting = json!({"status": "waiting", "why": "the disk is full"});
        assert_eq!(rebuild(&waiting), "waiting, the disk is full");
    }
}
