//! What the tables' rows say, read and written.

use rusqlite::{ParamsFromIter, Result, Row, ToSql, params_from_iter};

use super::timeline::{Dated, Doubtful, Fact, Standing};

/// Reads `at, position, kind, number, target, version`.
pub(super) fn read_fact(row: &Row<'_>) -> Result<Fact> {
    Ok(Fact {
        at: row.get(0)?,
        position: row.get(1)?,
        kind: row.get(2)?,
        number: row.get(3)?,
        target: row.get(4)?,
        version: row.get(5)?,
    })
}

/// A deployment and since when, of a column and the next one.
pub(super) fn read_dated(row: &Row<'_>, column: usize) -> Result<Option<Dated>> {
    Ok(row.get::<_, Option<u32>>(column)?.zip(row.get::<_, Option<i64>>(column + 1)?))
}

/// A deployment and why it is in doubt, of a column and the next one.
pub(super) fn read_doubt(row: &Row<'_>, column: usize) -> Result<Option<Doubtful>> {
    let doubted = row.get::<_, Option<u32>>(column)?.zip(row.get(column + 1)?);
    Ok(doubted.map(|(number, cause)| Doubtful { number, cause }))
}

/// What [`read_standing`] reads, to be written.
pub(super) fn standing_columns(standing: &Standing) -> [Option<i64>; 9] {
    let Standing { running, begun, waiting, waiting_count, failed, doubt } = *standing;
    [
        running.map(|(number, _)| number.into()),
        running.map(|(_, since)| since),
        begun.map(Into::into),
        waiting.map(Into::into),
        Some(waiting_count.into()),
        failed.map(|(number, _)| number.into()),
        failed.map(|(_, at)| at),
        doubt.map(|doubt| doubt.number.into()),
        doubt.map(|doubt| doubt.cause.number()),
    ]
}

/// The parameters of a statement that ends with a standing.
pub(super) fn with_standing<'p>(
    first: &'p [&'p dyn ToSql],
    standing: &'p [Option<i64>; 9],
) -> ParamsFromIter<impl Iterator<Item = &'p dyn ToSql>> {
    let standing = standing.iter().map(|value| value as &dyn ToSql);
    params_from_iter(first.iter().copied().chain(standing))
}

/// Reads `running, since, begun, waiting, waiting_count, failed, failed_at, doubted, doubt`, which
/// begin at a column.
pub(super) fn read_standing(row: &Row<'_>, column: usize) -> Result<Standing> {
    Ok(Standing {
        running: read_dated(row, column)?,
        begun: row.get(column + 2)?,
        waiting: row.get(column + 3)?,
        waiting_count: row.get(column + 4)?,
        failed: read_dated(row, column + 5)?,
        doubt: read_doubt(row, column + 7)?,
    })
}
