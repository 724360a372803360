//! The index of the WAL, as a killed process has left it: how many frames were synced.
//!
//! It is a file that processes share as memory. SQLite makes it anew from the WAL when it recovers, so
//! it is read before that.

use std::{fs, io, path::Path};

use super::wal_checksum::{Order, Salts};

/// Two copies of a header of 48 bytes, and then how many frames were copied to the file.
const HEADER_BYTES: usize = 48;
const SUMMED_BYTES: usize = 40;
const COPIED_AT: usize = 96;

/// What the index counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WalIndex {
    /// Of which generation of the WAL.
    pub(super) salts: Salts,
    /// Frames up to the last commit; it is counted once that is synced.
    pub(super) synced: u64,
    /// Frames whose pages are in the file itself.
    pub(super) copied: u64,
}

impl WalIndex {
    /// Reads the index at `path`; `None` if there is none, or it was left half-written.
    pub(super) fn read(path: &Path) -> io::Result<Option<Self>> {
        match fs::read(path) {
            Ok(bytes) => Ok(Self::parse(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let header = bytes.first_chunk::<HEADER_BYTES>()?;
        let word = |at: usize| {
            let word = bytes.get(at..)?.first_chunk()?;
            Some(u32::from_ne_bytes(*word))
        };
        let sum = Order::NATIVE.checksum([0, 0], header.get(..SUMMED_BYTES)?);
        let is_whole = bytes.get(HEADER_BYTES..2 * HEADER_BYTES)? == header
            && sum == [word(SUMMED_BYTES)?, word(SUMMED_BYTES + 4)?];
        let salts = *header.get(32..)?.first_chunk()?;
        let (synced, copied) = (word(16)?.into(), word(COPIED_AT)?.into());
        is_whole.then_some(Self { salts, synced, copied })
    }
}
