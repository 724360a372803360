//! Names from outside, parsed once and trusted from then on.
//!
//! There are two doors. The parsers read a name as it is recorded, and are never tightened: a name that
//! was once recorded must read. `as_new` is for a name that is not recorded yet.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::text::{hidden, nfc, trimmed};

/// The most characters that a name may have.
pub const MAX_CHARACTERS: usize = 200;

/// Why a text is not a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// There is nothing in it.
    #[error("{what} is empty; it takes 1 to {MAX_CHARACTERS} characters")]
    Empty {
        /// Which kind of name.
        what: &'static str,
    },
    /// There is too much in it.
    #[error("{what} has {found} characters; it takes 1 to {MAX_CHARACTERS}")]
    TooLong {
        /// Which kind of name.
        what: &'static str,
        /// How many characters it has.
        found: usize,
    },
    /// It holds a character that no terminal or header should be shown.
    #[error("{what} holds the control character U+{character:04X} as its character {at}")]
    Control {
        /// Which kind of name.
        what: &'static str,
        /// The character's code point.
        character: u32,
        /// Which one of the characters it is, counted from 1.
        at: usize,
    },
    /// A new name holds a character that nobody sees.
    #[error(
        "{what} holds the invisible character U+{character:04X} as its character {at}; leave it out"
    )]
    Invisible {
        /// Which kind of name.
        what: &'static str,
        /// The character's code point.
        character: u32,
        /// Which one of the characters it is, counted from 1.
        at: usize,
    },
    /// A new name is a step within a path, which browsers and proxies take out of addresses.
    #[error("{what} is `{name}`, which addresses cannot hold; choose another name")]
    Step {
        /// Which kind of name.
        what: &'static str,
        /// `.` or `..`.
        name: &'static str,
    },
}

/// The names that are steps within a path: percent-encoded or not, browsers resolve them.
const STEPS: [&str; 2] = [".", ".."];

/// Whether a name is a step within a path, so that no address can hold it.
pub fn is_step(name: &str) -> bool {
    STEPS.contains(&name)
}

fn parse(what: &'static str, text: &str) -> Result<Arc<str>, NameError> {
    if text.is_empty() {
        return Err(NameError::Empty { what });
    }
    // More than four bytes a character cannot be: longer texts need no counting.
    if text.len() > MAX_CHARACTERS {
        let found = text.chars().count();
        if found > MAX_CHARACTERS {
            return Err(NameError::TooLong { what, found });
        }
    }
    match text.chars().enumerate().find(|(_, character)| character.is_control()) {
        Some((index, character)) => {
            Err(NameError::Control { what, character: character.into(), at: index + 1 })
        }
        None => Ok(text.into()),
    }
}

/// What a new name is recorded as.
fn as_new(what: &'static str, text: &str) -> Result<Arc<str>, NameError> {
    let name = nfc(trimmed(text));
    if let Some((character, at)) = hidden(&name) {
        return Err(NameError::Invisible { what, character: character.into(), at });
    }
    if let Some(name) = STEPS.into_iter().find(|step| *step == name) {
        return Err(NameError::Step { what, name });
    }
    parse(what, &name)
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident = $what:literal;)+) => {$(
        $(#[$doc])*
        ///
        /// 1 to 200 characters, any but control characters; cheap to clone.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The name as it is recorded where it is new: in Unicode's form C, and without blanks and
            /// invisible characters at its ends.
            ///
            /// # Errors
            ///
            /// If there is an invisible character within it, or nothing else in it, or it is `.` or
            /// `..`.
            pub fn as_new(&self) -> Result<Self, NameError> {
                as_new($what, &self.0).map(Self)
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                parse($what, text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    )+};
}

names! {
    /// What is deployed: `checkout`, `alphagov/frontend`.
    ServiceName = "the service's name";
    /// Where: `production`, `review/feature-x`.
    EnvironmentName = "the environment's name";
    /// Which release of a service: `1.4.2`, `build-7`. Compared for equality alone.
    Version = "the version";
    /// One machine, cluster or region within a deployment.
    TargetName = "the target's name";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_takes_up_to_200_characters_whatever_their_bytes() {
        assert!("ü".repeat(200).parse::<ServiceName>().is_ok());
        let error = "ü".repeat(201).parse::<ServiceName>().unwrap_err();
        assert_eq!(error.to_string(), "the service's name has 201 characters; it takes 1 to 200");
    }

    #[test]
    fn a_control_character_is_named_with_its_place() {
        let error = "a\u{7}b".parse::<EnvironmentName>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "the environment's name holds the control character U+0007 as its character 2"
        );
    }

    #[test]
    fn a_new_name_is_kept_as_everybody_would_write_it() {
        for (given, kept) in [
            ("production", "production"),
            ("production ", "production"),
            ("\u{FEFF} production\u{200B}", "production"),
            ("cafe\u{301}", "caf\u{e9}"),
            ("two words", "two words"),
            ("👩\u{200D}🚀", "👩\u{200D}🚀"),
        ] {
            let given: EnvironmentName = given.parse().unwrap();
            assert_eq!(given.as_new().unwrap().as_str(), kept);
        }
    }

    #[test]
    fn what_nobody_sees_in_a_new_name_is_named_with_its_place() {
        let new = |text: &str| text.parse::<EnvironmentName>().unwrap().as_new();
        assert_eq!(
            new("pro\u{202E}duction").unwrap_err().to_string(),
            "the environment's name holds the invisible character U+202E as its character 4; \
             leave it out"
        );
        let empty = new(" \u{200B}").unwrap_err();
        assert_eq!(empty, NameError::Empty { what: "the environment's name" });
    }

    #[test]
    fn a_step_within_a_path_is_not_a_new_name() {
        for step in [".", "..", " .. "] {
            let error = step.parse::<Version>().unwrap().as_new().unwrap_err();
            let expected = format!(
                "the version is `{}`, which addresses cannot hold; choose another name",
                step.trim()
            );
            assert_eq!(error.to_string(), expected);
        }
        for name in ["...", ".x", "%2E%2E", "./.", "\\", "a/../b"] {
            assert_eq!(name.parse::<ServiceName>().unwrap().as_new().unwrap().as_str(), name);
        }
    }

    #[test]
    fn nothing_is_not_a_name() {
        assert_eq!("".parse::<Version>(), Err(NameError::Empty { what: "the version" }));
    }
}
