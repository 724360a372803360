//! The audit as a report to print: a section each, in Markdown.

use std::fmt::Write as _;

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use jiff::{SignedDuration, Timestamp};
use shiplog_domain::text::is_hidden;
use shiplog_projections::{
    history::Place,
    rollbacks::{Afterwards, Evidence, Rollback},
};

use crate::lag::Behind;

/// Writes the report of a page of rollbacks, as of an instant, and what it does not include yet.
pub(super) fn report(rollbacks: &[Rollback], now: Timestamp, behind: Option<&Behind>) -> Response {
    let mut text = format!("# Rollbacks\n\n{} of them, as known at {now}.\n", rollbacks.len());
    if let Some(behind) = behind {
        let (events, since) = (behind.counted(), behind.since.0);
        let said =
            format!("\n**Not complete**: {events}, recorded since {since}, not included yet.");
        line(&mut text, &said);
    }
    for rollback in rollbacks {
        section(&mut text, rollback);
    }
    let kind = HeaderValue::from_static("text/markdown; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

fn section(text: &mut String, rollback: &Rollback) {
    let (entry, deployment) = (&rollback.entry, &rollback.entry.deployment);
    let title = format!("{} {}", entry.lane, deployment.number());
    let from = rollback.from.as_ref().map_or_else(|| "nothing".into(), place);
    let to = rollback.to.as_ref().map_or_else(|| "a release that never ran there".into(), place);
    line(text, &format!("\n## {}: {} to {}\n", plain(&title), plain(&from), plain(&to)));
    for (name, value) in facts(rollback) {
        if !value.is_empty() {
            line(text, &format!("- **{name}**: {}", plain(&value)));
        }
    }
}

/// What there is to say, by name; what there is nothing to say of is empty.
fn facts(rollback: &Rollback) -> [(&'static str, String); 14] {
    let (entry, deployment) = (&rollback.entry, &rollback.entry.deployment);
    let requested = &deployment.requested;
    let actor = &entry.actor;
    let who = actor.name.as_ref().map_or_else(|| actor.id.clone(), Clone::clone);
    let known = if rollback.declared { "somebody asked for it" } else { "by what it put there" };
    let crosses = requested.crosses.as_ref().map(|crosses| {
        let rails: Vec<_> = crosses.rails.iter().map(|rail| rail.as_str()).collect();
        format!("{}: {}", rails.join(", "), crosses.reason)
    });
    let approvals = deployment.approvals.iter().map(|one| format!("{} at {}", one.by, one.at));
    let irreversible =
        rollback.irreversible.iter().map(|one| format!("{}: {}", one.version, one.said()));
    let shown = rollback.shown.map(|shown| if shown { "yes" } else { "no" });
    [
        ("Asked for by", format!("{who} ({}, {})", word(&actor.kind), word(&actor.via))),
        ("At", requested.at.to_string()),
        ("Reason", requested.reason.clone().unwrap_or_default()),
        ("Known as a rollback", known.into()),
        ("Approved by", list(approvals)),
        ("Overridden", crosses.unwrap_or_default()),
        ("Took back", some(rollback.reverts.iter().map(place), rollback.reverts_count)),
        ("Times", spans(rollback)),
        ("Irreversible changes crossed", some(irreversible, rollback.irreversible_count)),
        ("Shown to whoever asked", shown.unwrap_or_default().into()),
        ("Outcome", outcome(rollback)),
        ("Afterwards", rollback.afterwards.as_ref().map(afterwards).unwrap_or_default()),
        ("Corrected", list(deployment.corrections.iter().map(|one| one.reason.clone()))),
        ("Events", list(rollback.evidence.iter().map(|one| event(rollback, one)))),
    ]
}

fn word<T: serde::Serialize>(word: &T) -> String {
    crate::deployments::word(word)
}

fn spans(rollback: &Rollback) -> String {
    // A negative span would read "5m ago", and says nothing.
    let span = |name: &str, milliseconds: Option<i64>| {
        let milliseconds = milliseconds.filter(|milliseconds| *milliseconds >= 0)?;
        Some(format!("{name}: {:#}", SignedDuration::from_millis(milliseconds)))
    };
    let spans = [
        span("what it left ran for", rollback.ran_for_ms),
        span("from the end of that deployment to this request", rollback.to_request_ms()),
        span("from the end of that deployment to the end of this one", rollback.to_end_ms()),
    ];
    list(spans.into_iter().flatten())
}

fn outcome(rollback: &Rollback) -> String {
    let deployment = &rollback.entry.deployment;
    let end = deployment.finished_at().map(|at| format!(" at {at}")).unwrap_or_default();
    format!("{}{end}", deployment.status().as_str())
}

fn afterwards(afterwards: &Afterwards) -> String {
    let later = |what: &str, later: &Option<(Place, Timestamp)>| {
        let (deployment, at) = later.as_ref()?;
        Some(format!("{what} by {} at {at}", place(deployment)))
    };
    let told = [
        later("FLAGGED: put there again", &afterwards.deployed_again),
        later("fixed", &afterwards.superseded_by),
    ];
    let told = list(told.into_iter().flatten());
    if told.is_empty() { "not redeployed yet".into() } else { told }
}

fn event(rollback: &Rollback, Evidence { of, number, version }: &Evidence) -> String {
    let stream = rollback.entry.lane.stream();
    match version {
        Some(version) => format!("{of}: {stream} {version}"),
        None => format!("{of}: {stream}, DeploymentRequested of {number}"),
    }
}

fn place(place: &Place) -> String {
    format!("{} ({})", place.version, place.number)
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join("; ")
}

/// The first of a list, and how many there are besides.
fn some(items: impl ExactSizeIterator<Item = String>, all: usize) -> String {
    let more = all.saturating_sub(items.len());
    list(items.chain((more > 0).then(|| format!("and {more} more"))))
}

/// Text from outside, which must not end a line or be taken for markup.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for character in text.chars() {
        match character {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '&' => {
                plain.extend(['\\', character]);
            }
            control if control.is_control() => plain.push(' '),
            hidden if is_hidden(hidden) => plain.extend(hidden.escape_default()),
            other => plain.push(other),
        }
    }
    plain
}

fn line(text: &mut String, line: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn what_comes_from_outside_is_text_in_a_report() {
        assert_eq!(plain("<b>\n# [x](y)"), r"\<b\> \# \[x\](y)");
        assert_eq!(plain("\u{202e}gnp.exe"), r"\u{202e}gnp.exe");
    }
}
