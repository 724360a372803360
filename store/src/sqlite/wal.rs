//! The write-ahead log as it is on the disk, read frame by frame before SQLite recovers it.
//!
//! SQLite takes the first frame whose checksum is wrong for the end, because a power cut may have torn
//! the last transaction. All that is behind a damaged frame is dropped without a word. What tells damage
//! from an unfinished end: each commit is synced before the next frame is written, so a transaction
//! behind which there is a frame of the same generation was whole once. And the index of the WAL, where
//! a killed process has left it, counts the frames that were synced.
//!
//! # Source
//!
//! <https://sqlite.org/walformat.html>

use std::{
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use super::{
    wal_checksum::{Checksum, Order, Salts},
    wal_index::WalIndex,
};

const HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;

/// Of the pages of every log; a header that is damaged may say something else.
const PAGE_BYTES: u32 = 4_096;

/// The magic number without its last bit, which says in which order checksums read their words.
const MAGIC: u32 = 0x377f_0682;

/// Damage to the WAL: what is behind it was recorded, and is lost to every reader.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is damaged: {problem}", path.display())]
pub struct WalDamage {
    /// The WAL.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: String,
    /// Where a copy of it is kept, if one is.
    pub kept: Option<PathBuf>,
}

/// What a WAL shows that a crash cannot have left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// Its header is damaged: SQLite would ignore all frames.
    Header,
    /// A frame is damaged, and whole ones of the same generation are behind it.
    Frame {
        /// The damaged one, from 1.
        number: u64,
        /// How many there are.
        of: u64,
    },
    /// Frames that were synced are missing or damaged.
    Missing {
        /// How many were synced.
        synced: u64,
        /// How many are whole, up to a commit.
        whole: u64,
    },
}

impl std::fmt::Display for Sign {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Header => f.write_str("its header does not match its checksum"),
            Self::Frame { number, of } => write!(
                f,
                "frame `{number}` does not match its checksum, and there are frames up to `{of}` \
                 behind it"
            ),
            Self::Missing { synced, whole } => {
                write!(f, "of `{synced}` frames that were synced only `{whole}` are whole")
            }
        }
    }
}

/// Reads the WAL at `path`, and what its index at `index` says of it; `None` if nothing speaks against
/// it.
///
/// While a process writes the WAL, `is_written`, the end may change between two reads, so only what was
/// synced before is looked at.
pub(super) fn damage(path: &Path, index: &Path, is_written: bool) -> io::Result<Option<Sign>> {
    let before = WalIndex::read(index)?;
    let walk = match File::open(path) {
        Ok(file) => Walk::read(BufReader::with_capacity(1 << 16, file))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Walk::default(),
        Err(error) => return Err(error),
    };
    if !is_written && let Some(sign) = walk.sign() {
        return Ok(Some(sign));
    }
    // Of the same generation before and after, the synced frames were there all the time.
    let index = if is_written { WalIndex::read(index)? } else { before };
    let is_same = index.map(|index| index.salts) == before.map(|before| before.salts);
    Ok(before.filter(|_| is_same).and_then(|synced| walk.missing(synced)))
}

/// What a walk over the frames has found.
#[derive(Debug, Default)]
struct Walk {
    /// Those of the header; `None` if it is damaged or there is none.
    salts: Option<Salts>,
    has_header: bool,
    /// Frames of this generation, to the last one that is linked to the one before it.
    frames: u64,
    /// Whole frames up to the last commit before the first damaged one.
    whole: u64,
    /// The first frame that does not continue what is before it.
    broken: Option<u64>,
    /// Whether a transaction ends behind that.
    has_later_commit: bool,
    /// Whether a frame continues the one before it, behind such an end.
    has_later_frame: bool,
}

impl Walk {
    fn read(mut file: impl Read) -> io::Result<Self> {
        let mut walk = Self::default();
        let mut header = [0; HEADER_BYTES];
        if !fill(&mut file, &mut header)? {
            return Ok(walk);
        }
        walk.has_header = true;
        // The last bit of the magic number says in which order words are read.
        let order = match word(&header, 0).checked_sub(MAGIC) {
            Some(0) => Order::Little,
            Some(1) => Order::Big,
            Some(_) | None => Order::NATIVE,
        };
        let is_whole = word(&header, 0) & !1 == MAGIC
            && order.checksum([0, 0], header.first_chunk::<24>().unwrap_or(&[0; 24]))
                == stored(&header, 24);
        let page = if is_whole { word(&header, 8) } else { PAGE_BYTES };
        // The format writes 65,536 as 1.
        let page = if page == 1 { 1 << 16 } else { page as usize };
        if is_whole {
            walk.salts = Some(salts(&header, 16));
        }
        let mut before = stored(&header, 24);
        let mut generation = walk.salts;
        let (mut frame, mut page) = ([0; FRAME_HEADER_BYTES], vec![0; page]);
        let mut number = 0;
        while fill(&mut file, &mut frame)? && fill(&mut file, &mut page)? {
            number += 1;
            // Behind a damaged header the first frame says which generation it is.
            let of = *generation.get_or_insert_with(|| salts(&frame, 8));
            let is_of_generation = salts(&frame, 8) == of;
            let [summed, _, _] = frame.as_chunks::<8>().0 else { break };
            let sum = order.checksum(order.checksum(before, summed), &page);
            before = stored(&frame, 16);
            let is_linked = is_of_generation && sum == before;
            walk.meet(number, is_of_generation, is_linked, word(&frame, 4) != 0);
        }
        Ok(walk)
    }

    fn meet(&mut self, number: u64, is_of_generation: bool, is_linked: bool, is_commit: bool) {
        if is_linked {
            self.frames = number;
        }
        if self.salts.is_some() && self.broken.is_none() && is_linked {
            if is_commit {
                self.whole = number;
            }
            return;
        }
        self.broken.get_or_insert(number);
        self.has_later_frame |= self.has_later_commit && is_linked;
        self.has_later_commit |= is_of_generation && is_commit;
    }

    fn sign(&self) -> Option<Sign> {
        let number = self.broken.filter(|_| self.has_later_frame)?;
        Some(match self.salts {
            None => Sign::Header,
            Some(_) => Sign::Frame { number, of: self.frames },
        })
    }

    fn missing(&self, index: WalIndex) -> Option<Sign> {
        let WalIndex { salts, synced, copied } = index;
        let is_lost = match self.salts {
            Some(own) => own == salts && self.whole < synced,
            // Without a whole header nothing of it is read. Copied frames are in the file.
            None => copied < synced,
        };
        if is_lost && self.has_header && self.salts.is_none() {
            return Some(Sign::Header);
        }
        is_lost.then_some(Sign::Missing { synced, whole: self.whole })
    }
}

/// Fills a buffer; `false` if the file ends before.
fn fill(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// A word of four bytes, the first of which counts most; 0 beyond the end.
fn word(bytes: &[u8], at: usize) -> u32 {
    let bytes = bytes.get(at..).and_then(|rest| rest.first_chunk());
    bytes.map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

fn stored(bytes: &[u8], at: usize) -> Checksum {
    [word(bytes, at), word(bytes, at + 4)]
}

fn salts(bytes: &[u8], at: usize) -> Salts {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default()
}
