//! Reports of a release that is registered with another content.

use shiplog_domain::{
    lane::{Asked, Command, LaneId},
    release::{ReleaseId, State},
};

use super::{Admission, warning::Warning};

impl Admission {
    /// What is to be warned of in a report: its release is registered with another content. A request is
    /// refused for it, by the rules.
    pub(crate) async fn warn_of_content(
        &self,
        lane: &LaneId,
        command: &Command,
    ) -> Option<Warning> {
        let Command::Report(report) = command else { return None };
        let release = match &report.request.asked {
            Asked::Deploy(release)
            | Asked::Unknown(release)
            | Asked::RollForward { release, .. }
            | Asked::Rollback { release: Some(release), .. } => release,
            Asked::Rollback { release: None, .. } | Asked::Retry { .. } => return None,
        };
        // Nearly every report states a version alone, and costs no reading.
        if release.commit.is_none() && release.artifacts.is_empty() {
            return None;
        }
        let version = release.version.clone();
        let id = ReleaseId { service: lane.service.clone(), version };
        let unlike = |state: &State, _: Option<_>| release.unlike(state.registered.as_ref()?);
        // A stream that cannot be read keeps nobody from recording a report of something else.
        let differs = self.releases.read(&id.stream(), unlike).await.ok()??;
        let detail = format!("version `{}` is registered with {differs}", release.version);
        Some(Warning { code: "other-content", pointer: "/release", detail })
    }
}
