//! Up to where a log is a copy of one that several nodes write.
//!
//! That is the file's `user_version`, which is 0 in any other log. SQLite keeps it in the header and copies
//! it with the file, and a Shiplog that does not know of it leaves it as it is.

use rusqlite::Connection;

use crate::{log::Clocks, position::GlobalPosition};

const NAME: &str = "user_version";

/// Whose clocks the times of a log are from.
pub(super) fn read(tables: &Connection) -> rusqlite::Result<Clocks> {
    let until = tables.pragma_query_value(None, NAME, |row| row.get(0)).map(i32::cast_unsigned)?;
    Ok(match until {
        0 => Clocks::One,
        // It takes no higher position.
        u32::MAX => Clocks::Several,
        until => Clocks::SeveralUntil(GlobalPosition(until.into())),
    })
}

/// Keeps that times may go back along the log as far as this position, in the transaction that is open.
pub(super) fn extend(tables: &Connection, position: GlobalPosition) -> rusqlite::Result<()> {
    if read(tables)?.may_go_back_at(position) {
        return Ok(());
    }
    let until = u32::try_from(position.0).unwrap_or(u32::MAX).cast_signed();
    tables.pragma_update(None, NAME, until)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_kept_as_far_as_it_fits_and_never_goes_down() {
        let tables = Connection::open_in_memory().unwrap();
        assert_eq!(read(&tables).unwrap(), Clocks::One);
        for (position, kept) in [
            (7, Clocks::SeveralUntil(GlobalPosition(7))),
            (3, Clocks::SeveralUntil(GlobalPosition(7))),
            (3_000_000_000, Clocks::SeveralUntil(GlobalPosition(3_000_000_000))),
            (5_000_000_000, Clocks::Several),
            (9, Clocks::Several),
        ] {
            extend(&tables, GlobalPosition(position)).unwrap();
            assert_eq!(read(&tables).unwrap(), kept, "{position}");
        }
    }
}
