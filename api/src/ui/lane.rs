//! A lane: what runs, and how it came to that.

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use jiff::Timestamp;
use shiplog_domain::lane::{Cause, DeploymentNumber, LaneId, Status};
use shiplog_projections::{
    current::{self, Brief, LaneNow},
    history::{self, Fact, Filter},
    page::Listed,
};

use super::{
    damage::Damaged,
    form,
    frame::{Frame, Section, Shell, Watched, page},
    history::Item,
    links,
    moving::Moving,
    parts::{Failure, Time, Who, counted},
    picture::Picture,
};
use crate::{app::App, lanes, path::LanePath, problem::Problem, query::encode, views::AtLeast};

#[derive(Template)]
#[template(path = "lane.html")]
struct LanePage {
    frame: Frame,
    lane: LaneId,
    now: Standing,
    damaged: Option<Damaged>,
    items: Vec<Item>,
    picture: Option<Picture>,
    next: Option<String>,
    csv: String,
    json: String,
    rollback: String,
    releases: String,
}

/// What the lane is, in a few sentences.
struct Standing {
    runs: Option<(String, String, Time, Who)>,
    moving: Moving,
    /// What is recorded to run later, and from when.
    upcoming: Option<(String, String, Time, Who)>,
    doubt: Option<Doubt>,
    failed: Option<Failed>,
    version: u64,
}

/// Why nobody knows what is there.
struct Doubt {
    /// The deployment and what became of it: `#2 was cancelled half-way`.
    cause: String,
    href: String,
    recovery: String,
}

/// What failed last.
struct Failed {
    href: String,
    version: String,
    at: Time,
    error: Option<String>,
    /// Whether what is there has been uncertain since.
    counts: bool,
}

impl Standing {
    fn of(now: &LaneNow) -> Self {
        let LaneNow { lane, version, running, last_failed, doubt, upcoming, .. } = now;
        let described = |brief: &Brief| {
            let (href, version) =
                (links::deployment(lane, brief.number), brief.version.to_string());
            (href, version, Time::of(brief.at), Who::from(&brief.actor))
        };
        let failed = last_failed.as_ref().map(|brief| Failed {
            href: links::deployment(lane, brief.number),
            version: brief.version.to_string(),
            at: Time::of(brief.at),
            error: brief.error.as_deref().map(|error| Failure::of(error).line),
            counts: doubt.is_some(),
        });
        Self {
            runs: running.as_ref().map(described),
            moving: Moving::of(now, None),
            upcoming: upcoming.as_ref().map(described),
            doubt: doubt.map(|doubt| Doubt::of(lane, doubt)),
            failed,
            version: version.0,
        }
    }
}

impl Doubt {
    fn of(lane: &LaneId, (number, cause): (DeploymentNumber, Cause)) -> Self {
        let href = links::deployment(lane, number);
        let cause = format!("{number} {}", cause.as_str());
        Self { cause, recovery: format!("{href}/recovery"), href }
    }
}

/// A lane and its deployments.
pub(super) async fn show(
    State(app): State<App>,
    shell: Shell,
    LanePath(lane): LanePath,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    let mut query = form::query(raw.as_deref(), &["at", "known_at", "cursor", "limit"])?;
    let (as_of, at) = query.as_of(shell.now)?;
    let path = links::lane(&lane);
    let wanted = query.page(&path)?;
    let first = wanted.after.is_none();
    at_least.seen_by(&app.models.current).await?;
    let id = lane.clone();
    let answer = app.models.current.query(move |view| current::lane(view, &id, as_of)).await?;
    let now = Standing::of(answer.value.as_ref().ok_or_else(|| lanes::unheard(&app, &lane))?);
    at_least.seen_by(&app.models.history).await?;
    let filter = of_lane(&lane, at);
    let listed = app.models.history.query(move |view| history::list(view, &filter, &wanted));
    let Listed { items, next } = listed.await?.value;
    let frame =
        Frame::new(shell, Section::Board, format!("{} in {}", lane.service, lane.environment));
    let frame = frame.told_by(&app, &app.models.current, &answer).await;
    let frame = match at.or(as_of.known_at) {
        Some(at) => Frame { as_of: Some((Time::of(at), path.clone())), ..frame },
        None if first => frame.watching(Watched::Stream(lane.stream().to_string())),
        None => frame,
    };
    // It says so itself, of itself.
    let frame = Frame { damage: None, ..frame };
    let (service, environment) = (encode(lane.service.as_str()), encode(lane.environment.as_str()));
    let json = format!("/v1/deployments?service={service}&environment={environment}");
    let now_is = frame.shell.now;
    let shown = LanePage {
        frame,
        now,
        damaged: Damaged::of(&app.models.current, &lane),
        picture: Picture::of(&items),
        items: Item::all(&app, &at_least, now_is, &items).await?,
        next: next.map(|next| query.next(&path, ("cursor", &next.to_string()))),
        csv: format!("{json}&format=csv"),
        json,
        rollback: format!("{path}/rollback"),
        releases: links::releases(&lane.service),
        lane,
    };
    page(&app, &shown.frame, &shown)
}

fn of_lane(lane: &LaneId, until: Option<Timestamp>) -> Filter {
    let mut filter = Filter::from(lane);
    filter.0.extend(until.map(Fact::Until).map(Into::into));
    filter
}

impl LanePage {
    fn tally(&self) -> String {
        let failed =
            self.items.iter().filter(|item| item.mark == super::marks::Mark::of(Status::Failed));
        let failed = failed.count();
        let shown = counted(self.items.len(), "deployment", "deployments");
        if failed == 0 { shown } else { format!("{shown}, {failed} failed") }
    }
}
