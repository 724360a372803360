//! What is known of a deployment, in the words of its page.

use shiplog_domain::{
    lane::{Correction, Deployment, DeploymentNumber, Intent, LaneId, LinkKind, Override},
    names::TargetName,
};
use shiplog_projections::history::Place;

use crate::ui::{
    excerpt::{ENTRIES, Excerpt, clipped},
    links,
    marks::Mark,
    parts::{Failure, Time, rail_word, span},
};

/// Everything that was said of it.
pub(in crate::ui) struct Told {
    pub(in crate::ui) reason: Option<String>,
    /// What it replaced: its version and page.
    pub(in crate::ui) replaced: Option<(String, String)>,
    /// What its intent refers to: in words, each with the deployment's number and page.
    pub(in crate::ui) refers: Excerpt<(&'static str, u32, String)>,
    pub(in crate::ui) started: Option<Time>,
    pub(in crate::ui) finished: Option<Time>,
    pub(in crate::ui) took: Option<String>,
    pub(in crate::ui) executor: Option<String>,
    pub(in crate::ui) external_id: Option<String>,
    /// Where to read on: what it is, and where.
    pub(in crate::ui) links: Vec<(String, String)>,
    pub(in crate::ui) failure: Option<Failure>,
    /// Where all of its output is, or the run that it came from.
    pub(in crate::ui) whole_output: Option<String>,
    pub(in crate::ui) failed_step: Option<String>,
    pub(in crate::ui) ended_because: Option<String>,
    pub(in crate::ui) is_contradicted: bool,
    pub(in crate::ui) is_void: bool,
    pub(in crate::ui) health: Option<(Mark, Time, String)>,
    pub(in crate::ui) targets: Excerpt<(TargetName, Mark, Time, Option<Failure>)>,
    pub(in crate::ui) notes: Excerpt<(String, Time)>,
    /// Whether people can still decide about it.
    pub(in crate::ui) is_open: bool,
    /// The guard rails that it crossed, and why.
    pub(in crate::ui) crossed: Option<(String, String)>,
    /// The irreversible changes that whoever asked had been shown.
    pub(in crate::ui) shown: Excerpt<String>,
    pub(in crate::ui) approvals: Vec<(String, Option<String>, Time)>,
    pub(in crate::ui) corrections: Vec<(&'static str, String, Time)>,
    pub(in crate::ui) labels: Vec<(String, String)>,
    pub(in crate::ui) commit: Option<String>,
    pub(in crate::ui) release_notes: Option<String>,
}

impl Told {
    pub(in crate::ui) fn of(lane: &LaneId, told: &Deployment, before: Option<&Place>) -> Self {
        let (requested, failure) = (&told.requested, told.failure.as_ref());
        let started = told.started.as_ref();
        Self {
            reason: requested.reason.clone().filter(|reason| !reason.is_empty()),
            replaced: before
                .map(|one| (one.version.to_string(), links::deployment(lane, one.number))),
            refers: Excerpt::first(refers(lane, told.intent())),
            started: started.map(|started| Time::of(started.at)),
            finished: told.finished_at().map(Time::of),
            took: told.duration_ms().map(span),
            executor: started.and_then(|started| started.executor.clone()),
            external_id: requested.external_id.clone(),
            links: outside(told),
            failure: failure.and_then(|failure| failure.error.as_deref()).map(Failure::of),
            failed_step: failure.and_then(|failure| failure.failed_step.clone()),
            ended_because: told.ended_because.clone(),
            is_contradicted: told.is_contradicted(),
            is_void: told.is_void(),
            health: told.health.as_ref().map(|report| {
                let said = [&report.source, &report.detail].into_iter().flatten().cloned();
                let said: Vec<_> = said.collect();
                (Mark::of_health(report.health), Time::of(report.at), said.join(": "))
            }),
            whole_output: log(told).or(requested.url.as_ref()).and_then(|url| links::outside(url)),
            targets: Excerpt::first(told.targets.iter().map(|(name, state)| {
                let failure = state.error.as_deref().map(|said| Failure::of(&clipped(said)));
                (name.clone(), Mark::of(state.status), Time::of(state.at), failure)
            })),
            notes: Excerpt::first(
                told.notes.iter().map(|note| (clipped(&note.text), Time::of(note.at))),
            ),
            is_open: told.is_open(),
            crossed: requested.crosses.as_ref().map(crossed),
            shown: Excerpt::first(
                requested.acknowledged.iter().map(|one| clipped(&one.to_string())),
            ),
            approvals: told
                .approvals
                .iter()
                .map(|one| (one.by.clone(), one.comment.clone(), Time::of(one.at)))
                .collect(),
            corrections: told
                .corrections
                .iter()
                .map(|one| (corrected(&one.correction), one.reason.clone(), Time::of(one.at)))
                .collect(),
            labels: requested.labels.clone().into_iter().collect(),
            commit: told.release().commit.clone(),
            release_notes: told.release().notes.clone(),
        }
    }
}

/// Where its output can be read: that of the failure, if that was said.
fn log(told: &Deployment) -> Option<&String> {
    let log = told.failure.as_ref().and_then(|failure| failure.log_url.as_ref());
    log.or_else(|| told.started.as_ref().and_then(|started| started.log_url.as_ref()))
}

fn crossed(Override { rails, reason }: &Override) -> (String, String) {
    let rails: Vec<_> = rails.iter().map(|rail| rail_word(*rail)).collect();
    (rails.join(", "), reason.clone())
}

fn refers(lane: &LaneId, intent: &Intent) -> Vec<(&'static str, u32, String)> {
    let one = |word: &'static str, number: DeploymentNumber| {
        (word, number.0, links::deployment(lane, number))
    };
    match intent {
        Intent::Rollback { restores, reverts } => restores
            .iter()
            .map(|number| one("brings back", *number))
            .chain(reverts.iter().map(|number| one("takes back", *number)))
            .collect(),
        Intent::RollForward { mends } => mends.iter().map(|number| one("mends", *number)).collect(),
        Intent::Retry { of } => of.iter().map(|number| one("repeats", *number)).collect(),
        Intent::Deploy | Intent::Unknown => Vec::new(),
    }
}

fn outside(told: &Deployment) -> Vec<(String, String)> {
    let mut found = vec![("The run", told.requested.url.as_ref()), ("Its output", log(told))];
    for link in told.notes.iter().flat_map(|note| &note.links).take(ENTRIES) {
        let word = match link.kind {
            LinkKind::Incident => "Incident",
            LinkKind::Ticket => "Ticket",
            LinkKind::Change => "Change",
        };
        found.push((word, Some(&link.url)));
    }
    found
        .into_iter()
        .filter_map(|(word, url)| Some((word.to_owned(), links::outside(url?)?)))
        .collect()
}

fn corrected(correction: &Correction) -> &'static str {
    match correction {
        Correction::Void => "it never took place",
        Correction::Intent { .. } => "it was asked for otherwise",
        Correction::Blamed => "it did harm",
        Correction::Cleared => "it did no harm after all",
    }
}
