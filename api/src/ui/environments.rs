//! Environments: what is declared of them, what is frozen, what waits for approval.

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use jiff::Timestamp;
use shiplog_domain::{
    environment::{Frozen, Rules, Tier},
    lane::Status,
};
use shiplog_projections::{
    current::{self, EnvironmentRow},
    history::{self, Fact, Filter},
    page::{ListedByName, Page},
    view::View,
};

use super::{
    form::{self, Form},
    frame::{Frame, Section, Shell, Watched, page},
    history::Item,
    links,
    parts::Time,
    tiers::{TIERS, stage},
};
use crate::{
    answering::fresh,
    app::App,
    environments::declare::{self, Because, Declaration},
    path::EnvironmentPath,
    problem::Problem,
    query::{BY_NAME, Query, encode},
    shapes::{Moment, Text, Whole},
    views::AtLeast,
};

#[derive(Template)]
#[template(path = "environments.html")]
struct EnvironmentsPage {
    frame: Frame,
    rows: Vec<Row>,
    /// Where the next page of them is.
    next: Option<String>,
    waiting: Vec<Item>,
    /// Whether more may wait than are listed.
    more_waiting: bool,
    /// A promise for each form of the page.
    key: String,
}

/// An environment, as it is listed.
struct Row {
    name: String,
    path: String,
    history: String,
    tier: Tier,
    declared: bool,
    retired: bool,
    rules: Option<Rules>,
    frozen: Option<Freeze>,
    planned: Vec<Freeze>,
    lanes: u64,
}

/// A freeze in force, or about to be.
struct Freeze {
    reason: String,
    since: Time,
    until: Option<Time>,
}

impl Row {
    fn tiers(&self) -> [(&'static str, bool); 5] {
        TIERS.map(|(word, tier)| (word, tier == self.tier))
    }

    fn approvals(&self) -> u8 {
        self.rules.map_or(0, |rules| rules.approvals)
    }

    fn self_approval(&self) -> bool {
        self.rules.is_some_and(|rules| rules.self_approval)
    }

    fn one_at_a_time(&self) -> bool {
        self.rules.is_some_and(|rules| rules.one_at_a_time)
    }
}

/// How many deployments that were requested are looked through for those that wait for approval.
const WAITING: usize = 500;

/// How many that wait for approval are listed.
const WAITING_LISTED: usize = 100;

/// How many environments a page has unless something else is asked for.
const ENVIRONMENTS: usize = 100;

/// Where environments are listed.
const PATH: &str = "/environments";

impl From<&Frozen> for Freeze {
    fn from(Frozen { at, reason, until }: &Frozen) -> Self {
        Self { reason: reason.clone(), since: Time::of(*at), until: until.map(Time::of) }
    }
}

impl Row {
    fn new(row: EnvironmentRow, lanes: u64, now: Timestamp) -> Self {
        let EnvironmentRow { environment, tier, declared, retired, rules, freezes } = row;
        let name = encode(environment.as_str());
        Self {
            path: links::environment(&environment),
            history: format!("/history?environment={name}"),
            name: environment.to_string(),
            tier,
            declared,
            retired,
            rules,
            frozen: freezes.at(now).map(Freeze::from),
            planned: freezes.planned_after(now).into_iter().map(Freeze::from).collect(),
            lanes,
        }
    }
}

/// A page of the environments.
pub(super) async fn show(
    State(app): State<App>,
    shell: Shell,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    let mut query = form::query(raw.as_deref(), &BY_NAME)?;
    let wanted = query.page_by_name("environments page", ENVIRONMENTS)?;
    at_least.seen_by(&app.models.current).await?;
    let now = shell.now;
    let ask = move |view: &View<'_>| current::environments(view, now, &wanted);
    let answer = app.models.current.query(ask).await?;
    at_least.seen_by(&app.models.history).await?;
    let filter: Filter = [Fact::Status(Status::Requested)].into_iter().collect();
    let ask = move |view: &View<'_>| history::list(view, &filter, &Page::first(WAITING));
    let waiting = app.models.history.query(ask).await?.value.items;
    let frame = Frame::new(shell, Section::Environments, "Environments");
    let frame = frame.told_by(&app, &app.models.current, &answer).await;
    let is_looked_through = waiting.len() == WAITING;
    let mut waiting: Vec<_> = waiting
        .into_iter()
        .filter(|entry| entry.deployment.is_open() && entry.deployment.approvals_missing() > 0)
        .collect();
    let more_waiting = is_looked_through || waiting.len() > WAITING_LISTED;
    waiting.truncate(WAITING_LISTED);
    let waiting = Item::all(&app, &at_least, now, &waiting).await?;
    let ListedByName { items: mut rows, next } = answer.value;
    rows.sort_by_key(|(row, _)| (row.retired, stage(row.tier)));
    let shown = EnvironmentsPage {
        frame: frame.watching(Watched::Log),
        waiting,
        more_waiting,
        rows: rows.into_iter().map(|(row, lanes)| Row::new(row, lanes, now)).collect(),
        next: next.map(|next| query.next(PATH, ("cursor", &next.to_string()))),
        key: fresh().to_string(),
    };
    page(&app, &shown.frame, &shown)
}

/// Declares an environment, whether it was heard of or not.
pub(super) async fn declare(
    State(app): State<App>,
    shell: Shell,
    form: Form,
) -> Result<Response, Problem> {
    let known = ["name", "tier", "approvals", "self_approval", "one_at_a_time"];
    let mut fields = form.fields(&known)?;
    let caller = form::caller(&shell, &mut fields)?;
    let name = fields.parsed("name")?.ok_or_else(|| Problem::at("?name", "it is missing"))?;
    let tier = fields.word("tier", &TIERS)?;
    let given = Declaration {
        tier: tier.ok_or_else(|| Problem::at("?tier", "it is missing"))?,
        approvals: approvals(&mut fields)?.map(Whole),
        self_approval: Some(fields.text("self_approval")?.is_some()),
        one_at_a_time: Some(fields.text("one_at_a_time")?.is_some()),
        new_name: None,
        at: None,
    };
    declare::declare(&app, &name, &caller, &given).await?;
    Ok(form::recorded(&caller, PATH.into()))
}

fn approvals(fields: &mut Query) -> Result<Option<u32>, Problem> {
    fields.read("approvals", |text| {
        text.parse::<u8>()
            .map(u32::from)
            .map_err(|_| format!("`{text}` is not a whole number from 0 to 255"))
    })
}

/// Freezes an environment.
pub(super) async fn freeze(
    State(app): State<App>,
    shell: Shell,
    EnvironmentPath(name): EnvironmentPath,
    form: Form,
) -> Result<Response, Problem> {
    let mut fields = form.fields(&["reason", "from", "until"])?;
    let caller = form::caller(&shell, &mut fields)?;
    let given = declare::Freeze {
        reason: form::reason(&mut fields)?,
        until: fields.instant("until")?.map(Moment),
        new_name: None,
        at: fields.instant("from")?.map(Moment),
    };
    declare::freeze(&app, &name, &caller, &given).await?;
    Ok(form::recorded(&caller, PATH.into()))
}

/// Unfreezes an environment.
pub(super) async fn unfreeze(
    State(app): State<App>,
    shell: Shell,
    EnvironmentPath(name): EnvironmentPath,
    form: Form,
) -> Result<Response, Problem> {
    let mut fields = form.fields(&["reason"])?;
    let caller = form::caller(&shell, &mut fields)?;
    let given = Because { reason: fields.parsed::<Text<0, 10_000>>("reason")?, at: None };
    declare::unfreeze(&app, &name, &caller, &given).await?;
    Ok(form::recorded(&caller, PATH.into()))
}
