//! The files of a projection, and which one of them answers.
//!
//! Each rebuild folds into a file of the next generation: `current-v2-g1.sqlite`, then
//! `current-v2-g2.sqlite`. No database is ever renamed over another one. Which generation answers is
//! in `current-v2.json`, which is put in the place of the one before in one step; where it is missing,
//! the first generation answers.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Write as _},
    iter,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::projection::Projection;

/// Where the files of one version of one projection are.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    directory: PathBuf,
    name: &'static str,
    version: u32,
}

/// Which of the files answers, and which one is being made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Choice {
    /// The generation that answers.
    pub(crate) serves: u32,
    /// What is being made to take its place.
    pub(crate) rebuild: Option<Begun>,
    /// How the last rebuild that was swapped in ended.
    pub(crate) last: Option<Swapped>,
}

/// A rebuild that goes on after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Begun {
    /// The generation that is being made.
    pub(crate) generation: u32,
    /// Whether it rests until somebody resumes it.
    pub(crate) paused: bool,
    /// How many events it folds a second at most; 0 is as many as it can.
    pub(crate) max_events_per_second: u32,
}

/// A rebuild that was swapped in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Swapped {
    /// How many events it had folded then.
    pub(crate) events: u64,
    /// How it compared with what it replaced.
    pub(crate) verdict: Verdict,
}

/// What was rebuilt and what had answered until then, at the same place in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Up to where both were folded; none if that was nothing.
    pub position: Option<u64>,
    /// The digest of what the log makes of it.
    pub rebuilt: String,
    /// The digest of what had answered; none if that could not be read.
    pub served: Option<String>,
}

impl Default for Choice {
    fn default() -> Self {
        Self { serves: 1, rebuild: None, last: None }
    }
}

/// What a file of a projection is, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Named {
    version: u32,
    /// `None`: the choice, or the tables of a Shiplog that knew no generations.
    generation: Option<u32>,
    is_choice: bool,
}

impl Files {
    pub(crate) fn of(directory: &Path, projection: &dyn Projection) -> Self {
        let (name, version) = (projection.name(), projection.version());
        Self { directory: directory.into(), name, version }
    }

    /// The file of a generation.
    pub(crate) fn path(&self, generation: u32) -> PathBuf {
        let Self { directory, name, version } = self;
        directory.join(format!("{name}-v{version}-g{generation}.sqlite"))
    }

    /// The file that answers.
    pub(crate) fn serving(&self) -> PathBuf {
        self.path(self.choice().serves)
    }

    /// What was chosen last. What does not read is as good as nothing: the files are caches.
    pub(crate) fn choice(&self) -> Choice {
        let read = fs::read(self.choice_path()).ok();
        read.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    /// Chooses, in one step that outlives a power cut.
    pub(crate) fn choose(&self, choice: &Choice) -> io::Result<()> {
        let path = self.choice_path();
        let new = path.with_extension("json.new");
        let mut file = File::create(&new)?;
        file.write_all(&serde_json::to_vec_pretty(choice)?)?;
        file.sync_all()?;
        fs::rename(&new, &path)?;
        File::open(&self.directory)?.sync_all()
    }

    fn choice_path(&self) -> PathBuf {
        let Self { directory, name, version } = self;
        directory.join(format!("{name}-v{version}.json"))
    }

    /// A generation of which there is no file.
    pub(crate) fn next(&self, choice: &Choice) -> u32 {
        let there = self.found().into_iter().filter(|(_, named)| named.version == self.version);
        let last = there.filter_map(|(_, named)| named.generation).max().unwrap_or_default();
        last.max(choice.serves).saturating_add(1)
    }

    /// Deletes what a kill has left: files of this version that the choice does not name.
    pub(crate) fn sweep(&self, choice: &Choice) {
        let kept = [Some(choice.serves), choice.rebuild.map(|begun| begun.generation)];
        self.delete(|named| {
            let is_named = named.generation.is_none() || kept.contains(&named.generation);
            named.version == self.version && !is_named
        });
    }

    /// Deletes the files of earlier versions, and of a Shiplog that knew no generations.
    pub(crate) fn forget_earlier(&self) {
        self.delete(|named| {
            let is_plain = named.generation.is_none() && !named.is_choice;
            named.version < self.version || named.version == self.version && is_plain
        });
    }

    fn delete(&self, is_wanted: impl Fn(Named) -> bool) {
        for (path, _) in self.found().into_iter().filter(|(_, named)| is_wanted(*named)) {
            if let Err(error) = fs::remove_file(&path) {
                let (name, path) = (self.name, path.display());
                tracing::warn!(projection = name, %error, "cannot delete `{path}`: {error}");
            }
        }
    }

    /// The files of this projection, whatever their version.
    fn found(&self) -> Vec<(PathBuf, Named)> {
        let entries = fs::read_dir(&self.directory).into_iter().flatten().flatten();
        let named = |path: PathBuf| {
            let named = named(path.file_name()?.to_str()?, self.name)?;
            Some((path, named))
        };
        entries.map(|entry| entry.path()).filter_map(named).collect()
    }
}

/// Reads `<name>-v<version>[-g<generation>].sqlite`, what SQLite keeps beside that, or
/// `<name>-v<version>.json`.
fn named(file: &str, name: &str) -> Option<Named> {
    let (stem, kind) = file.strip_prefix(name)?.strip_prefix("-v")?.split_once('.')?;
    let is_choice = match kind {
        "json" | "json.new" => true,
        "sqlite" | "sqlite-journal" | "sqlite-wal" | "sqlite-shm" => false,
        _ => return None,
    };
    let (version, generation) = match stem.split_once("-g") {
        Some((version, generation)) => (version, Some(generation.parse().ok()?)),
        None => (stem, None),
    };
    Some(Named { version: version.parse().ok()?, generation, is_choice })
}

/// Deletes a database, with what SQLite keeps beside it.
pub(crate) fn remove(path: &Path) {
    for file in iter::once(path.to_owned()).chain(beside(path)) {
        // One that is not there is as good as deleted; one that will not go is found at the next start.
        let _ = fs::remove_file(file);
    }
}

/// What SQLite keeps beside a database, whether it is there or not.
pub(crate) fn beside(path: &Path) -> impl Iterator<Item = PathBuf> {
    ["-journal", "-wal", "-shm"].into_iter().map(move |suffix| {
        let mut name = OsString::from(path);
        name.push(suffix);
        PathBuf::from(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::current::Current;

    #[test]
    fn a_name_tells_what_a_file_is() {
        let named = |file| named(file, "current");
        let of = |version, generation, is_choice| Some(Named { version, generation, is_choice });
        assert_eq!(named("current-v2-g7.sqlite"), of(2, Some(7), false));
        assert_eq!(named("current-v2-g7.sqlite-wal"), of(2, Some(7), false));
        assert_eq!(named("current-v1.sqlite"), of(1, None, false));
        assert_eq!(named("current-v2.json"), of(2, None, true));
        for other in ["history-v2-g1.sqlite", "current-v2-g1.txt", "current-vx.json", "current"] {
            assert_eq!(named(other), None, "{other}");
        }
    }

    #[test]
    fn what_a_kill_leaves_goes_and_what_was_chosen_stays() {
        let directory = tempfile::tempdir().unwrap();
        let files = Files::of(directory.path(), &Current);
        assert_eq!(files.choice(), Choice::default());
        let begun = Begun { generation: 5, paused: true, max_events_per_second: 9 };
        let choice = Choice { serves: 4, rebuild: Some(begun), last: None };
        files.choose(&choice).unwrap();
        assert_eq!(files.choice(), choice);

        let old = directory.path().join("current-v1-g3.sqlite");
        let plain = directory.path().join("current-v2.sqlite");
        let later = directory.path().join("current-v9-g1.sqlite");
        let others = [old.clone(), plain.clone(), later.clone()];
        for path in others.iter().cloned().chain([3, 4, 5, 6].map(|nth| files.path(nth))) {
            fs::write(path, "").unwrap();
        }
        assert_eq!(files.next(&choice), 7);
        files.sweep(&choice);
        assert!(!files.path(3).exists() && !files.path(6).exists());
        assert!(files.path(4).exists() && files.path(5).exists());
        assert!(others.iter().all(|path| path.exists()), "an older Shiplog may come back");
        files.forget_earlier();
        assert!(!old.exists() && !plain.exists());
        assert!(later.exists() && files.path(4).exists() && files.choice() == choice);
    }
}
