//! The files beside a database, whose names are its own and a little more.

use std::path::{Path, PathBuf};

/// The write-ahead log.
pub(super) const WAL: &str = "-wal";

/// The index of that, which its readers and its writer share.
pub(super) const INDEX: &str = "-shm";

/// The file beside this one whose name ends so.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
