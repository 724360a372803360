//! Names of lanes as commands print them and read them back.

use std::fmt::Write as _;

use percent_encoding::percent_decode_str;

/// What a lane is called in one word: `checkout/production`, `alphagov/frontend/review%2Fx`.
///
/// Reads back as the same two names, whatever they hold. Blanks and what nobody sees are
/// percent-encoded, so that the word stays whole in a shell and two names that differ look different.
pub(crate) fn named(service: &str, environment: &str) -> String {
    let service = encoded(service, |character| character == '%');
    let environment = encoded(environment, |one| matches!(one, '%' | '/' | '#' | '~' | '@'));
    format!("{service}/{environment}")
}

/// Undoes the percent-encoding of a name.
pub(super) fn decoded(name: &str) -> Result<String, String> {
    let decoded = percent_decode_str(name).decode_utf8();
    decoded
        .map(Into::into)
        .map_err(|_| format!("`{name}` is not UTF-8 once its percent-encoding is undone"))
}

/// The name with whatever is reserved, blank or unseen percent-encoded.
fn encoded(name: &str, is_reserved: fn(char) -> bool) -> String {
    let mut text = String::with_capacity(name.len());
    for character in name.chars() {
        if is_reserved(character) || is_unseen(character) {
            for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                // Writing into a text cannot fail.
                let _ = write!(text, "%{byte:02X}");
            }
        } else {
            text.push(character);
        }
    }
    text
}

/// Blanks, control characters, and those that only change how others are shown.
fn is_unseen(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::reference::{Reference, Which};

    #[test]
    fn names_are_printed_as_people_know_them_and_what_is_unseen_is_shown() {
        for (service, environment, expected) in [
            ("checkout", "production", "checkout/production"),
            ("alphagov/frontend", "review/ü@x#1", "alphagov/frontend/review%2Fü%40x%231"),
            ("ws", "production ", "ws/production%20"),
            (" ws", "production", "%20ws/production"),
            ("50%25", "a~b", "50%2525/a%7Eb"),
            ("a\u{200b}b", "x\u{3000}", "a%E2%80%8Bb/x%E3%80%80"),
        ] {
            assert_eq!(named(service, environment), expected);
        }
    }

    proptest! {
        #[test]
        fn every_name_that_is_printed_reads_back_as_the_same_lane(
            service in "\\PC{1,20}|[ %#/~@a\u{200b}\u{3000}]{1,8}",
            environment in "\\PC{1,20}|[ %#/~@a\u{200b}\u{3000}]{1,8}",
            number in 1_u32..,
        ) {
            let name = format!("{}#{number}", named(&service, &environment));
            let read: Reference = name.parse().unwrap();
            prop_assert_eq!((&read.service, &read.environment), (&service, &environment));
            prop_assert_eq!(read.which, Which::Number(number.into()));
            let lane: Reference = named(&service, &environment).parse().unwrap();
            prop_assert_eq!((lane.service, lane.environment), (service, environment));
            prop_assert_eq!(lane.which, Which::Current);
            prop_assert!(!name.contains(char::is_whitespace));
        }
    }
}
