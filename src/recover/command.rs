//! Commands that are printed to be copied.

use crate::reference::{Reference, named};

/// A lane as the printed command names it: read back, it is the same lane whatever its names hold.
pub(super) fn lane(reference: &Reference) -> String {
    quoted(&named(&reference.service, &reference.environment))
}

/// A word as a shell takes it.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |character: char| {
        character.is_ascii_alphanumeric() || matches!(character, '/' | '#' | '-' | '.' | '_' | '%')
    };
    // A `#` begins a comment where a word begins.
    if !word.is_empty() && !word.starts_with(['#', '-']) && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::Which;

    #[test]
    fn a_command_can_be_copied_whatever_the_names_are() {
        assert_eq!(quoted("it's a shop"), r"'it'\''s a shop'");
        assert_eq!(quoted("review/feature-x"), "review/feature-x");
        assert_eq!(quoted("#1"), "'#1'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn a_lane_is_named_so_that_it_reads_back() {
        let (service, environment) = ("it's", "review/x#1");
        let reference = Reference {
            service: service.into(),
            environment: environment.into(),
            which: Which::Current,
        };
        assert_eq!(lane(&reference), r"'it'\''s/review%2Fx%231'");
    }
}
