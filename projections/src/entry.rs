//! What the log has in a place: a record, or one that cannot be read.

use shiplog_domain::wire::EncodedEvent;
use shiplog_store::{
    log::{LogFault, Recorded, Unreadable},
    position::GlobalPosition,
};

/// A record of the log, or why there is none in its place.
pub(crate) type Entry = Result<Recorded<EncodedEvent>, Unreadable>;

/// Tells a record that cannot be read, behind which the log goes on, from the faults that end a reading.
///
/// # Errors
///
/// Any other fault.
pub(crate) fn of(read: Result<Recorded<EncodedEvent>, LogFault>) -> Result<Entry, LogFault> {
    match read {
        Ok(recorded) => Ok(Ok(recorded)),
        Err(LogFault::Unreadable(unreadable)) => Ok(Err(unreadable)),
        Err(fault) => Err(fault),
    }
}

/// Where an entry is.
pub(crate) fn position(entry: &Entry) -> GlobalPosition {
    match entry {
        Ok(recorded) => recorded.position,
        Err(unreadable) => unreadable.position,
    }
}
