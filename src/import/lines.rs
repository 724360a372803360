//! The lines of a file or of standard input, plain or compressed.

use std::{
    cell::Cell,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
    rc::Rc,
};

use anyhow::Context as _;
use flate2::bufread::MultiGzDecoder;
use shiplog_api::utf8;

use crate::exit::Failure;

/// The most bytes that a line may have.
const MAX_LINE_BYTES: usize = 1 << 20;

/// How much is read at once.
const BUFFER_BYTES: usize = 1 << 17;

/// The first bytes of what gzip writes.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Lines, numbered from 1.
pub(super) struct Lines {
    input: Box<dyn BufRead>,
    /// Of the file as it is, be it compressed.
    size: Option<u64>,
    bytes: Rc<Cell<u64>>,
    number: u64,
}

/// One line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Counted from 1.
    pub(super) number: u64,
    /// What it says.
    pub(super) text: Text,
}

/// A line without its end; `None` if it is longer than any line may be.
type Text = Option<Vec<u8>>;

impl Lines {
    /// Opens a file; `-` is standard input.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        if path == Path::new("-") {
            return Self::new(Box::new(io::stdin()), None).context("cannot read standard input");
        }
        let file = File::open(path)
            .map_err(|error| Failure::usage(format!("cannot open {}: {error}", path.display())))?;
        let reading = || format!("cannot read {}", path.display());
        let about = file.metadata().with_context(reading)?;
        let size = about.is_file().then_some(about.len());
        Self::new(Box::new(file), size).with_context(reading)
    }

    fn new(source: Box<dyn Read>, size: Option<u64>) -> io::Result<Self> {
        let bytes = Rc::new(Cell::new(0));
        let counted = Counted { source, bytes: Rc::clone(&bytes) };
        let mut plain = BufReader::with_capacity(BUFFER_BYTES, counted);
        let is_gzip = plain.fill_buf()?.starts_with(&GZIP);
        let input: Box<dyn BufRead> = if is_gzip {
            Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(plain)))
        } else {
            Box::new(plain)
        };
        Ok(Self { input, size, bytes, number: 0 })
    }

    /// How many bytes there are to read in all, if that is known.
    pub(super) fn size(&self) -> Option<u64> {
        self.size
    }

    /// How many of them were read.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.get()
    }

    /// The next line that is not blank.
    ///
    /// # Errors
    ///
    /// If the input cannot be read on, as where a compressed file was cut short.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<Line>> {
        loop {
            let Some(text) = self.read()? else { return Ok(None) };
            self.number += 1;
            if text.as_ref().is_none_or(|text| !text.trim_ascii().is_empty()) {
                return Ok(Some(Line { number: self.number, text }));
            }
        }
    }

    /// Passes over a byte order mark.
    fn begin(&mut self) -> anyhow::Result<()> {
        let buffer = self.input.fill_buf().context("cannot read line 1")?;
        let marked = buffer.len();
        let unmarked = utf8::unmarked(buffer)
            .map_err(|error| Failure::usage(format!("cannot read the input: {error}")))?
            .len();
        self.input.consume(marked - unmarked);
        Ok(())
    }

    fn read(&mut self) -> anyhow::Result<Option<Text>> {
        let (mut text, mut is_long, mut has_begun) = (Vec::new(), false, false);
        if self.number == 0 {
            self.begin()?;
        }
        loop {
            let next = self.number + 1;
            let buffer =
                self.input.fill_buf().with_context(|| format!("cannot read line {next}"))?;
            if buffer.is_empty() {
                return Ok(has_begun.then_some((!is_long).then_some(text)));
            }
            has_begun = true;
            let (part, used, is_end) = match buffer.iter().position(|byte| *byte == b'\n') {
                Some(end) => (buffer.get(..end).unwrap_or_default(), end + 1, true),
                None => (buffer, buffer.len(), false),
            };
            is_long |= text.len() + part.len() > MAX_LINE_BYTES;
            if !is_long {
                text.extend_from_slice(part);
            }
            self.input.consume(used);
            if is_end {
                return Ok(Some((!is_long).then_some(text)));
            }
        }
    }
}

/// Counts what is read from the source.
struct Counted {
    source: Box<dyn Read>,
    bytes: Rc<Cell<u64>>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.bytes.set(self.bytes.get() + count as u64);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn lines(bytes: Vec<u8>) -> Lines {
        Lines::new(Box::new(Cursor::new(bytes)), None).unwrap()
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn all(mut lines: Lines) -> Vec<(u64, Option<Vec<u8>>)> {
        let next = std::iter::from_fn(|| lines.next().unwrap());
        next.map(|Line { number, text }| (number, text)).collect()
    }

    fn line(number: u64, text: &str) -> (u64, Option<Vec<u8>>) {
        (number, Some(text.into()))
    }

    #[test]
    fn blank_lines_are_passed_over_but_counted() {
        let found = all(lines(b"a\n\n \r\nb\r\nc".to_vec()));
        assert_eq!(found, [line(1, "a"), line(4, "b\r"), line(5, "c")]);
        assert_eq!(all(lines(Vec::new())), []);
    }

    #[test]
    fn a_byte_order_mark_is_passed_over_and_utf_16_is_called_so() {
        let marked = b"\xef\xbb\xbfa\nb".to_vec();
        assert_eq!(all(lines(gzip(&marked))), [line(1, "a"), line(2, "b")]);
        assert_eq!(all(lines(marked)), [line(1, "a"), line(2, "b")]);
        let wide = "\u{feff}{}\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(lines(wide).next().unwrap_err().to_string().contains("UTF-16"));
    }

    #[test]
    fn compressed_lines_are_the_same_lines_even_in_several_parts() {
        let parts = [gzip(b"a\nb"), gzip(b"c\nd\n")].concat();
        assert_eq!(all(lines(parts)), [line(1, "a"), line(2, "bc"), line(3, "d")]);
    }

    #[test]
    fn a_line_that_is_too_long_is_marked_and_the_next_one_read() {
        let text = format!("{}\nb\n{}", "x".repeat(MAX_LINE_BYTES + 1), "y".repeat(MAX_LINE_BYTES));
        let found = all(lines(text.into_bytes()));
        assert_eq!(found[..2], [(1, None), line(2, "b")]);
        assert_eq!(found[2].1.as_ref().unwrap().len(), MAX_LINE_BYTES);
    }

    #[test]
    fn a_compressed_file_that_was_cut_short_is_an_error_after_what_it_holds() {
        let text: Vec<_> = (0..20_000).map(|number| format!("line {number}")).collect();
        let mut bytes = gzip(text.join("\n").as_bytes());
        bytes.truncate(bytes.len() / 2);
        let mut lines = lines(bytes);
        assert_eq!(lines.next().unwrap().unwrap().number, 1);
        let error = std::iter::from_fn(|| lines.next().transpose()).find_map(Result::err).unwrap();
        assert!(error.to_string().starts_with("cannot read line"), "{error}");
    }
}
