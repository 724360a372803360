//! A lane's last deployments as a picture: one after the other, with an arc from each rollback to
//! what it brought back.

use shiplog_domain::lane::{DeploymentNumber, Intent, Status};
use shiplog_projections::history::Entry;

use super::parts::Mark;

/// How many deployments are drawn.
const MOST: usize = 24;

/// From one deployment to the next.
const STEP: usize = 40;

/// Where the line of deployments is.
const LINE: usize = 78;

/// Where the picture ends, below the labels.
const END: usize = 120;

/// How much room there is above the line where no bow is drawn.
const HEADROOM: usize = 16;

/// What is drawn, in the units of its own picture.
pub(super) struct Picture {
    pub(super) width: usize,
    pub(super) top: usize,
    pub(super) height: usize,
    pub(super) line: usize,
    pub(super) points: Vec<Point>,
    pub(super) arcs: Vec<Arc>,
}

/// A deployment.
pub(super) struct Point {
    pub(super) x: usize,
    pub(super) number: u32,
    pub(super) version: String,
    pub(super) mark: Mark,
    /// Whether a rollback took it back.
    pub(super) reverted: bool,
}

impl Point {
    /// The label, cut to what there is room for.
    pub(super) fn label(&self) -> String {
        let version: String = self.version.chars().take(7).collect();
        if version == self.version { version } else { format!("{version}…") }
    }
}

/// From a rollback to what it brought back.
pub(super) struct Arc {
    pub(super) path: String,
    top: usize,
    pub(super) from: u32,
    pub(super) to: u32,
}

impl Picture {
    /// Draws entries that come newest first; fewer than two are no picture.
    pub(super) fn of(entries: &[Entry]) -> Option<Self> {
        let drawn: Vec<_> = entries.iter().take(MOST).rev().collect();
        if drawn.len() < 2 {
            return None;
        }
        let x = |number: DeploymentNumber| {
            let place = drawn.iter().position(|entry| entry.deployment.number() == number)?;
            Some(STEP / 2 + place * STEP)
        };
        let rollbacks: Vec<_> = drawn
            .iter()
            .filter_map(|entry| match entry.deployment.intent() {
                Intent::Rollback { restores, reverts } => Some((entry, *restores, reverts)),
                Intent::Deploy
                | Intent::RollForward { .. }
                | Intent::Retry { .. }
                | Intent::Unknown => None,
            })
            .collect();
        let arc = |(entry, restores, _): &(&&Entry, Option<DeploymentNumber>, _)| {
            let (from, to) = (entry.deployment.number(), (*restores)?);
            let (path, top) = bow(x(from)?, x(to)?);
            Some(Arc { path, top, from: from.0, to: to.0 })
        };
        let reverted = |number: DeploymentNumber| {
            rollbacks.iter().any(|(entry, _, reverts)| {
                entry.deployment.status() == Status::Succeeded && reverts.contains(&number)
            })
        };
        let point = |(place, entry): (usize, &&Entry)| Point {
            x: STEP / 2 + place * STEP,
            number: entry.deployment.number().0,
            version: entry.deployment.release().version.to_string(),
            mark: Mark::of(entry.deployment.status()),
            reverted: reverted(entry.deployment.number()),
        };
        let arcs: Vec<_> = rollbacks.iter().filter_map(arc).collect();
        let top = arcs.iter().map(|arc| arc.top).min().unwrap_or(LINE - HEADROOM);
        Some(Self {
            width: drawn.len() * STEP,
            top,
            height: END - top,
            line: LINE,
            points: drawn.iter().enumerate().map(point).collect(),
            arcs,
        })
    }

    /// The picture in words.
    pub(super) fn told(&self) -> String {
        let arcs: Vec<_> = self
            .arcs
            .iter()
            .map(|Arc { from, to, .. }| format!("#{from} went back to #{to}"))
            .collect();
        let ends = self.points.first().zip(self.points.last());
        let span = ends.map(|(one, last)| format!("#{} to #{}", one.number, last.number));
        let span = span.unwrap_or_default();
        if arcs.is_empty() { format!("{span}.") } else { format!("{span}; {}.", arcs.join(", ")) }
    }
}

/// A bow above the line, the higher the further it reaches, and how high it is.
fn bow(from: usize, to: usize) -> (String, usize) {
    let reach = from.abs_diff(to).min(240);
    let control = LINE.saturating_sub(24 + reach / 4);
    let (middle, start) = (usize::midpoint(from, to), LINE - 12);
    // A curve of this kind goes half-way to its point of control.
    let top = usize::midpoint(control, start).saturating_sub(2);
    (format!("M {from} {start} Q {middle} {control} {to} {start}"), top.min(LINE - HEADROOM))
}
