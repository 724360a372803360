//! Why a log could not be opened.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{fault, schema::FORMAT, wal::WalDamage};

/// Why a log could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process writes it.
    #[error("another shiplog process has it open: `{}` is locked", path.display())]
    Locked {
        /// The lock.
        path: PathBuf,
    },
    /// There is nothing there, and it was to be read only.
    #[error("there is no log at `{}`", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// There is something else there; it was left as it is.
    #[error("`{}` is not a shiplog log: {problem}", path.display())]
    NotALog {
        /// The file.
        path: PathBuf,
        /// How that is known.
        problem: String,
    },
    /// A newer Shiplog made it.
    #[error(
        "`{}` has format `{found}`; this binary knows up to `{FORMAT}`: a newer Shiplog is needed",
        path.display()
    )]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
    },
    /// It contradicts itself.
    #[error("`{}` is damaged: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What contradicts what.
        problem: String,
    },
    /// It holds what Shiplog did not make, or not what Shiplog makes.
    #[error("`{}` is not as Shiplog made it: {problem}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Which table, index, trigger or view.
        problem: String,
    },
    /// A part of what was recorded is lost.
    #[error(transparent)]
    WalDamaged(#[from] WalDamage),
    /// The operating system could not.
    #[error("`{}` cannot be opened", path.display())]
    Io {
        /// Which file or directory.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// SQLite could not.
    #[error("`{}` cannot be opened", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: rusqlite::Error,
    },
}

impl OpenError {
    /// Whether a machine failed, so that the same can go well later.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Io { .. } | Self::Sqlite { .. } => true,
            Self::Locked { .. }
            | Self::Missing { .. }
            | Self::NotALog { .. }
            | Self::TooNew { .. }
            | Self::Damaged { .. }
            | Self::Foreign { .. }
            | Self::WalDamaged(_) => false,
        }
    }

    /// What an error of SQLite means, other than on identifying the file.
    pub(super) fn from_sqlite(path: &Path, source: rusqlite::Error) -> Self {
        if fault::is_damage(&source) {
            return Self::Damaged { path: path.into(), problem: source.to_string() };
        }
        if fault::is_for_want_of_room(&source) {
            let source = io::Error::new(io::ErrorKind::StorageFull, "the disk is full");
            return Self::Io { path: path.into(), source };
        }
        Self::Sqlite { path: path.into(), source }
    }
}
