//! What the log has in a place: a record, or one that cannot be read.

use crate::{
    log::{LogFault, Recorded, Unreadable},
    position::GlobalPosition,
};
use shiplog_domain::wire::EncodedEvent;

/// A record of the log, or why there is none in its place.
pub type Entry = Result<Recorded<EncodedEvent>, Unreadable>;

/// Tells a record that cannot be read, behind which the log goes on, from the faults that end a reading.
///
/// # Errors
///
/// Any other fault.
pub fn of(read: Result<Recorded<EncodedEvent>, LogFault>) -> Result<Entry, LogFault> {
    match read {
        Ok(recorded) => Ok(Ok(recorded)),
        Err(LogFault::Unreadable(unreadable)) => Ok(Err(unreadable)),
        Err(fault) => Err(fault),
    }
}

/// Where an entry is.
pub fn position(entry: &Entry) -> GlobalPosition {
    match entry {
        Ok(recorded) => recorded.position,
        Err(unreadable) => unreadable.position,
    }
}
