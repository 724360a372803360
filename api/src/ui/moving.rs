//! What has not ended in a lane, as pages tell it.

use askama::{Template, filters::HtmlSafe};
use shiplog_domain::lane::DeploymentNumber;
use shiplog_projections::current::{Brief, LaneNow, Progress};

use super::{
    links,
    marks::Mark,
    parts::{Time, Who},
};

/// What has not ended in a lane: what is in progress, then the newest of what waits beside it.
#[derive(Clone, Debug, Template)]
#[template(path = "moving.html")]
pub(super) struct Moving {
    deployments: Vec<Open>,
    /// How many more wait.
    more: u32,
}

impl HtmlSafe for Moving {}

/// A deployment that has not ended.
#[derive(Clone, Debug)]
struct Open {
    href: String,
    number: u32,
    version: String,
    at: Time,
    who: Who,
    progress: Progress,
    sign: &'static str,
}

impl Moving {
    pub(super) fn is_empty(&self) -> bool {
        self.deployments.is_empty() && self.more == 0
    }

    /// Of a lane; on the page of one deployment that one is left out.
    pub(super) fn of(now: &LaneNow, without: Option<DeploymentNumber>) -> Self {
        let LaneNow { lane, in_progress, queued, queued_count, .. } = now;
        let open = |(brief, progress): &(Brief, Progress)| Open {
            href: links::deployment(lane, brief.number),
            number: brief.number.0,
            version: brief.version.to_string(),
            at: Time::of(brief.at),
            who: Who::from(&brief.actor),
            progress: *progress,
            sign: Mark::of_progress(*progress).sign,
        };
        let shown = in_progress.iter().chain(queued);
        let shown = shown.filter(|(brief, _)| Some(brief.number) != without);
        Self {
            deployments: shown.map(open).collect(),
            more: queued_count.saturating_sub(u32::from(queued.is_some())),
        }
    }
}
