//! Text as bytes: UTF-8, with or without a byte order mark.
//!
//! Editors and shells of some systems begin a file with a mark that is no part of its text, or
//! write it in UTF-16. The first is passed over; of the second it is said what it is.

/// What UTF-8 files of some systems begin with.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Why bytes are no text that is read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotUtf8 {
    /// Two or four bytes stand for each character.
    #[error("it is written in UTF-16 or UTF-32: write it in UTF-8, as with `iconv -t UTF-8`")]
    Wide,
    /// It is text up to somewhere.
    #[error("it is not UTF-8 from byte {0} on")]
    Broken(usize),
}

/// The bytes without the mark that they may begin with.
///
/// # Errors
///
/// [`NotUtf8::Wide`] if they begin as UTF-16 and UTF-32 do.
pub fn unmarked(bytes: &[u8]) -> Result<&[u8], NotUtf8> {
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, ..] | [_, 0, ..] => Err(NotUtf8::Wide),
        _ => Ok(bytes.strip_prefix(MARK).unwrap_or(bytes)),
    }
}

/// The text, without the mark that it may begin with.
///
/// # Errors
///
/// If it is not UTF-8.
pub fn text(bytes: &[u8]) -> Result<&str, NotUtf8> {
    let bytes = unmarked(bytes)?;
    std::str::from_utf8(bytes).map_err(|error| NotUtf8::Broken(error.valid_up_to()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_no_part_of_the_text() {
        assert_eq!(text(b"\xef\xbb\xbf{}"), Ok("{}"));
        assert_eq!(text("{\"ü\": 1}".as_bytes()), Ok("{\"ü\": 1}"));
        assert_eq!(text(b""), Ok(""));
        assert_eq!(text(b"x\xff"), Err(NotUtf8::Broken(1)));
    }

    #[test]
    fn wide_characters_are_told_from_broken_ones_with_and_without_a_mark() {
        for bytes in [&b"\xff\xfe{\0}\0"[..], b"\xfe\xff\0{\0}", b"{\0}\0", b"\0{\0}"] {
            assert_eq!(text(bytes), Err(NotUtf8::Wide));
            assert_eq!(unmarked(bytes), Err(NotUtf8::Wide));
        }
    }
}
