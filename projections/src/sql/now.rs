//! What "now" is to a question: lanes are shown as of it.

use jiff::Timestamp;
use rusqlite::{Connection, Result};

use super::times::text;

/// The table of what lanes are from an instant on, of which something is recorded for later.
pub(super) const UPCOMING: &str = "sql_upcoming";

/// Shows lanes as of an instant; without one, as they are when all that is recorded has happened.
pub(super) fn show(tables: &Connection, now: Option<Timestamp>) -> Result<()> {
    let lanes = match now {
        Some(now) => include_str!("now.sql").replace(":now", &format!("'{}'", text(now))),
        None => "SELECT * FROM main.sql_lanes".into(),
    };
    tables.pragma_update(None, "query_only", false)?;
    tables.execute_batch(&format!("DROP VIEW temp.lanes; CREATE TEMP VIEW lanes AS {lanes}"))?;
    tables.pragma_update(None, "query_only", true)
}
