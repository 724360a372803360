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
    lane::{Deployment, LaneId, State as LaneState, Status},
    wire::EncodedEvent,
};
use shiplog_projections::{
    history::{self, Entry},
    models::Answer,
    page::Page,
};
use shiplog_store::log::Recorded;

pub(super) use self::verdict::{approve, reject};
use self::{changes::Changes, told::Told};
use super::{
    form,
    frame::{Frame, Section, Shell, Watched, page},
    links,
    parts::{Mark, Time, Who, what, why},
};
use crate::{
    answering::fresh, app::App, deployments, path::DeploymentPath, problem::Problem, query::encode,
    views::AtLeast,
};

#[derive(Template)]
#[template(path = "deployment.html")]
struct DeploymentPage {
    frame: Frame,
    lane: LaneId,
    number: u32,
    version: String,
    mark: Mark,
    who: Who,
    at: Time,
    why: &'static str,
    what: &'static str,
    told: Told,
    changes: Changes,
    events: Vec<EventLine>,
    paths: Paths,
    /// A promise for each form of the page.
    approval: String,
    rejection: String,
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
    /// The ways out, if it failed.
    recovery: Option<String>,
    /// To run it again, if it once succeeded.
    rollback: Option<String>,
}

/// An event as the log has it.
pub(super) struct EventLine {
    pub(super) position: u64,
    pub(super) stream: String,
    pub(super) kind: String,
    pub(super) recorded: Time,
    pub(super) who: Who,
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
            recorded: Time::of(recorded_at),
            who: Who::from(&metadata.actor),
            data: String::from_utf8_lossy(&event.data).into_owned(),
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
    let Entry { deployment, actor, classification, replaced, .. } = &answer.value;
    let before = ran_before(&app, &answer.value).await?;
    let changes = Changes::of(deployment, before.as_ref());
    let records = deployments::records(&app, &lane, number).await?;
    let paths = paths(&app, &answer).await?;
    let title =
        format!("{} {} to {}", lane.service, deployment.release().version, lane.environment);
    let frame = Frame::new(shell, Section::History, title);
    let frame = frame.told_by(&app, &app.models.history, &answer).await;
    let shown = DeploymentPage {
        frame: frame.watching(Watched::Stream(lane.stream().to_string())),
        number: number.0,
        version: deployment.release().version.to_string(),
        mark: Mark::of(deployment.status()),
        who: Who::from(actor),
        at: Time::of(deployment.requested.at),
        why: why(deployment.intent()),
        what: what(*classification),
        told: Told::of(&lane, deployment, replaced.as_ref()),
        changes,
        events: records.into_iter().map(EventLine::from).collect(),
        paths,
        approval: fresh().to_string(),
        rejection: fresh().to_string(),
        lane,
    };
    page(&app, &shown.frame, &shown)
}

/// What the deployment replaced or, where it has not taken effect, what ran when it was asked for.
async fn ran_before(app: &App, entry: &Entry) -> Result<Option<Deployment>, Problem> {
    let number = entry.deployment.number();
    let look = |state: &LaneState, _: Option<_>| {
        let deployment = state.deployment(number)?;
        state.ran_before(deployment).cloned()
    };
    Ok(app.lanes.read(&entry.lane.stream(), look).await?)
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
    Ok(Paths {
        own: path.clone(),
        lane: links::lane(lane),
        release: links::release(&lane.service, &deployment.release().version),
        events: format!("{json}/events"),
        json,
        before: number.0.checked_sub(1).filter(|before| *before > 0).map(sibling),
        after: last.filter(|last| *last > number).map(|_| sibling(number.0.saturating_add(1))),
        recovery: (deployment.status() == Status::Failed).then(|| format!("{path}/recovery")),
        rollback: deployment
            .took_effect()
            .map(|_| format!("{}/rollback?to={}", links::lane(lane), number.0)),
    })
}
