//! The recovery options of a deployment, side by side, with their facts; each leads to a confirmation.

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use jiff::Timestamp;
use shiplog_domain::lane::{Cause, DeploymentNumber, Health, LaneId};
use shiplog_projections::{
    current::{self, AsOf},
    view::View,
};

use super::{
    context::Context,
    form,
    frame::{Frame, Section, Shell, Watched, page},
    links,
    marks::Mark,
    moving::Moving,
    parts::{Failure, Time, Who, span},
};
use crate::{
    app::App,
    deployments::recovery::{
        Attempt, BackCandidate, Elsewhere, ForwardCandidate, Looked, Recovery, RollBack, recovery,
    },
    path::DeploymentPath,
    problem::Problem,
    query::encode,
    shapes::{Change, IrreversibleShape, Moment, TakenBackBy},
    views::AtLeast,
};

#[derive(Template)]
#[template(path = "recovery.html")]
struct RecoveryPage {
    frame: Frame,
    lane: LaneId,
    number: u32,
    version: String,
    mark: Mark,
    lane_path: String,
    json: String,
    /// How it failed.
    failure: Option<Failure>,
    /// Where all of its output is.
    log: Option<String>,
    /// In which doubt it left its lane.
    doubt: Option<Cause>,
    /// The other deployments of the lane that have not ended.
    moving: Option<Moving>,
    known: Recovery,
}

/// All that is known of the recovery options.
pub(super) async fn show(
    State(app): State<App>,
    shell: Shell,
    DeploymentPath { lane, number }: DeploymentPath,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    form::query(raw.as_deref(), &[])?;
    let looked = recovery(&app, &lane, number, &at_least).await?;
    let Looked { recovery: known, entry, position, .. } = looked;
    let version = entry.deployment.release().version.to_string();
    let title = format!("Recovery options for {} {version}", lane.service);
    let context = Context::of(&app, &at_least, shell.now, [&entry]).await?;
    let moving = moving(&app, &at_least, shell.now, (&lane, number)).await?;
    let frame = Frame::new(shell, Section::Board, title);
    let shown = RecoveryPage {
        frame: Frame { position, ..frame.watching(Watched::Stream(lane.stream().to_string())) },
        number: number.0,
        version,
        mark: context.mark(&entry),
        doubt: entry.deployment.doubt().map(|doubt| doubt.cause),
        moving,
        lane_path: links::lane(&lane),
        json: format!("{}/recovery", crate::path::of_deployment(&lane, number)),
        failure: known.facts.error.as_deref().map(Failure::of),
        log: known.facts.log_url.as_deref().and_then(links::outside),
        known,
        lane,
    };
    page(&app, &shown.frame, &shown)
}

/// What has not ended in a lane beside one deployment.
async fn moving(
    app: &App,
    at_least: &AtLeast,
    now: Timestamp,
    (lane, number): (&LaneId, DeploymentNumber),
) -> Result<Option<Moving>, Problem> {
    at_least.seen_by(&app.models.current).await?;
    let id = lane.clone();
    let ask = move |view: &View<'_>| current::lane(view, &id, AsOf::at(now));
    let lane = app.models.current.query(ask).await?.value;
    Ok(lane.map(|lane| Moving::of(&lane, Some(number))))
}

/// How many releases to go back to are listed, besides the default.
const LISTED: usize = 5;

impl RecoveryPage {
    /// The last releases that ran, and the default wherever it is.
    fn candidates(&self) -> impl Iterator<Item = &BackCandidate> {
        let RollBack { previous, candidates } = &self.known.rollback;
        let all = candidates.iter().enumerate();
        let listed = all.filter(|(place, one)| *place < LISTED || Some(one.number) == *previous);
        listed.map(|(_, one)| one)
    }

    /// How another one failed, in a line.
    fn line(error: &str) -> String {
        Failure::of(error).line
    }

    fn time(moment: &Moment) -> Time {
        Time::of(moment.0)
    }

    fn who(back: &TakenBackBy) -> Who {
        Who::from(&back.actor.clone().into())
    }

    fn attempt(one: &Attempt) -> Mark {
        Mark::of(one.status)
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass references")]
    fn health(health: &Health) -> Mark {
        Mark::of_health(*health)
    }

    fn elsewhere(&self, one: &Elsewhere) -> (String, Mark) {
        let service = self.lane.service.clone();
        let lane = LaneId { service, environment: one.environment.clone() };
        (links::deployment(&lane, DeploymentNumber(one.number)), Mark::of(one.status))
    }

    fn ran(back: &BackCandidate) -> String {
        span(back.ran_for_ms.max(0))
    }

    /// Where a release is put back from.
    fn back(&self, back: &BackCandidate) -> String {
        format!("{}/rollback?to={}", self.lane_path, back.number)
    }

    /// Where a newer release is put there from.
    fn forward(&self, release: &ForwardCandidate) -> String {
        let (path, version) = (&self.lane_path, encode(release.version.as_str()));
        format!("{path}/roll-forward?mends={}&release={version}", self.number)
    }

    fn change(change: &IrreversibleShape) -> String {
        let said: Vec<_> =
            [&change.id, &change.description].into_iter().flatten().map(String::as_str).collect();
        format!("{} ({})", said.join(" "), change.version)
    }

    fn made(change: &Change) -> String {
        let said = [Some(&change.kind), change.id.as_ref(), change.description.as_ref()];
        let said: Vec<_> = said.into_iter().flatten().map(String::as_str).collect();
        said.join(" ")
    }
}
