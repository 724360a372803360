//! What a log shows before anything is written to it: where it ends, and whether its WAL is damaged.

use std::{
    fs::{self, File},
    io::{self, BufRead as _, BufReader},
    path::{Path, PathBuf},
};

use super::{
    FILE_NAME, LOCK_NAME,
    beside::{INDEX, WAL, beside},
    lock::Lock,
    open,
    open_error::OpenError,
    wal::{self, WalDamage},
};
use crate::{
    clock::Clock,
    evidence,
    position::{GlobalPosition, LogId},
    private,
};

/// The largest file of a log that is copied beside a damaged WAL.
const MOST_COPIED_BYTES: u64 = 256 << 20;

/// The file in a directory of evidence that says that the loss was accepted.
const ACCEPTED: &str = "accepted";

/// What a log in a directory shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// Which log it is.
    pub id: LogId,
    /// Its last event that can be read; `None` if there is none.
    pub head: Option<GlobalPosition>,
    /// What is wrong with its WAL, if something is.
    pub damage: Option<WalDamage>,
}

/// Looks at the log in the directory that is claimed, and changes nothing of it; `None` if there is none.
///
/// Of a WAL that is damaged a copy is kept in `lost-<time>`, with a copy of the log if that has at most
/// 256 MiB.
///
/// # Errors
///
/// [`OpenError`] as on opening it to read, or if the copy cannot be made.
pub fn survey(claimed: &Lock, clock: &dyn Clock) -> Result<Option<Survey>, OpenError> {
    let path = claimed.directory().join(FILE_NAME);
    if size(&path) == 0 && !beside(&path, WAL).exists() {
        return Ok(None);
    }
    let damage = of_writer(&path, clock)?;
    match open::look(&path) {
        Ok((id, head)) => Ok(Some(Survey { id, head, damage })),
        Err(OpenError::Missing { .. }) if damage.is_none() => Ok(None),
        Err(error) => Err(error),
    }
}

/// What is wrong with the WAL of the log at `path`, which nobody writes now; a copy is kept.
pub(super) fn of_writer(path: &Path, clock: &dyn Clock) -> Result<Option<WalDamage>, OpenError> {
    damage(path, false)?.map(|found| keep(found, path, clock)).transpose()
}

/// What is wrong with the WAL of the log at `path`, whoever may be writing it; nothing is kept.
pub(super) fn of_reader(path: &Path) -> Result<Option<WalDamage>, OpenError> {
    let Some(found) = damage(path, false)? else { return Ok(None) };
    let directory = path.parent().unwrap_or(Path::new("."));
    match Lock::take(directory, LOCK_NAME) {
        Ok(_nobody_writes) => damage(path, false),
        // It was read while it grew.
        Err(OpenError::Locked { .. }) => damage(path, true),
        Err(_) => Ok(Some(found)),
    }
}

/// As [`of_reader`]; a copy is kept.
pub(super) fn of_verifier(path: &Path, clock: &dyn Clock) -> Result<Option<WalDamage>, OpenError> {
    // Who may only read has no place for a copy; then the WAL stays as it is.
    Ok(of_reader(path)?.map(|found| keep(found.clone(), path, clock).unwrap_or(found)))
}

/// Looks at the WAL; one of which a copy was kept before is as damaged as it was then.
fn damage(path: &Path, is_written: bool) -> Result<Option<WalDamage>, OpenError> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.into());
    let (wal, index) = (beside(&path, WAL), beside(&path, INDEX));
    let io = |source| OpenError::Io { path: wal.clone(), source };
    let sign = wal::damage(&wal, &index, is_written).map_err(io)?;
    let kept = if is_written { None } else { kept_before(&path, &wal).map_err(io)? };
    let problem = match (&sign, &kept) {
        (Some(sign), _) => sign.to_string(),
        (None, Some(kept)) => format!("it is the one that `{}` keeps", kept.display()),
        (None, None) => return Ok(None),
    };
    Ok(Some(WalDamage { path: wal, problem, kept }))
}

/// Keeps copies of a damaged WAL, of its index and of the log beside it, unless they are there.
fn keep(found: WalDamage, path: &Path, clock: &dyn Clock) -> Result<WalDamage, OpenError> {
    if found.kept.is_some() {
        return Ok(found);
    }
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.into());
    let copies = || -> io::Result<PathBuf> {
        let directory = evidence::make_directory(path.parent().unwrap_or(Path::new(".")), clock)?;
        for part in [beside(&path, INDEX), beside(&path, WAL), path.clone()] {
            if part.exists() && (part != path || size(&part) <= MOST_COPIED_BYTES) {
                evidence::keep_copy(&part, &directory)?;
            }
        }
        Ok(directory)
    };
    let kept = copies().map_err(|source| OpenError::Io { path: found.path.clone(), source })?;
    Ok(WalDamage { kept: Some(kept), ..found })
}

/// Says in the directory that keeps a damaged WAL that the log goes on without what is lost.
pub(super) fn accept(damage: &WalDamage) -> Result<(), OpenError> {
    let Some(kept) = &damage.kept else { return Ok(()) };
    let path = kept.join(ACCEPTED);
    private::open_or_create(&path)
        .and_then(|file| file.sync_all())
        .map_err(|source| OpenError::Io { path, source })
}

/// The directory that keeps a copy of this very WAL, unless that loss was accepted.
///
/// Of a WAL that is gone or empty it is the one that keeps the same log without one: reading makes its
/// index anew, which counted what was in it.
fn kept_before(path: &Path, wal: &Path) -> io::Result<Option<PathBuf>> {
    for directory in evidence::directories(path.parent().unwrap_or(Path::new("."))) {
        let copy = directory.join(path.file_name().unwrap_or_default());
        let wal_copy = beside(&copy, WAL);
        let is_same = if size(wal) == 0 {
            size(&wal_copy) == 0 && are_same(&copy, path)?
        } else {
            are_same(&wal_copy, wal)?
        };
        if is_same && !directory.join(ACCEPTED).exists() {
            return Ok(Some(directory));
        }
    }
    Ok(None)
}

/// How many bytes a file has; none if it is not there.
fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}

/// Whether two files are there and have the same bytes, of which there are some.
fn are_same(one: &Path, other: &Path) -> io::Result<bool> {
    if size(one) != size(other) || size(one) == 0 {
        return Ok(false);
    }
    let open = |path| Ok::<_, io::Error>(BufReader::with_capacity(1 << 16, File::open(path)?));
    let (mut one, mut other) = (open(one)?, open(other)?);
    loop {
        let (left, right) = (one.fill_buf()?, other.fill_buf()?);
        if left.is_empty() || right.is_empty() || left != right {
            return Ok(left.is_empty() && right.is_empty());
        }
        let read = left.len();
        one.consume(read);
        other.consume(read);
    }
}
