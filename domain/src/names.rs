//! Names from outside, parsed once and trusted from then on.
//!
//! The parsers are never tightened: a name that was once recorded must read.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

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
    fn nothing_is_not_a_name() {
        assert_eq!("".parse::<Version>(), Err(NameError::Empty { what: "the version" }));
    }
}
