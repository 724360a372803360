//! Reading a database that nobody can write now: there is no room for what readers and writers share,
//! or its disk is read-only.

use std::{
    fmt::Write as _,
    fs,
    os::unix::ffi::OsStrExt as _,
    path::Path,
    sync::{Arc, RwLock},
};

use rusqlite::{Connection, OpenFlags, ffi};

use super::beside::{WAL, beside};

/// Whether nobody has the file open to write it. Held for reading by each read that relies on that, and
/// for writing while it is opened to be written: neither may meet the other.
pub(super) type Frozen = Arc<RwLock<bool>>;

/// Opens a database that nothing writes while the connection is open; makes no file beside it.
///
/// # Errors
///
/// What SQLite says; that it cannot be opened, if something is in its write-ahead log, which is not read
/// without such files.
pub fn open_frozen(path: &Path) -> rusqlite::Result<Connection> {
    if !is_whole(path) {
        let error = ffi::Error::new(ffi::SQLITE_CANTOPEN);
        let why = "its write-ahead log cannot be read on a disk that takes nothing";
        return Err(rusqlite::Error::SqliteFailure(error, Some(why.into())));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(immutable(path), flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

/// Whether nothing is in a write-ahead log, so that the file alone is the database.
fn is_whole(path: &Path) -> bool {
    fs::metadata(beside(path, WAL)).map_or(true, |wal| wal.len() == 0)
}

/// The address that says of a file that it does not change.
fn immutable(path: &Path) -> String {
    let mut address = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(byte) {
            address.push(char::from(*byte));
        } else {
            // A string takes all that is written to it.
            let _ = write!(address, "%{byte:02X}");
        }
    }
    address + "?immutable=1"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_whatever_its_name_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a?b #%41.sqlite");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (a INT) STRICT").unwrap();
        let frozen = open_frozen(&path).unwrap();
        frozen.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)).unwrap();
    }
}
