//! Where that is kept aside which would be lost otherwise: `lost-<time>` in a data directory.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use crate::{clock::Clock, private};

/// What the names of all such directories begin with.
const PREFIX: &str = "lost-";

/// Makes a directory `lost-<time>` in `data` that was not there, for its owner alone.
///
/// # Errors
///
/// What making it says.
pub fn make_directory(data: &Path, clock: &dyn Clock) -> io::Result<PathBuf> {
    let time = clock.now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let names = (1_u32..).map(|nth| match nth {
        1 => format!("{PREFIX}{time}"),
        _ => format!("{PREFIX}{time}-{nth}"),
    });
    for name in names {
        let path = data.join(name);
        match private::create_directory(&path) {
            Ok(()) => {
                File::open(data)?.sync_all()?;
                return Ok(path);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// All such directories in `data`, the latest first.
pub(crate) fn directories(data: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(data).into_iter().flatten().flatten();
    let is_one = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with(PREFIX)) && path.is_dir()
    };
    let mut found: Vec<_> = entries.map(|entry| entry.path()).filter(is_one).collect();
    found.sort_unstable_by(|one, other| other.cmp(one));
    found
}

/// Copies a file into such a directory, and has it survive a power cut.
pub(crate) fn keep_copy(file: &Path, directory: &Path) -> io::Result<()> {
    let name = file.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let copy = directory.join(name);
    fs::copy(file, &copy)?;
    File::open(&copy)?.sync_all()?;
    File::open(directory)?.sync_all()
}

/// Moves a file into such a directory, below `folder`; what has its name there stays.
///
/// # Errors
///
/// What moving it says.
pub fn keep(file: &Path, directory: &Path, folder: &Path) -> io::Result<()> {
    let name = file.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let folder = directory.join(folder);
    private::make_directory(&folder)?;
    let target = folder.join(name);
    if target.exists() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    fs::rename(file, target)?;
    File::open(&folder)?.sync_all()
}
