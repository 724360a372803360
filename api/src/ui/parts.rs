//! What pages are made of: times, people, spans.

use askama::{Template, filters::HtmlSafe};
use jiff::{Timestamp, tz::TimeZone};
use shiplog_domain::{
    lane::{Classification, Intent, Rail},
    metadata::{Actor, ActorKind, Via},
};

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
