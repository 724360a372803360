//! A file that somebody else writes.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _},
    path::Path,
};

use crate::private_file;

/// A file that is read as it grows.
#[derive(Debug)]
pub(crate) struct Growing(File);

impl Growing {
    /// Reads from its beginning.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        private_file::open(path, OpenOptions::new().read(true)).map(Self)
    }

    /// What has come since the last time.
    pub(crate) fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}
