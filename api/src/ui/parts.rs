//! What pages are made of: times, people, marks.

use askama::{Template, filters::HtmlSafe};
use jiff::{Timestamp, tz::TimeZone};
use shiplog_domain::{
    lane::{Classification, Health, Intent, Rail, Status},
    metadata::{Actor, ActorKind, Via},
};
use shiplog_projections::{current::Progress, history::Entry};

use crate::definitions::DefinedWord;

/// A time: absolute and in UTC, for the script to make relative.
#[derive(Clone, Debug, Template)]
#[template(source = r#"<time datetime="{{ at }}">{{ shown }}</time>"#, ext = "html")]
pub(super) struct Time {
    pub(super) at: Timestamp,
    shown: String,
}

impl HtmlSafe for Time {}

impl Time {
    pub(super) fn of(at: Timestamp) -> Self {
        let shown = at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC").to_string();
        Self { at, shown }
    }
}

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

/// Why a deployment was asked for, in a few words.
pub(super) fn why(intent: &Intent) -> &'static str {
    match intent {
        Intent::Deploy => "deploy",
        Intent::Rollback { .. } => "rollback",
        Intent::RollForward { .. } => "roll-forward",
        Intent::Retry { .. } => "retry",
        Intent::Unknown => "nobody said",
    }
}

/// What it was, seen from its lane, in a few words.
pub(super) fn what(classification: Classification) -> &'static str {
    match classification {
        Classification::New => "new here",
        Classification::Rollback => "an earlier version again",
        Classification::Reapply => "the same or a later version again",
        Classification::Restore => "back after a removal",
    }
}

/// How something failed: in a line and, where that was reported, the end of its output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) line: String,
    pub(super) output: Option<String>,
}

impl Failure {
    /// Of what was said of it, the first line says how, and those below are the output.
    pub(super) fn of(said: &str) -> Self {
        let (line, output) = said.split_once('\n').unwrap_or((said, ""));
        let output = output.trim_end();
        Self {
            line: line.trim_end().to_owned(),
            output: (!output.is_empty()).then(|| output.to_owned()),
        }
    }
}

/// Somebody, or something, that acts.
#[derive(Clone, Debug, Template)]
#[template(
    source = r#"<span class="who" title="{{ id }}, {{ how }}">{{ name }}{% if robot %} <span class="kind">{{ kind }}</span>{% endif %}</span>"#,
    ext = "html"
)]
pub(super) struct Who {
    name: String,
    id: String,
    how: &'static str,
    kind: &'static str,
    robot: bool,
}

impl HtmlSafe for Who {}

impl From<&Actor> for Who {
    fn from(actor: &Actor) -> Self {
        let Actor { kind, id, name, via } = actor;
        let (word, robot) = match kind {
            ActorKind::Person => ("person", false),
            ActorKind::Service => ("service", true),
            ActorKind::System => ("system", true),
        };
        let how = match via {
            Via::Claimed => "as the caller said, unconfirmed",
            Via::Token => "by a token",
            Via::Oidc => "by an identity provider",
            Via::Webhook => "by a signed webhook",
        };
        let shown = name.as_deref().filter(|name| !name.is_empty()).unwrap_or(id);
        Self { name: shown.to_owned(), id: format!("{word}:{id}"), how, kind: word, robot }
    }
}

/// How long something took, in the two largest units that say something.
pub(super) fn span(ms: i64) -> String {
    let seconds = ms / 1_000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    let two = |large: i64, unit: &str, small: i64, part: &str| match small {
        0 => format!("{large} {unit}"),
        small => format!("{large} {unit} {small} {part}"),
    };
    match () {
        () if ms < 1_000 => format!("{ms} ms"),
        () if seconds < 60 => format!("{seconds} s"),
        () if minutes < 60 => two(minutes, "min", seconds % 60, "s"),
        () if hours < 24 => two(hours, "h", minutes % 60, "min"),
        () => two(days, "d", hours % 24, "h"),
    }
}

/// The first characters of a commit: as many as people compare.
pub(super) fn short(commit: &str) -> String {
    commit.chars().take(10).collect()
}

/// A digest, cut to what people compare.
pub(super) fn digest(text: &str) -> String {
    let cut: String = text.chars().take(19).collect();
    if cut == text { cut } else { format!("{cut}…") }
}

/// A number of things, with the right word.
pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// What can stand in the way, in words for people.
pub(super) fn rail_word(rail: Rail) -> &'static str {
    match rail {
        Rail::Freeze => "the freeze",
        Rail::OneAtATime => "one deployment at a time",
        Rail::Approvals => "the approvals",
        Rail::Block => "the block of the release",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_two_units() {
        for (ms, told) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (59_999, "59 s"),
            (60_000, "1 min"),
            (117_868, "1 min 57 s"),
            (3_660_000, "1 h 1 min"),
            (90_000_000, "1 d 1 h"),
        ] {
            assert_eq!(span(ms), told);
        }
    }

    #[test]
    fn an_output_stands_below_the_line_that_says_how_it_failed() {
        let told = |said| {
            let Failure { line, output } = Failure::of(said);
            (line, output)
        };
        assert_eq!(told("lock timeout"), ("lock timeout".into(), None));
        assert_eq!(
            told("exit code 1\r\n  a\n\nb\n"),
            ("exit code 1".into(), Some("  a\n\nb".into()))
        );
        assert_eq!(told("exit code 1\n\n"), ("exit code 1".into(), None));
    }

    #[test]
    fn what_comes_from_outside_is_text() {
        let actor = Actor {
            kind: ActorKind::Person,
            id: "\"><script>".into(),
            name: Some("<b>".into()),
            via: Via::Claimed,
        };
        let html = Who::from(&actor).to_string();
        assert!(!html.contains("<b>") && !html.contains("<script>"), "{html}");
    }
}
