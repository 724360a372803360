//! A text that people wrote into a file, or give on standard input.

use std::{
    fs,
    io::{self, Read as _},
    path::Path,
};

use shiplog_api::utf8;

use crate::exit::Failure;

/// Reads a file, or standard input where it is called `-`; `what` is what it holds: `the query`.
pub(crate) fn read(what: &str, file: &Path) -> Result<String, Failure> {
    let wrong = |why: &dyn std::fmt::Display| {
        Failure::usage(format!("cannot read {what} in {}: {why}", file.display()))
    };
    let bytes = if file == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(file)
    };
    let bytes = bytes.map_err(|error| wrong(&error))?;
    let text = utf8::text(&bytes).map_err(|error| wrong(&error))?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text_and_utf_16_is_called_so() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("query.sql");
        fs::write(&file, b"\xef\xbb\xbfSELECT 1").unwrap();
        assert_eq!(read("the query", &file).unwrap(), "SELECT 1");
        fs::write(&file, b"\xff\xfeS\0").unwrap();
        let failure = read("the query", &file).unwrap_err();
        assert!(failure.to_string().contains("UTF-16"), "{failure}");
        assert_eq!(failure.exit(), crate::exit::Exit::Usage);
    }
}
