//! Every deployment: searched, filtered, a day at a time.

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use jiff::{Timestamp, tz::TimeZone};
use shiplog_domain::lane::Status;
use shiplog_projections::{
    history::{
        self, Entry, Filter,
        search::{KEYS, Known, Term},
    },
    models::Answer,
    page::{Listed, Page},
};

use super::{
    context::Context,
    form,
    frame::{Frame, Section, Shell, Watched, page},
    links,
    marks::{Badge, Mark},
    objections::Objections,
    parts::{Failure, Time, Who, span},
};
use crate::{
    app::App,
    deployments::{self, KINDS, KNOWN},
    problem::Problem,
    query::Query,
    views::AtLeast,
};

/// A deployment in a list.
pub(super) struct Item {
    pub(super) href: String,
    pub(super) lane: String,
    pub(super) service: String,
    pub(super) environment: String,
    pub(super) number: u32,
    pub(super) version: String,
    pub(super) mark: Mark,
    pub(super) who: Who,
    pub(super) at: Time,
    pub(super) took: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) error: Option<String>,
    pub(super) replaced: Option<String>,
    /// What kind of deployment it is, where that is not the usual one.
    pub(super) badge: Option<Badge>,
    pub(super) is_void: bool,
    pub(super) is_contradicted: bool,
    pub(super) objections: Objections,
    /// From when on it is as it is recorded, if that is later than now.
    pub(super) later: Option<Time>,
}

impl Item {
    /// Each of them, as far as it had come by now.
    pub(super) async fn all(
        app: &App,
        at_least: &AtLeast,
        now: Timestamp,
        entries: &[Entry],
    ) -> Result<Vec<Self>, Problem> {
        let context = Context::of(app, at_least, now, entries).await?;
        Ok(entries.iter().map(|entry| Self::new(entry, &context)).collect())
    }

    pub(super) fn new(entry: &Entry, context: &Context) -> Self {
        let Entry { lane, deployment, actor, replaced, .. } = entry;
        let failed = deployment.status() == Status::Failed;
        let error = deployment.failure.as_ref().and_then(|failure| failure.error.as_deref());
        Self {
            href: links::deployment(lane, deployment.number()),
            lane: links::lane(lane),
            service: lane.service.to_string(),
            environment: lane.environment.to_string(),
            number: deployment.number().0,
            version: deployment.release().version.to_string(),
            mark: context.mark(entry),
            who: Who::from(actor),
            at: Time::of(deployment.requested.at),
            took: deployment.duration_ms().map(span),
            reason: deployment.requested.reason.clone().filter(|reason| !reason.is_empty()),
            error: error.filter(|_| failed).map(|error| Failure::of(error).line),
            replaced: replaced.as_ref().map(|place| place.version.to_string()),
            badge: Badge::of(entry),
            is_void: deployment.is_void(),
            is_contradicted: deployment.is_contradicted(),
            objections: Objections::of(entry, context.block(entry)),
            later: context.later(deployment).map(Time::of),
        }
    }
}

/// The deployments of one day, in UTC.
struct Day {
    date: String,
    items: Vec<Item>,
}

#[derive(Template)]
#[template(path = "history.html")]
struct HistoryPage {
    frame: Frame,
    days: Vec<Day>,
    fields: Fields,
    active: Vec<(String, String)>,
    next: Option<String>,
    csv: String,
    json: String,
    count: usize,
    /// What is wrong with the search.
    wrong: Option<String>,
}

impl HistoryPage {
    /// The page of a question, before it is answered.
    fn new(frame: Frame, query: &Query) -> Self {
        Self {
            frame,
            days: Vec::new(),
            fields: Fields::of(query),
            active: Vec::new(),
            next: None,
            csv: query.next(deployments::PATH, ("format", "csv")),
            json: query.without(deployments::PATH, &[]),
            count: 0,
            wrong: None,
        }
    }

    fn keys() -> &'static [Known] {
        &KEYS
    }
}

/// What the form is filled in with.
struct Fields {
    values: Vec<(&'static str, &'static str, String)>,
    more: Vec<(&'static str, &'static str, String)>,
    statuses: Vec<(&'static str, bool)>,
    kinds: Vec<(&'static str, bool)>,
    /// Whether one of the rarer filters is in force.
    open: bool,
    q: String,
}

impl Fields {
    fn of(query: &Query) -> Self {
        let field = |name: &'static str, label: &'static str| {
            (name, label, query.peek(name).unwrap_or_default().to_owned())
        };
        let more = vec![
            field("version", "Version"),
            field("commit", "Commit begins with"),
            field("artifact", "Artifact"),
            field("label", "Label (name:value)"),
            field("since", "Since"),
            field("until", "Before"),
        ];
        let chosen = |name, word: &'static str| (word, query.peek(name) == Some(word));
        Self {
            values: vec![
                field("service", "Service"),
                field("environment", "Environment"),
                field("actor", "Who"),
            ],
            open: more.iter().any(|(.., value)| !value.is_empty()),
            more,
            statuses: Status::ALL.map(|status| chosen("status", status.as_str())).to_vec(),
            kinds: KINDS.map(|kind| chosen("intent", kind)).to_vec(),
            q: query.peek("q").unwrap_or_default().to_owned(),
        }
    }
}

/// The history, as it is asked for.
pub(super) async fn show(
    State(app): State<App>,
    shell: Shell,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    let mut query = form::query(raw.as_deref(), &KNOWN)?;
    let searched = deployments::search(&app, &mut query)?;
    let (mut filter, wanted) = (deployments::plain(&mut query)?, query.page("deployments")?);
    let terms = match searched {
        Ok(terms) => terms,
        // Who types it mends it there.
        Err(wrong) => return misread(&app, shell, &query, wrong.to_string()),
    };
    let active = active(&query, &terms);
    filter.0.extend(terms.into_iter().map(|term| term.condition));
    at_least.seen_by(&app.models.history).await?;
    let answer = ask(&app, filter, wanted).await?;
    let first = query.peek("cursor").is_none();
    let frame = Frame::new(shell, Section::History, "History");
    let frame = frame.told_by(&app, &app.models.history, &answer).await;
    let frame = if first { frame.watching(Watched::Log) } else { frame };
    let context = Context::of(&app, &at_least, frame.shell.now, &answer.value.items).await?;
    let next = answer.value.next.map(|next| query.next("/history", ("cursor", &next.to_string())));
    let history = HistoryPage {
        active,
        next,
        count: answer.value.items.len(),
        days: days(&answer.value.items, &context),
        ..HistoryPage::new(frame, &query)
    };
    page(&app, &history.frame, &history)
}

async fn ask(app: &App, filter: Filter, wanted: Page) -> Result<Answer<Listed<Entry>>, Problem> {
    Ok(app.models.history.query(move |view| history::list(view, &filter, &wanted)).await?)
}

/// The form with what was typed, and what is wrong with it.
fn misread(app: &App, shell: Shell, query: &Query, wrong: String) -> Result<Response, Problem> {
    let frame = Frame::new(shell, Section::History, "History");
    let history = HistoryPage {
        active: query.given(&KNOWN, "/history"),
        wrong: Some(wrong),
        ..HistoryPage::new(frame, query)
    };
    Ok((StatusCode::BAD_REQUEST, page(app, &history.frame, &history)?).into_response())
}

/// What is in force, the terms of the search one by one, each with the address without it.
fn active(query: &Query, terms: &[Term]) -> Vec<(String, String)> {
    let others = KNOWN.into_iter().filter(|name| *name != "q").collect::<Vec<_>>();
    let mut active = query.given(&others, "/history");
    for (index, term) in terms.iter().enumerate() {
        let rest = terms.iter().enumerate().filter(|(other, _)| *other != index);
        let rest: Vec<_> = rest.map(|(_, term)| term.text.as_str()).collect();
        active.push((term.text.clone(), query.with("/history", "q", &rest.join(" "))));
    }
    active
}

fn days(entries: &[Entry], context: &Context) -> Vec<Day> {
    let mut days: Vec<Day> = Vec::new();
    for entry in entries {
        let at = entry.deployment.requested.at.to_zoned(TimeZone::UTC);
        let date = at.strftime("%A, %-d %B %Y").to_string();
        match days.last_mut() {
            Some(day) if day.date == date => day.items.push(Item::new(entry, context)),
            Some(_) | None => days.push(Day { date, items: vec![Item::new(entry, context)] }),
        }
    }
    days
}
