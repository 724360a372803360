//! The ways out of a deployment, side by side, with their facts; each leads to a confirmation.

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use shiplog_domain::lane::{DeploymentNumber, Health, LaneId};

use super::{
    form,
    frame::{Frame, Section, Shell, Watched, page},
    links,
    parts::{Failure, Mark, Time, span},
};
use crate::{
    app::App,
    deployments::recovery::{
        Attempt, BackCandidate, Elsewhere, ForwardCandidate, Looked, Recovery, recovery,
    },
    path::DeploymentPath,
    problem::Problem,
    query::encode,
    shapes::{Change, IrreversibleShape, Moment},
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
    known: Recovery,
}

/// All that is known of the ways out.
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
    let title = format!("The ways out of {} {version}", lane.service);
    let frame = Frame::new(shell, Section::Board, title);
    let shown = RecoveryPage {
        frame: Frame { position, ..frame.watching(Watched::Stream(lane.stream().to_string())) },
        number: number.0,
        version,
        mark: Mark::of(entry.deployment.status()),
        lane_path: links::lane(&lane),
        json: format!("{}/recovery", crate::path::of_deployment(&lane, number)),
        failure: known.facts.error.as_deref().map(Failure::of),
        log: known.facts.log_url.as_deref().and_then(links::outside),
        known,
        lane,
    };
    page(&app, &shown.frame, &shown)
}

impl RecoveryPage {
    /// How another one failed, in a line.
    fn line(error: &str) -> String {
        Failure::of(error).line
    }

    fn time(moment: &Moment) -> Time {
        Time::of(moment.0)
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
