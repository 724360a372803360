//! Texts that have a length.

use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

/// A text of so many characters at least and at most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Text<const MIN: usize, const MAX: usize>(String);

/// A text of another length.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it has {found} characters; it takes {min} to {max}")]
pub(crate) struct TextError {
    found: usize,
    min: usize,
    max: usize,
}

impl<const MIN: usize, const MAX: usize> FromStr for Text<MIN, MAX> {
    type Err = TextError;
    fn from_str(text: &str) -> Result<Self, TextError> {
        let found = text.chars().count();
        if (MIN..=MAX).contains(&found) {
            Ok(Self(text.into()))
        } else {
            Err(TextError { found, min: MIN, max: MAX })
        }
    }
}

impl<'de, const MIN: usize, const MAX: usize> Deserialize<'de> for Text<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl<const MIN: usize, const MAX: usize> From<Text<MIN, MAX>> for String {
    fn from(text: Text<MIN, MAX>) -> Self {
        text.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_count_not_bytes() {
        assert!("üü".parse::<Text<1, 2>>().is_ok());
        let error = "üüü".parse::<Text<1, 2>>().unwrap_err();
        assert_eq!(error.to_string(), "it has 3 characters; it takes 1 to 2");
        assert!("".parse::<Text<1, 2>>().is_err());
    }
}
