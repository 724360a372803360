//! The audit of rollbacks: a table, a chart over time, and a page to print.

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use shiplog_projections::{
    history::{Entry, Place},
    page::Listed,
    rollbacks::{self as audit, Afterwards, Rollback},
    view::View,
};

use super::{
    context::Context,
    form,
    frame::{Frame, Section, Shell, Watched, page},
    links,
    marks::{Badge, Mark},
    parts::{Time, Who, span},
};
use crate::{
    app::App,
    problem::Problem,
    rollbacks::{KNOWN, PATH, filter},
    views::AtLeast,
};

#[derive(Template)]
#[template(path = "rollbacks.html")]
struct RollbacksPage {
    frame: Frame,
    rows: Vec<Row>,
    weeks: Vec<Week>,
    fields: Vec<(&'static str, &'static str, String)>,
    declared: [(&'static str, &'static str, bool); 2],
    active: Vec<(String, String)>,
    next: Option<String>,
    csv: String,
    json: String,
}

/// A rollback, as it is told.
struct Row {
    href: String,
    lane: String,
    lane_href: String,
    number: u32,
    from: Option<String>,
    to: Option<String>,
    reverts: String,
    badge: Badge,
    reason: Option<String>,
    who: Who,
    at: Time,
    mark: Mark,
    ran: Option<String>,
    /// From when what it left had come to its end until this was requested.
    waited: Option<String>,
    afterwards: Option<Fate>,
    later: Option<Time>,
}

/// What became of what a rollback took back.
enum Fate {
    /// In a word, by which version, and when.
    Settled(&'static str, String, Time),
    NotRedeployed,
}

impl Row {
    fn new(rollback: &Rollback, context: &Context) -> Self {
        let Entry { lane, deployment, actor, .. } = &rollback.entry;
        let version = |place: &Option<Place>| place.as_ref().map(|one| one.version.to_string());
        let more = rollback.reverts_count.saturating_sub(rollback.reverts.len());
        let reverts = rollback.reverts.iter().map(|one| format!("{} {}", one.version, one.number));
        let reverts: Vec<_> =
            reverts.chain((more > 0).then(|| format!("and {more} more"))).collect();
        Self {
            href: links::deployment(lane, deployment.number()),
            lane: format!("{} in {}", lane.service, lane.environment),
            lane_href: links::lane(lane),
            number: deployment.number().0,
            from: version(&rollback.from),
            to: version(&rollback.to),
            reverts: reverts.join(", "),
            badge: if rollback.declared { Badge::ROLLBACK } else { Badge::INFERRED },
            reason: deployment.requested.reason.clone().filter(|reason| !reason.is_empty()),
            who: Who::from(actor),
            at: Time::of(deployment.requested.at),
            mark: context.mark(&rollback.entry),
            ran: rollback.ran_for_ms.map(span),
            waited: rollback.to_request_ms().map(span),
            afterwards: rollback.afterwards.as_ref().map(fate),
            later: context.later(deployment).map(Time::of),
        }
    }
}

fn fate(after: &Afterwards) -> Fate {
    let settled = |word: &'static str, later: &Option<(Place, Timestamp)>| {
        let (place, at) = later.as_ref()?;
        Some(Fate::Settled(word, place.version.to_string(), Time::of(*at)))
    };
    let fate = match after.fate() {
        audit::Fate::DeployedAgain => settled("deployed again as", &after.deployed_again),
        audit::Fate::Fixed => settled("superseded by", &after.superseded_by),
        audit::Fate::NotRedeployed => None,
    };
    fate.unwrap_or(Fate::NotRedeployed)
}

/// A week, and its rollbacks: requested and inferred.
struct Week {
    begins: Date,
    declared: usize,
    inferred: usize,
}

/// How many weeks are drawn at most.
const WEEKS: usize = 53;

/// Counts rollbacks by the week, without a gap, oldest first; fewer than two weeks are no chart.
fn weeks(rollbacks: &[Rollback]) -> Vec<Week> {
    let monday = |at: Timestamp| {
        let date = at.to_zoned(TimeZone::UTC).date();
        let back = i64::from(date.weekday().to_monday_zero_offset());
        date.checked_sub(back.days()).unwrap_or(date)
    };
    let all: Vec<_> = rollbacks
        .iter()
        .map(|one| (monday(one.entry.deployment.requested.at), one.declared))
        .collect();
    let ends = all.iter().map(|(week, _)| *week).min().zip(all.iter().map(|(week, _)| *week).max());
    let Some((first, last)) = ends else { return Vec::new() };
    let mut weeks = Vec::new();
    let mut begins = last;
    while begins >= first && weeks.len() < WEEKS {
        let of = |wanted| all.iter().filter(|one| **one == (begins, wanted)).count();
        weeks.push(Week { begins, declared: of(true), inferred: of(false) });
        begins = begins.checked_sub(7.days()).unwrap_or(Date::MIN);
    }
    weeks.reverse();
    if weeks.len() < 2 { Vec::new() } else { weeks }
}

impl RollbacksPage {
    /// The chart's columns: where each one is, and how tall its two parts are.
    fn columns(&self) -> Vec<(usize, usize, usize, &Week)> {
        let most = self.weeks.iter().map(|week| week.declared + week.inferred).max().unwrap_or(1);
        let tall = |count: usize| count * 80 / most.max(1);
        let weeks = self.weeks.iter().enumerate();
        weeks
            .map(|(place, week)| (place * 16, tall(week.declared), tall(week.inferred), week))
            .collect()
    }
}

/// The rollbacks, as they are asked for.
pub(super) async fn show(
    State(app): State<App>,
    shell: Shell,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    let mut query = form::query(raw.as_deref(), &KNOWN)?;
    let (filter, wanted) = (filter(&mut query)?, query.page("rollbacks")?);
    at_least.seen_by(&app.models.rollbacks).await?;
    let ask = move |view: &View<'_>| audit::list(view, &filter, &wanted);
    let answer = app.models.rollbacks.query(ask).await?;
    let frame = Frame::new(shell, Section::Rollbacks, "Rollbacks");
    let frame = frame.told_by(&app, &app.models.rollbacks, &answer).await;
    let first = query.peek("cursor").is_none();
    let frame = if first { frame.watching(Watched::Log) } else { frame };
    let Listed { items, next } = answer.value;
    let entries = items.iter().map(|rollback| &rollback.entry);
    let context = Context::of(&app, &at_least, frame.shell.now, entries).await?;
    let field =
        |name: &'static str, label| (name, label, query.peek(name).unwrap_or_default().to_owned());
    let declared = |word, said| (word, said, query.peek("declared") == Some(word));
    let shown = RollbacksPage {
        frame,
        rows: items.iter().map(|one| Row::new(one, &context)).collect(),
        weeks: weeks(&items),
        fields: vec![
            field("service", "Service"),
            field("environment", "Environment"),
            field("actor", "Who"),
            field("q", "Words of the reason"),
            field("since", "Since"),
            field("until", "Before"),
        ],
        declared: [declared("true", "requested"), declared("false", "inferred")],
        active: query.given(&KNOWN, "/rollbacks"),
        next: next.map(|next| query.next("/rollbacks", ("cursor", &next.to_string()))),
        csv: query.next(PATH, ("format", "csv")),
        json: query.without(PATH, &[]),
    };
    page(&app, &shown.frame, &shown)
}
