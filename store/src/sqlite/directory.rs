//! The directory of a log: made to last, and kept from others.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

use super::open_error::OpenError;
use crate::private;

/// Makes the directory and has it survive a power failure.
pub(super) fn make(directory: &Path) -> Result<(), OpenError> {
    let io = |source| OpenError::Io { path: directory.into(), source };
    let was_there = directory.is_dir();
    private::make_directory(directory).map_err(io)?;
    let synced = match directory.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => File::open(parent).and_then(|parent| parent.sync_all()).map_err(io),
        None => Ok(()),
    };
    // A disk that takes nothing any more still has what it had.
    if was_there { Ok(()) } else { synced }
}

/// Takes from others what they may do with the directory of a log, and with what Shiplog keeps there:
/// earlier releases left that to the umask.
pub(super) fn tighten(directory: &Path) {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let own = entries.map(|entry| entry.path()).filter(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        ["log.", "lost-", "read-models"].iter().any(|own| name.starts_with(own))
    });
    let tightened: io::Result<u64> =
        own.map(|path| private::tighten(&path)).chain([private::tighten_alone(directory)]).sum();
    let path = directory.display();
    match tightened {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "`{path}` and its files are their owner's alone now"),
        Err(error) => tracing::warn!(%error, "others may read `{path}`: {error}"),
    }
}
