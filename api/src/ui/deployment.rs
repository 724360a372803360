//! A deployment, with everything that is known of it.

pub(in crate::ui) mod changes;
mod told;
mod verdict;

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use shiplog_domain::{
    lane::{Approvals, Deployment, Intent, LaneId, State as LaneState, Status},
    wire::EncodedEvent,
};
use shiplog_projections::{
    history::{self, Entry},
    models::Answer,
    page::Page,
};
use shiplog_store::log::{Recorded, Unreadable};

pub(super) use self::verdict::{approve, reject};
use self::{
    changes::{Changes, Release},
    told::Told,
};
use super::{
    context::Context,
    damage::Damaged,
    excerpt::{Excerpt, clipped},
    form,
    frame::{Frame, Section, Shell, Watched, page},
    links,
    marks::{Badge, Mark},
    objections::Objections,
    parts::{Time, Who, what, why},
};
use crate::{
    answering::fresh,
    app::App,
    deployments::{
        self,
        changes::{against, ran_before},
    },
    events::UNREADABLE,
    path::DeploymentPath,
    problem::Problem,
    query::encode,
    views::AtLeast,
};

#[derive(Template)]
#[template(path = "deployment.html")]
struct DeploymentPage {
    frame: Frame,
    lane: LaneId,
    number: u32,
    version: String,
    headline: String,
    mark: Mark,
    badge: Option<Badge>,
    /// From when on it is as it is recorded, if that is later than now.
    later: Option<Time>,
    objections: Objections,
    /// What is wrong with its lane.
    damaged: Option<Damaged>,
    /// The approvals that it waits for.
    waiting: Option<Waiting>,
    who: Who,
    at: Time,
    why: &'static str,
    what: &'static str,
    told: Told,
    changes: Changes,
    /// What comes into the environment, release by release.
    comes_in: Excerpt<Release>,
    /// What goes out of it, release by release.
    goes_out: Excerpt<Release>,
    events: Excerpt<EventLine>,
    paths: Paths,
    /// A promise for each form of the page.
    approval: String,
    rejection: String,
}

impl DeploymentPage {
    /// What goes out of the environment and what comes into it, each with its title.
    fn ways(&self) -> [(&'static str, &Excerpt<Release>); 2] {
        [
            ("Taken out of this environment", &self.goes_out),
            ("New in this environment", &self.comes_in),
        ]
    }
}

/// The approvals that a deployment waits for.
struct Waiting {
    given: u8,
    needed: u8,
    /// Whether whoever requested it may be one of those who approve.
    by_requester: bool,
}

impl Waiting {
    fn of(deployment: &Deployment) -> Option<Self> {
        let missing = deployment.approvals_missing();
        if missing == 0 || !deployment.is_open() || deployment.has_begun() {
            return None;
        }
        let Approvals { needed, by_requester } = deployment.requested.approvals_in_force()?;
        Some(Self { given: needed.saturating_sub(missing), needed, by_requester })
    }
}

/// Where one can go from here.
struct Paths {
    own: String,
    lane: String,
    release: String,
    json: String,
    events: String,
    before: Option<String>,
    after: Option<String>,
    /// The recovery options, if it failed or left its lane in doubt.
    recovery: Option<String>,
    /// To run it again, if it once succeeded.
    rollback: Option<String>,
}

/// An event as the log has it.
pub(super) struct EventLine {
    pub(super) position: u64,
    pub(super) stream: String,
    pub(super) kind: String,
    /// When it was recorded; none where it cannot be read.
    pub(super) recorded: Option<Time>,
    /// By whom; none where it cannot be read.
    pub(super) who: Option<Who>,
    /// What it says or, where it cannot be read, why not.
    pub(super) data: String,
}

impl EventLine {
    /// The events of its stream.
    pub(super) fn stream_page(&self) -> String {
        format!("/log?stream={}", encode(&self.stream))
    }
}

impl From<Recorded<EncodedEvent>> for EventLine {
    fn from(recorded: Recorded<EncodedEvent>) -> Self {
        let Recorded { position, stream, recorded_at, metadata, event, .. } = recorded;
        Self {
            position: position.0,
            stream: stream.to_string(),
            kind: event.event_type.into_owned(),
            recorded: Some(Time::of(recorded_at)),
            who: Some(Who::from(&metadata.actor)),
            data: clipped(&String::from_utf8_lossy(&event.data)),
        }
    }
}

impl From<Unreadable> for EventLine {
    fn from(unreadable: Unreadable) -> Self {
        let Unreadable { position, stream, version: _, problem } = unreadable;
        Self {
            position: position.0,
            stream: stream.map(|stream| stream.to_string()).unwrap_or_default(),
            kind: UNREADABLE.into(),
            recorded: None,
            who: None,
            data: problem,
        }
    }
}

/// One deployment.
pub(super) async fn show(
    State(app): State<App>,
    shell: Shell,
    DeploymentPath { lane, number }: DeploymentPath,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    form::query(raw.as_deref(), &[])?;
    at_least.seen_by(&app.models.history).await?;
    let (value, position) = deployments::one(&app, &lane, number).await?;
    let answer = Answer { value, position };
    let context = Context::of(&app, &at_least, shell.now, [&answer.value]).await?;
    let Entry { deployment, actor, classification, replaced, .. } = &answer.value;
    let before = ran_before(&app, &answer.value).await?;
    at_least.seen_by(&app.models.releases).await?;
    let between = against(&app, &answer.value, before.as_ref()).await?;
    let records = deployments::records(&app, &lane, number).await?;
    let paths = paths(&app, &answer).await?;
    let headline = headline(&app, &answer.value, before.as_ref()).await?;
    let frame = Frame::new(shell, Section::History, headline.clone());
    let frame = frame.told_by(&app, &app.models.history, &answer).await;
    // It says so itself, of its lane.
    let frame = Frame { damage: None, ..frame };
    let shown = DeploymentPage {
        frame: frame.watching(Watched::Stream(lane.stream().to_string())),
        number: number.0,
        version: deployment.release().version.to_string(),
        headline,
        mark: context.mark(&answer.value),
        badge: Badge::of(&answer.value),
        later: context.later(deployment).map(Time::of),
        objections: Objections::of(&answer.value, context.block(&answer.value)),
        damaged: Damaged::of(&app.models.history, &lane),
        waiting: Waiting::of(deployment),
        who: Who::from(actor),
        at: Time::of(deployment.requested.at),
        why: why(deployment.intent()),
        what: what(*classification),
        told: Told::of(&lane, deployment, replaced.as_ref()),
        changes: Changes::of(deployment, before.as_ref().map(|before| &before.deployment)),
        comes_in: Excerpt::first(between.releases.into_iter().map(Release::from)),
        goes_out: Excerpt::first(between.taken_out.into_iter().map(Release::from)),
        events: Excerpt::first(records.into_iter().map(EventLine::from)),
        paths,
        approval: fresh().to_string(),
        rejection: fresh().to_string(),
        lane,
    };
    page(&app, &shown.frame, &shown)
}

/// What the page is called: of a rollback, from what to what it goes.
async fn headline(app: &App, entry: &Entry, before: Option<&Entry>) -> Result<String, Problem> {
    let Entry { lane, deployment, .. } = entry;
    let LaneId { service, environment } = lane;
    let version = &deployment.release().version;
    let Intent::Rollback { reverts, .. } = deployment.intent() else {
        return Ok(format!("{service} {version} to {environment}"));
    };
    // What failed has not run, and it is that which a rollback leaves.
    let look = |state: &LaneState, _: Option<_>| {
        let reverted = reverts.iter().filter_map(|number| state.deployment(*number));
        let mut versions = reverted.map(|one| &one.release().version);
        versions.find(|one| *one != version).cloned()
    };
    let left = match app.lanes.read(&lane.stream(), look).await.map_err(Problem::from) {
        Err(problem) if problem.kind.is_of_one_stream() => None,
        left => left?,
    };
    let left = left.or_else(|| Some(before?.deployment.release().version.clone()));
    let left = left.map_or_else(String::new, |left| format!("{left} → "));
    Ok(format!("Rollback of {service} in {environment}: {left}{version}"))
}

async fn paths(app: &App, answer: &Answer<Entry>) -> Result<Paths, Problem> {
    let Entry { lane, deployment, .. } = &answer.value;
    let number = deployment.number();
    let filter = history::Filter::from(lane);
    let last = Page::first(1);
    let last = app.models.history.query(move |view| history::list(view, &filter, &last)).await?;
    let last = last.value.items.first().map(|entry| entry.deployment.number());
    let path = links::deployment(lane, number);
    let sibling = |number: u32| format!("{}/{number}", links::lane(lane));
    let json = crate::path::of_deployment(lane, number);
    let needs_recovery = deployment.status() == Status::Failed || deployment.doubt().is_some();
    Ok(Paths {
        own: path.clone(),
        lane: links::lane(lane),
        release: links::release(&lane.service, &deployment.release().version),
        events: format!("{json}/events"),
        json,
        before: number.0.checked_sub(1).filter(|before| *before > 0).map(sibling),
        after: last.filter(|last| *last > number).map(|_| sibling(number.0.saturating_add(1))),
        recovery: needs_recovery.then(|| format!("{path}/recovery")),
        rollback: deployment
            .took_effect()
            .map(|_| format!("{}/rollback?to={}", links::lane(lane), number.0)),
    })
}
