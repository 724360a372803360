//! A lane's last deployments as a picture: one after the other, with an arc from each rollback to
//! what it brought back.

use shiplog_domain::lane::{DeploymentNumber, Intent};
use shiplog_projections::history::Entry;

use super::marks::{Badge, Mark};

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
        let arc = |entry: &&Entry| {
            let (from, to) = (entry.deployment.number(), brought_back(entry, &drawn)?);
            let (path, top) = bow(x(from)?, x(to)?);
            Some(Arc { path, top, from: from.0, to: to.0 })
        };
        let point = |(place, entry): (usize, &&Entry)| Point {
            x: STEP / 2 + place * STEP,
            number: entry.deployment.number().0,
            version: entry.deployment.release().version.to_string(),
            mark: Mark::of(entry.deployment.status()),
            reverted: entry.taken_back.is_some(),
        };
        let arcs: Vec<_> = drawn.iter().filter_map(arc).collect();
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

/// What a rollback brought back, whether or not it was called one; none if it has not worked.
fn brought_back(entry: &Entry, drawn: &[&Entry]) -> Option<DeploymentNumber> {
    let point = |entry: &Entry| entry.deployment.took_effect().map(|end| (end.at, end.record));
    let took_effect = point(entry)?;
    if let Intent::Rollback { restores: Some(number), .. } = entry.deployment.intent() {
        return Some(*number);
    }
    if Badge::of(entry).is_none_or(|badge| !badge.is_rollback()) {
        return None;
    }
    let own = entry.deployment.release().identity();
    let earlier = drawn.iter().filter(|one| one.deployment.release().identity().is(&own));
    let earlier = earlier.filter(|one| point(one).is_some_and(|at| at < took_effect));
    earlier.max_by_key(|one| point(one)).map(|one| one.deployment.number())
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
