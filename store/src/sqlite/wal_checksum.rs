//! The checksums of a WAL and of its index.

/// Two sums, which take two words at a time.
pub(super) type Checksum = [u32; 2];

/// What distinguishes the frames of one generation of the WAL from those of earlier ones.
pub(super) type Salts = [u8; 8];

/// In which order checksums take the bytes of a word.
#[derive(Clone, Copy, Debug)]
pub(super) enum Order {
    /// The first byte counts least.
    Little,
    /// The first byte counts most.
    Big,
}

impl Order {
    /// The machine's own.
    pub(super) const NATIVE: Self =
        if cfg!(target_endian = "big") { Self::Big } else { Self::Little };

    /// Adds bytes, of which there are a multiple of eight, to a checksum.
    pub(super) fn checksum(self, sum: Checksum, bytes: &[u8]) -> Checksum {
        let word = |bytes: &[u8; 4]| match self {
            Self::Little => u32::from_le_bytes(*bytes),
            Self::Big => u32::from_be_bytes(*bytes),
        };
        let (words, _) = bytes.as_chunks::<4>();
        let (pairs, _) = words.as_chunks::<2>();
        pairs.iter().fold(sum, |[first, second], [one, two]| {
            let first = first.wrapping_add(word(one)).wrapping_add(second);
            [first, second.wrapping_add(word(two)).wrapping_add(first)]
        })
    }
}
