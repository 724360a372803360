//! What a history comes to, folded without any code of Shiplog.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::data::{History, LaneName, Line};

/// A deployment of a lane: its number there, and its version.
pub(crate) type Place = (usize, String);

/// What one line came to.
#[derive(Clone, Debug)]
pub(crate) struct Effect<'h> {
    pub(crate) line: &'h Line,
    /// When it counts.
    pub(crate) at: Timestamp,
    /// Its number in its lane; none for a removal.
    pub(crate) number: Option<usize>,
    pub(crate) kind: &'static str,
    /// What ran before.
    pub(crate) from: Option<Place>,
    /// The last deployment of the same version before.
    pub(crate) back_to: Option<Place>,
    /// What took effect after that, newest first.
    pub(crate) reverts: Vec<Place>,
}

/// When a line counts, its number, and itself.
type Counted<'h> = (Timestamp, Option<usize>, &'h Line);

/// What came to be in each lane, in the order in which it took effect.
pub(crate) type Effects<'h> = BTreeMap<LaneName, Vec<Effect<'h>>>;

/// By the order of the lines: no time is before that of an earlier line of the lane.
pub(crate) fn by_line(history: &History) -> Effects<'_> {
    let mut lanes: BTreeMap<LaneName, Vec<Counted<'_>>> = BTreeMap::new();
    for line in &history.lines {
        let lane = lanes.entry(line.lane()).or_default();
        let at = lane.iter().map(|(at, ..)| *at).max().map_or(line.time, |at| at.max(line.time));
        let earlier = lane.iter().filter(|(_, number, _)| number.is_some()).count();
        let number = line.version.as_ref().map(|_| earlier + 1);
        lane.push((at, number, line));
    }
    lanes.into_iter().map(|(lane, lines)| (lane, fold(lines))).collect()
}

/// By time, where the lines were sent in this order; lanes in which two times are equal are left
/// out.
pub(crate) fn by_time<'h>(sent: &[&'h Line]) -> Effects<'h> {
    let mut lanes: BTreeMap<LaneName, Vec<Counted<'_>>> = BTreeMap::new();
    let mut last: HashMap<LaneName, usize> = HashMap::new();
    for line in sent {
        let number = line.version.as_ref().map(|_| {
            let last = last.entry(line.lane()).or_default();
            *last += 1;
            *last
        });
        lanes.entry(line.lane()).or_default().push((line.time, number, line));
    }
    for lines in lanes.values_mut() {
        lines.sort_by_key(|(at, ..)| *at);
    }
    lanes.retain(|_, lines| lines.windows(2).all(|pair| pair[0].0 < pair[1].0));
    lanes.into_iter().map(|(lane, lines)| (lane, fold(lines))).collect()
}

/// Ranks each version by when the lane first ran it.
fn fold(lines: Vec<Counted<'_>>) -> Vec<Effect<'_>> {
    let mut ranks: HashMap<&str, usize> = HashMap::new();
    // What was put there, oldest first.
    let mut put: Vec<Place> = Vec::new();
    let mut removed = false;
    let mut effects = Vec::new();
    for (at, number, line) in lines {
        let last = put.last();
        let from = last.filter(|_| !removed).cloned();
        let (mut back_to, mut reverts) = (None, Vec::new());
        let kind = match (&line.version, last) {
            (None, _) => "removed",
            (Some(version), last) => {
                if let Some(place) = put.iter().rposition(|(_, earlier)| earlier == version) {
                    back_to = Some(put[place].clone());
                    reverts = put[place + 1..].iter().rev().cloned().collect();
                }
                let last = last.map(|(_, version)| version.as_str());
                match (ranks.get(version.as_str()), last) {
                    (Some(_), Some(last)) if removed && last == version => "restore",
                    (Some(own), Some(last)) if *own < ranks[last] => "rollback",
                    (Some(_), _) => "reapply",
                    (None, _) => "new",
                }
            }
        };
        removed = line.version.is_none();
        if let (Some(version), Some(number)) = (&line.version, number) {
            let rank = ranks.len();
            ranks.entry(version).or_insert(rank);
            put.push((number, version.clone()));
        }
        effects.push(Effect { line, at, number, kind, from, back_to, reverts });
    }
    effects
}
