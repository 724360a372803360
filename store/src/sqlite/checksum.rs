//! The SHA-256 of a backup, in a file beside it that `sha256sum --check` reads.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{self, Read as _, Write as _},
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use super::beside::beside;
use crate::private;

/// How many hexadecimal digits a SHA-256 has.
const DIGITS: usize = 64;

/// What the checksum beside a file says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// The file is what was written.
    Same,
    /// There is no checksum.
    Unknown,
    /// The file is not what was written, or the checksum is of none.
    Different,
}

/// Where the checksum of a file is: `<file>.sha256`.
pub(super) fn path_of(file: &Path) -> PathBuf {
    beside(file, ".sha256")
}

/// Writes the checksum of `content`, which is going to be called `file`; it is synced.
pub(super) fn write(content: &Path, file: &Path) -> io::Result<()> {
    let line = line(&digest(content)?, file.file_name().unwrap_or_default());
    let path = path_of(file);
    // What a killed backup has left speaks of a file that is not there.
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut checksum = private::create_new(&path)?;
    checksum.write_all(&line)?;
    checksum.sync_all()
}

/// Compares a file with the checksum beside it.
pub(super) fn check(file: &Path) -> io::Result<Checked> {
    let said = match fs::read(path_of(file)) {
        Ok(said) => said,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Checked::Unknown),
        Err(error) => return Err(error),
    };
    // A backslash comes first where the name has characters that are written otherwise.
    let said = said.strip_prefix(b"\\").unwrap_or(&said);
    let is_same = said.get(..DIGITS).is_some_and(|said| {
        digest(file).is_ok_and(|digest| said.eq_ignore_ascii_case(digest.as_bytes()))
    });
    Ok(if is_same { Checked::Same } else { Checked::Different })
}

fn digest(file: &Path) -> io::Result<String> {
    let (mut file, mut hasher) = (File::open(file)?, Sha256::new());
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        hasher.update(bytes);
    }
    let nibbles = hasher.finalize().into_iter().flat_map(|byte| [byte >> 4, byte & 15]);
    Ok(nibbles.filter_map(|nibble| char::from_digit(nibble.into(), 16)).collect())
}

/// A line as `sha256sum` writes it.
fn line(digest: &str, name: &OsStr) -> Vec<u8> {
    let escaped: Vec<u8> = name
        .as_bytes()
        .iter()
        .flat_map(|byte| match byte {
            b'\\' => br"\\".to_vec(),
            b'\n' => br"\n".to_vec(),
            b'\r' => br"\r".to_vec(),
            other => vec![*other],
        })
        .collect();
    let is_escaped = escaped != name.as_bytes();
    let mark = if is_escaped { "\\" } else { "" };
    [mark.as_bytes(), digest.as_bytes(), b"  ", &escaped, b"\n"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_breaks_lines_is_escaped() {
        let line = |name: &str| String::from_utf8(line("ab", OsStr::new(name))).unwrap();
        assert_eq!(line("kept.sqlite"), "ab  kept.sqlite\n");
        assert_eq!(line("two\nlines"), "\\ab  two\\nlines\n");
    }
}
