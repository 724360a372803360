//! The file of a journal, and where its lines are kept if that file cannot take them.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use super::line::Line;
use crate::private_file;

/// The extension of a journal that is to be delivered.
pub(super) const EXTENSION: &str = "jsonl";

/// The extension of one of which the server will not have everything.
const ASIDE: &str = "refused";

/// What is done if a journal's directory cannot keep it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fallback {
    /// It goes on in a temporary directory, which `shiplog flush --spool` can deliver.
    Temporary,
    /// It goes on in memory.
    Memory,
}

/// The text of a journal, and how much of it is on disk.
///
/// A line that the disk did not take is written again with the next one.
#[derive(Debug)]
pub(super) struct JournalFile {
    path: PathBuf,
    /// Nothing where the file could not be made.
    file: Option<File>,
    text: Vec<u8>,
    /// How many bytes of the text the disk has acknowledged.
    synced_bytes: usize,
    fallback: Fallback,
    moved: Option<Moved>,
}

/// What is known of a move.
#[derive(Debug)]
struct Moved {
    /// The temporary spool.
    spool: PathBuf,
    /// Where the journal was before.
    from: PathBuf,
    /// Locked as long as this process lives: where the file could not be removed, it says less than
    /// is true, and nobody may deliver it meanwhile.
    _file: Option<File>,
}

impl JournalFile {
    /// Makes the file, with its first line, if its directory was made; the second value says what went
    /// wrong, and what was done about it.
    pub(super) fn create(
        (path, directory): (PathBuf, io::Result<()>),
        first: &Line,
        fallback: Fallback,
    ) -> (Self, io::Result<()>) {
        let (file, text) = (None, Vec::new());
        let mut journal = Self { path, file, text, synced_bytes: 0, fallback, moved: None };
        let created = encode(first).and_then(|line| {
            journal.text.extend(line);
            let made = directory.and_then(|()| journal.make());
            made.or_else(|error| journal.fall_back(&error))
        });
        (journal, created)
    }

    /// Takes over the file that another process left, and its whole lines; `None` while that one
    /// lives, or if there is no such file.
    pub(super) fn adopt(path: &Path) -> io::Result<Option<(Self, String)>> {
        let mut options = OpenOptions::new();
        let Some(mut file) = existing(path, options.read(true).append(true))? else {
            return Ok(None);
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let text = whole_lines(&mut file)?;
        // What a crash cut short was not acknowledged; what is added must not stick to it.
        file.set_len(text.len() as u64)?;
        Ok(Some((Self::read_from(path, Some(file), &text), text)))
    }

    /// Reads the whole lines of a file that another process may be writing.
    pub(super) fn peek(path: &Path) -> io::Result<Option<(Self, String)>> {
        let Some(mut file) = existing(path, OpenOptions::new().read(true))? else {
            return Ok(None);
        };
        let text = whole_lines(&mut file)?;
        Ok(Some((Self::read_from(path, None, &text), text)))
    }

    fn read_from(path: &Path, file: Option<File>, text: &str) -> Self {
        let (path, text, fallback) = (path.to_owned(), text.as_bytes().to_vec(), Fallback::Memory);
        Self { path, file, synced_bytes: text.len(), text, fallback, moved: None }
    }

    /// Adds a line; an error says that it is not on disk there, and what was done about that.
    pub(super) fn append(&mut self, line: &Line) -> io::Result<()> {
        self.text.extend(encode(line)?);
        self.sync().or_else(|error| self.fall_back(&error))
    }

    /// Where it is, or would be.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether there is a file.
    pub(super) fn is_made(&self) -> bool {
        self.file.is_some()
    }

    /// The temporary spool that it is in.
    pub(super) fn moved_to(&self) -> Option<&Path> {
        self.moved.as_ref().map(|moved| moved.spool.as_path())
    }

    /// Whether the disk has all of it.
    pub(super) fn is_on_disk(&self) -> bool {
        self.file.is_some() && self.synced_bytes == self.text.len()
    }

    /// Removes it and the files of its run; one that `is_refused` is kept under another name.
    pub(super) fn close(self, is_refused: bool) -> io::Result<()> {
        let Self { path, file, moved, .. } = self;
        let made = moved.iter().map(|moved| &moved.from).chain([&path]);
        for journal in made {
            drop(fs::remove_dir_all(journal.with_extension("d")));
        }
        if file.is_none() {
            return Ok(());
        }
        if is_refused {
            return fs::rename(&path, path.with_extension(ASIDE));
        }
        match moved {
            Some(Moved { spool, .. }) => fs::remove_dir_all(spool),
            None => fs::remove_file(&path),
        }
    }

    fn make(&mut self) -> io::Result<()> {
        let mut options = OpenOptions::new();
        let file = private_file::open(&self.path, options.append(true).create_new(true))?;
        file.lock()?;
        self.file = Some(file);
        self.synced_bytes = 0;
        self.sync()?;
        if let Some(directory) = self.path.parent() {
            File::open(directory)?.sync_all()?;
        }
        Ok(())
    }

    /// Writes what the disk does not have yet.
    fn sync(&mut self) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        // Part of a line that was not acknowledged may be there.
        if file.metadata()?.len() != self.synced_bytes as u64 {
            file.set_len(self.synced_bytes as u64)?;
        }
        file.write_all(self.text.get(self.synced_bytes..).unwrap_or_default())?;
        file.sync_data()?;
        self.synced_bytes = self.text.len();
        Ok(())
    }

    /// Goes on elsewhere after an error; the error that it answers says where that is.
    fn fall_back(&mut self, error: &io::Error) -> io::Result<()> {
        let moved = match self.fallback {
            Fallback::Temporary if self.moved.is_none() => self.move_away(),
            Fallback::Temporary | Fallback::Memory => {
                return Err(io::Error::new(
                    error.kind(),
                    format!("{error}; it is in memory alone"),
                ));
            }
        };
        let text = match moved {
            Ok(spool) => format!("{error}; it is kept in {} instead", spool.display()),
            Err(why) => {
                format!("{error}; nor in a temporary directory: {why}; it is in memory alone")
            }
        };
        Err(io::Error::new(error.kind(), text))
    }

    fn move_away(&mut self) -> io::Result<PathBuf> {
        let temporary = private_file::temporary_directory()?;
        let lane = self.path.parent().and_then(Path::file_name);
        let (Some(lane), Some(name)) = (lane, self.path.file_name()) else {
            return Err(io::Error::other("the journal has no name"));
        };
        let directory = temporary.path().join(lane);
        private_file::make_directory(&directory)?;
        let old = (self.path.clone(), self.file.take(), self.synced_bytes);
        self.path = directory.join(name);
        if let Err(error) = self.make() {
            (self.path, self.file, self.synced_bytes) = old;
            return Err(error);
        }
        let (from, old_file, _) = old;
        if let Some(file) = &old_file {
            // An empty one tells nothing, where it cannot be removed.
            drop(file.set_len(0));
            drop(fs::remove_file(&from));
        }
        let spool = temporary.keep();
        self.moved = Some(Moved { spool: spool.clone(), from, _file: old_file });
        Ok(spool)
    }
}

/// Opens a file that may have been delivered meanwhile.
fn existing(path: &Path, options: &mut OpenOptions) -> io::Result<Option<File>> {
    match private_file::open(path, options) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn whole_lines(file: &mut File) -> io::Result<String> {
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    text.truncate(text.rfind('\n').map_or(0, |end| end + 1));
    Ok(text)
}

fn encode(line: &Line) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    Ok(text)
}
