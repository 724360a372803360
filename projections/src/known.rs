//! Up to where read models know a log: a head outside of it.
//!
//! A read model folds nothing that was not acknowledged or read from the log. One that is further than
//! the log shows that the log has lost events.

use std::{
    collections::{HashMap, hash_map::Entry},
    fs, io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use shiplog_store::{
    evidence,
    log::{Log, LogFault},
    position::{GlobalPosition, LogId},
};

use crate::{files, tables};

/// Where the states of projections that users wrote are, in the directory of the read models.
pub(crate) const SCRIPTS: &str = "scripts";

/// A read model's file, and up to where it knows the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The read model, as people call it.
    pub name: String,
    /// Its file.
    pub file: PathBuf,
    /// The last event that was folded into it.
    pub position: GlobalPosition,
    /// When that was recorded.
    pub recorded_at: Option<Timestamp>,
}

/// All files of read models in `directory` that have folded events of this log, the furthest first.
///
/// A file that is damaged or of another log knows nothing.
pub fn known(directory: &Path, log: LogId) -> Vec<Known> {
    let folders = [directory.to_owned(), directory.join(SCRIPTS)];
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).into_iter().flatten());
    let files = entries.flatten().map(|entry| entry.path());
    let files = files.filter(|file| file.extension().is_some_and(|it| it == "sqlite"));
    let mut known: Vec<_> = files
        .filter_map(|file| {
            let (position, recorded_at) = tables::position(&file, log)?;
            Some(Known { name: name(&file), file, position, recorded_at })
        })
        .collect();
    known.sort_by(|one, other| other.position.cmp(&one.position).then(one.file.cmp(&other.file)));
    known
}

/// Those that know more than a log that ends at `head`.
pub fn beyond(known: Vec<Known>, head: Option<GlobalPosition>) -> Vec<Known> {
    known.into_iter().filter(|known| Some(known.position) > head).collect()
}

/// Those whose last event a log does not have: it ends before, or has another one in its place.
///
/// # Errors
///
/// If that cannot be read.
pub async fn astray(known: Vec<Known>, log: &dyn Log) -> Result<Vec<Known>, LogFault> {
    let mut looked = HashMap::new();
    let mut astray = Vec::new();
    for known in known {
        let found = match looked.entry(known.position) {
            Entry::Occupied(found) => *found.get(),
            Entry::Vacant(place) => {
                let event = match log.event_at(known.position).await {
                    Ok(event) => event.map(|event| Some(event.recorded_at)),
                    // It is there, and does not tell when it was recorded.
                    Err(LogFault::Unreadable(_)) => Some(None),
                    Err(fault) => return Err(fault),
                };
                *place.insert(event)
            }
        };
        // A file of an earlier release may not say when.
        let differs =
            |at: Option<_>| known.recorded_at.zip(at).is_some_and(|(known, at)| known != at);
        if found.is_none_or(differs) {
            astray.push(known);
        }
    }
    Ok(astray)
}

/// Moves the files into a directory that [`evidence::make_directory`] made, so that the read models are
/// made anew.
///
/// # Errors
///
/// What moving a file says.
pub fn keep_aside(known: &[Known], evidence: &Path) -> io::Result<()> {
    for Known { file, .. } in known {
        let is_script = file.parent().is_some_and(|folder| folder.ends_with(SCRIPTS));
        let folder = Path::new("read-models").join(if is_script { SCRIPTS } else { "" });
        // The file goes last: until then it is found again.
        for part in files::beside(file).chain([file.clone()]).filter(|part| part.exists()) {
            evidence::keep(&part, evidence, &folder)?;
        }
    }
    Ok(())
}

/// `history` of `history-v3-g1.sqlite`, `per-team` of `per-team@42.sqlite`.
fn name(file: &Path) -> String {
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let name = stem.rsplit_once('@').or_else(|| stem.rsplit_once("-v"));
    name.map_or(stem, |(name, _)| name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::{Checkpoint, advance, anew};

    #[test]
    fn what_knows_more_than_a_log_is_found_and_moved_with_the_states_of_scripts() {
        let data = tempfile::tempdir().unwrap();
        let models = data.path().join("read-models");
        fs::create_dir_all(models.join(SCRIPTS)).unwrap();
        for (name, log, position) in [
            ("history-v3-g1.sqlite", 1, 9),
            ("scripts/per-team@4-g2.sqlite", 1, 8),
            ("current-v2-g1.sqlite", 1, 5),
            ("releases-v2-g1.sqlite", 2, 9),
        ] {
            let tables = anew(&models.join(name), "", LogId(log)).unwrap();
            let position = Some(GlobalPosition(position));
            advance(&tables, Checkpoint { position, ..Checkpoint::default() }).unwrap();
        }
        fs::write(models.join("rollbacks-v1-g1.sqlite"), "no database").unwrap();

        let beyond = beyond(known(&models, LogId(1)), Some(GlobalPosition(5)));

        let found: Vec<_> = beyond.iter().map(|it| (it.name.as_str(), it.position.0)).collect();
        assert_eq!(found, [("history", 9), ("per-team", 8)]);
        let kept = evidence::make_directory(data.path(), &shiplog_store::clock::SystemClock);
        let kept = kept.unwrap();
        keep_aside(&beyond, &kept).unwrap();
        for name in ["history-v3-g1.sqlite", "scripts/per-team@4-g2.sqlite"] {
            assert!(kept.join("read-models").join(name).is_file(), "{name}");
            assert!(!models.join(name).exists(), "{name}");
        }
        assert!(models.join("current-v2-g1.sqlite").is_file());
    }
}
