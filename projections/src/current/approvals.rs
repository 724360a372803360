//! Who has to agree to a deployment before it may begin, and who has by an instant.

use rusqlite::{Transaction, params};
use serde::{Deserialize, Serialize};
use shiplog_domain::lane::{self, Requested};

/// Who has to agree to a deployment, and who has, as it is kept.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Approvals {
    #[serde(flatten)]
    needed: lane::Approvals,
    /// The id of who requested it.
    by: Option<String>,
    given: Vec<Given>,
}

/// One approval.
#[derive(Debug, Serialize, Deserialize)]
struct Given {
    by: String,
    /// Microseconds since 1970.
    at: i64,
    recorded_at: i64,
}

/// What is kept of a deployment that was requested; none if nobody has to agree to it.
pub(super) fn needed(requested: &Requested) -> serde_json::Result<Option<String>> {
    let approvals = requested.approvals_in_force().filter(|approvals| approvals.needed > 0);
    let kept =
        approvals.map(|needed| Approvals { needed, by: requested.by.clone(), given: Vec::new() });
    kept.as_ref().map(serde_json::to_string).transpose()
}

/// Keeps that somebody agreed.
pub(super) fn give(
    tables: &Transaction<'_>,
    (lane, number): (i64, u32),
    (by, at, recorded_at): (&str, i64, i64),
) -> rusqlite::Result<()> {
    tables
        .prepare_cached(
            "UPDATE deployments
             SET approvals = json_insert(approvals, '$.given[#]',
                                         json_object('by', ?3, 'at', ?4, 'recorded_at', ?5))
             WHERE lane = ?1 AND number = ?2 AND approvals IS NOT NULL",
        )?
        .execute(params![lane, number, by, at, recorded_at])
        .map(drop)
}

impl Approvals {
    /// How many people had agreed by then as far as it was known, of how many that have to.
    pub(super) fn at(&self, at: i64, known_until: i64) -> (u8, u8) {
        let known = |given: &&Given| given.at <= at && given.recorded_at <= known_until;
        let agreed = self.given.iter().filter(known).map(|given| given.by.as_str());
        let missing = self.needed.missing(self.by.as_deref(), agreed);
        (self.needed.needed - missing, self.needed.needed)
    }
}
