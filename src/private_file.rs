//! Files and directories that their owner alone reads and writes.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Write as _},
    os::unix::fs::{
        DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
    },
    path::Path,
};

use rustix::{fs::OFlags, io::Errno, process::geteuid};
use tempfile::TempDir;

/// The mode of a file that is made.
const FILE_MODE: u32 = 0o600;

/// The mode of a directory that is made.
const DIRECTORY_MODE: u32 = 0o700;

/// Makes a directory and those above it, whatever the umask; one that exists stays as it is.
///
/// # Errors
///
/// As [`check_directory`], and what the system says.
pub(crate) fn make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(path)?;
    check_directory(path)
}

/// Makes a directory inside one that is checked; what exists loses the permissions of others.
///
/// # Errors
///
/// As [`check_directory`], and what the system says.
pub(crate) fn make_inner_directory(path: &Path) -> io::Result<()> {
    make_directory(path)?;
    if fs::metadata(path)?.mode() & 0o077 != 0 {
        fs::set_permissions(path, Permissions::from_mode(DIRECTORY_MODE))?;
    }
    Ok(())
}

/// Makes a directory with a name of its own where the system keeps temporary files.
pub(crate) fn temporary_directory() -> io::Result<TempDir> {
    let mode = Permissions::from_mode(DIRECTORY_MODE);
    tempfile::Builder::new().prefix("shiplog-").permissions(mode).tempdir()
}

/// Refuses a directory that somebody else owns or can write to; one that does not exist is fine.
///
/// What is in such a directory may be planted: a link to a file that is to be destroyed, or entries
/// that are to be sent with the reader's token.
pub(crate) fn check_directory(path: &Path) -> io::Result<()> {
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let why = if !found.is_dir() {
        "is not a directory".to_owned()
    } else if found.uid() != geteuid().as_raw() {
        format!("belongs to the user {}; use a directory of your own", found.uid())
    } else if found.mode() & 0o022 != 0 {
        let mode = found.mode() & 0o777;
        format!("can be written by other users (mode {mode:o}); `chmod go-w` it, or use another")
    } else {
        return Ok(());
    };
    Err(refused(path, &why))
}

/// Opens a file as `options` say, without following a link and without waiting for a pipe.
///
/// A file that is made has the mode 0600.
///
/// # Errors
///
/// An error that names the file if it is not a regular one, or belongs to somebody else.
pub(crate) fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC).bits().cast_signed();
    let file = match options.mode(FILE_MODE).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
            return Err(refused(path, "is a symbolic link, which is not followed"));
        }
        Err(error) => return Err(error),
    };
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(refused(path, "is not a regular file"));
    }
    if found.uid() != geteuid().as_raw() {
        let why = format!("belongs to the user {} and is not read", found.uid());
        return Err(refused(path, &why));
    }
    Ok(file)
}

/// Whether others than the owner can read a file; false if that cannot be told.
pub(crate) fn is_open_to_others(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.mode() & 0o044 != 0)
}

/// Writes a whole file, in place of the one that was there.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = open(path, OpenOptions::new().write(true).create(true).truncate(false))?;
    file.set_len(0)?;
    file.write_all(bytes)
}

/// Opens the file that is locked in a directory, and leaves what it holds.
pub(crate) fn lock_file(directory: &Path) -> io::Result<File> {
    open(&directory.join("lock"), OpenOptions::new().write(true).create(true).truncate(false))
}

fn refused(path: &Path, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, format!("{} {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{chown, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn what_is_made_is_for_its_owner_alone() {
        let temporary = temporary_directory().unwrap();
        let inner = temporary.path().join("a/b");
        make_directory(&inner).unwrap();
        write(&inner.join("file"), b"text").unwrap();
        lock_file(&inner).unwrap();
        for path in [temporary.path(), &temporary.path().join("a"), &inner] {
            assert_eq!(mode(path), 0o700, "{}", path.display());
        }
        assert_eq!((mode(&inner.join("file")), mode(&inner.join("lock"))), (0o600, 0o600));
        fs::set_permissions(&inner, Permissions::from_mode(0o755)).unwrap();
        make_inner_directory(&inner).unwrap();
        assert_eq!(mode(&inner), 0o700);
    }

    #[test]
    fn a_directory_that_others_can_write_to_is_refused() {
        let temporary = temporary_directory().unwrap();
        for shared in [0o770, 0o702, 0o1777] {
            fs::set_permissions(temporary.path(), Permissions::from_mode(shared)).unwrap();
            let error = make_directory(temporary.path()).unwrap_err().to_string();
            assert!(error.contains("can be written by other users"), "{error}");
        }
    }

    #[test]
    fn a_link_and_a_directory_are_not_opened_and_their_targets_stay() {
        let temporary = temporary_directory().unwrap();
        let victim = temporary.path().join("victim");
        write(&victim, b"precious").unwrap();
        symlink(&victim, temporary.path().join("lock")).unwrap();
        let error = lock_file(temporary.path()).unwrap_err().to_string();
        assert!(error.contains("lock is a symbolic link"), "{error}");
        assert_eq!(fs::read(&victim).unwrap(), b"precious");
        let error = open(temporary.path(), OpenOptions::new().read(true)).unwrap_err();
        assert!(error.to_string().contains("is not a regular file"), "{error}");
    }

    #[test]
    fn what_belongs_to_somebody_else_is_not_opened() {
        let temporary = temporary_directory().unwrap();
        let foreign = if geteuid().is_root() {
            let file = temporary.path().join("file");
            write(&file, b"planted").unwrap();
            chown(&file, Some(1), None).unwrap();
            file
        } else {
            "/etc/passwd".into()
        };
        let error = open(&foreign, OpenOptions::new().read(true)).unwrap_err().to_string();
        assert!(error.contains("belongs to the user"), "{error}");
    }
}
