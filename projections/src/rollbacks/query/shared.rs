//! What the rollbacks of a page have in common, read once for each lane and not for each of them.

use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, HashSet},
    rc::Rc,
};

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Result, params};
use shiplog_domain::lane::{Deployment, DeploymentNumber, Irreversible};

use super::reach::read_dated;
use crate::{
    columns::document,
    ledger::{Place, Point},
    view::View,
};

/// The most irreversible changes that one rollback is said to cross.
const MOST_CROSSED: usize = 1_000;

/// How much of what a rollback took back, and of the changes that it crosses, is told of it at least.
const TOLD: usize = 20;

/// How much of all that is told on a page of rollbacks, beside that.
const ROOM: usize = 20_000;

/// What the rollbacks of a page have in common.
#[derive(Default)]
pub(super) struct Shared {
    told: Cell<usize>,
    changing: RefCell<HashMap<i64, Rc<[Changing]>>>,
    superseded: RefCell<HashMap<i64, (Point, Later)>>,
}

/// The first version that came after an instant and had not run before, and when.
type Later = Option<(Place, Timestamp)>;

/// A deployment that changed something for good.
struct Changing {
    number: DeploymentNumber,
    /// When it took effect or left its lane in doubt.
    at: Point,
    is_doubt: bool,
    changes: Vec<Irreversible>,
}

/// Which deployments were taken back.
pub(super) enum Taken {
    /// These.
    Numbers(Vec<DeploymentNumber>),
    /// What took effect since an instant, and what was left in doubt since another.
    Since { effects: Point, doubts: Point, until: Point },
}

impl Taken {
    /// Where among what was taken back a deployment comes; none if it is not there.
    fn place(&self, one: &Changing) -> Option<(usize, Point)> {
        match self {
            Self::Numbers(numbers) => {
                Some((numbers.iter().position(|number| *number == one.number)?, one.at))
            }
            Self::Since { effects, doubts, until } => {
                let since = if one.is_doubt { doubts } else { effects };
                (*since < one.at && one.at < *until).then_some((usize::from(!one.is_doubt), one.at))
            }
        }
    }
}

impl Shared {
    /// How much can be told of the next one.
    pub(super) fn room(&self) -> usize {
        ROOM.saturating_sub(self.told.get()).max(TOLD)
    }

    /// Notes how much was told of one.
    pub(super) fn told(&self, count: usize) {
        self.told.set(self.told.get().saturating_add(count));
    }

    /// What the deployments that were taken back had changed for good, newest first; up to 1,000.
    pub(super) fn crossed(
        &self,
        view: &View<'_>,
        (lane, taken): (i64, &Taken),
    ) -> Result<Vec<Irreversible>> {
        let changing = self.changing(view, lane)?;
        let placed = changing.iter().filter_map(|one| Some((taken.place(one)?, one)));
        let mut placed: Vec<_> = placed.collect();
        placed.sort_by(|((part, at), _), ((other_part, other), _)| {
            part.cmp(other_part).then(other.cmp(at))
        });
        let (mut crossed, mut known) = (Vec::new(), HashSet::new());
        for change in placed.into_iter().flat_map(|(_, one)| &one.changes) {
            let Irreversible { version, id, description } = change;
            if known.insert((version, id, description)) {
                crossed.push(change.clone());
            }
            if crossed.len() == MOST_CROSSED {
                break;
            }
        }
        Ok(crossed)
    }

    fn changing(&self, view: &View<'_>, lane: i64) -> Result<Rc<[Changing]>> {
        if let Some(known) = self.changing.borrow().get(&lane) {
            return Ok(Rc::clone(known));
        }
        let read = read_changing(view, lane)?;
        let changing: Rc<[Changing]> = read.into();
        self.changing.borrow_mut().insert(lane, Rc::clone(&changing));
        Ok(changing)
    }

    /// The first version that came after an instant and had not run before.
    ///
    /// What is known of a later instant is made use of, so that a page reads each effect once.
    pub(super) fn superseded(&self, view: &View<'_>, (lane, after): (i64, Point)) -> Result<Later> {
        let known = self.superseded.borrow().get(&lane).cloned();
        let (until, later) = known.map_or((None, None), |(at, later)| (Some(at), later));
        if until == Some(after) {
            return Ok(later);
        }
        let until = until.filter(|until| *until > after);
        let last = until.unwrap_or(Point { at: i64::MAX, record: i64::MAX as u64 });
        let found = view
            .0
            .prepare_cached(include_str!("superseded.sql"))?
            .query_row(params![lane, after.at, after.record, last.at, last.record], read_dated)
            .optional()?
            .flatten();
        let later = found.or_else(|| later.filter(|_| until.is_some()));
        self.superseded.borrow_mut().insert(lane, (after, later.clone()));
        Ok(later)
    }
}

/// The deployments of a lane that changed something for good, of which there are few.
fn read_changing(view: &View<'_>, lane: i64) -> Result<Vec<Changing>> {
    let mut statement = view.0.prepare_cached(include_str!("changing.sql"))?;
    let mut rows = statement.query([lane])?;
    let mut changing = Vec::new();
    while let Some(row) = rows.next()? {
        let deployment: Deployment = document(0, row.get_ref(0)?.as_str()?)?;
        let (effect, doubt) = (row.get::<_, Option<i64>>(1)?, row.get::<_, Option<i64>>(3)?);
        let at = match (effect, doubt) {
            (Some(at), _) => Point { at, record: row.get(2)? },
            (None, Some(at)) => Point { at, record: row.get(4)? },
            // It is taken back by a rollback alone that names it.
            (None, None) => Point { at: i64::MIN, record: 0 },
        };
        let release = deployment.release();
        let change = |change: &shiplog_domain::release::Change| Irreversible {
            version: release.version.clone(),
            id: change.id.clone(),
            description: change.description.clone(),
        };
        changing.push(Changing {
            number: deployment.number(),
            at,
            is_doubt: effect.is_none(),
            changes: release.changes.iter().map(change).collect(),
        });
    }
    Ok(changing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_with_no_room_left_still_tells_the_first_of_each() {
        let shared = Shared::default();
        assert_eq!(shared.room(), ROOM);
        shared.told(ROOM - 100);
        assert_eq!(shared.room(), 100);
        shared.told(100);
        assert_eq!(shared.room(), TOLD);
    }
}
