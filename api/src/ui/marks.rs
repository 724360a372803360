//! Marks: how far a thing has come and of what kind it is, as a sign and a word.

use askama::{Template, filters::HtmlSafe};
use shiplog_domain::lane::{Classification, Health, Intent, Status};
use shiplog_projections::{current::Progress, history::Entry};

use crate::definitions::DefinedWord;

/// How a thing is, as a sign and a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Template)]
#[template(
    source = r#"<span class="mark {{ class }}"><span aria-hidden="true">{{ sign }}</span> {{ word }}{% if let Some((part, whole)) = count %} ({{ part }} of {{ whole }}){% endif %}</span>"#,
    ext = "html"
)]
pub(super) struct Mark {
    pub(super) class: &'static str,
    pub(super) sign: &'static str,
    pub(super) word: &'static str,
    /// How many there are, of how many that are needed.
    count: Option<(u8, u8)>,
}

impl HtmlSafe for Mark {}

const fn mark(class: &'static str, sign: &'static str, word: &'static str) -> Mark {
    Mark { class, sign, word, count: None }
}

impl Mark {
    /// Recorded for a later instant.
    pub(super) const LATER: Self = mark("off", "◷", "later");

    /// How far a deployment has come that has not ended.
    pub(super) fn of_progress(progress: Progress) -> Self {
        match progress {
            Progress::Requested => mark("open", "○", "requested"),
            Progress::WaitingForApproval { given, needed } => {
                Self { count: Some((given, needed)), ..mark("warn", "◐", "waiting for approval") }
            }
            Progress::Queued => mark("open", "○", "queued"),
            Progress::Running => mark("open", "◐", "running"),
        }
    }

    /// How far a deployment or a target has come by its own reports.
    pub(super) fn of(status: Status) -> Self {
        match status {
            Status::Requested => Self::of_progress(Progress::Requested),
            Status::Rejected => mark("off", "⊘", "rejected"),
            Status::Started => Self::of_progress(Progress::Running),
            Status::Succeeded => mark("good", "✓", "succeeded"),
            Status::Failed => mark("bad", "✕", "failed"),
            Status::Cancelled => mark("off", "⊘", "cancelled"),
        }
    }

    /// What a projection is doing.
    pub(super) fn of_projection(status: DefinedWord) -> Self {
        match status {
            DefinedWord::Live => mark("good", "✓", "live"),
            DefinedWord::CatchingUp => mark("open", "◐", "catching up"),
            DefinedWord::Faulted => mark("bad", "✕", "failed"),
            DefinedWord::Stalled => mark("bad", "✕", "stalled"),
            DefinedWord::Paused => mark("off", "⊘", "paused"),
        }
    }

    /// How a release is doing.
    pub(super) fn of_health(health: Health) -> Self {
        match health {
            Health::Healthy => mark("good", "✓", "healthy"),
            Health::Degraded => mark("warn", "▲", "degraded"),
            Health::Unhealthy => mark("bad", "✕", "unhealthy"),
        }
    }
}

/// What kind of deployment it is, where that is not the usual one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Template)]
#[template(
    source = r#"<span class="mark {% if is_back %}back{% else %}off{% endif %}"><span aria-hidden="true">{% if is_back %}↩{% else %}↻{% endif %}</span> {{ word }}</span>"#,
    ext = "html"
)]
pub(super) struct Badge {
    word: &'static str,
    is_back: bool,
}

impl HtmlSafe for Badge {}

impl Badge {
    /// A rollback that somebody called one.
    pub(super) const ROLLBACK: Self = Self { word: "rollback", is_back: true };

    /// A rollback that nobody called one.
    pub(super) const INFERRED: Self = Self { word: "rollback (inferred)", is_back: true };

    pub(super) fn of(entry: &Entry) -> Option<Self> {
        let forward = |word| Some(Self { word, is_back: false });
        match entry.deployment.intent() {
            Intent::Rollback { .. } => Some(Self::ROLLBACK),
            Intent::Deploy
            | Intent::Unknown
            | Intent::RollForward { .. }
            | Intent::Retry { .. }
                if is_inferred_rollback(entry) =>
            {
                Some(Self::INFERRED)
            }
            Intent::RollForward { .. } => forward("roll-forward"),
            Intent::Retry { .. } => forward("retry"),
            Intent::Deploy | Intent::Unknown => None,
        }
    }

    /// Whether it is that of a rollback, whoever called it one.
    pub(super) fn is_rollback(self) -> bool {
        self.is_back
    }
}

/// Whether it put an earlier release back without being called a rollback.
fn is_inferred_rollback(entry: &Entry) -> bool {
    let Entry { deployment, classification, .. } = entry;
    !matches!(deployment.intent(), Intent::Rollback { .. })
        && *classification == Classification::Rollback
        && deployment.took_effect().is_some()
}
