//! Texts that have a length.

use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use shiplog_domain::text;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

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

/// Words that somebody can read: 1 to 10,000 characters, and not blanks alone.
///
/// Every reason that is required is one, so that three blanks are a reason nowhere. It is kept as it
/// was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Prose(Text<1, 10_000>);

/// A text that nobody can read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProseError {
    #[error(transparent)]
    Length(#[from] TextError),
    #[error("it has blanks and invisible characters alone, and says nothing")]
    Blank,
}

impl FromStr for Prose {
    type Err = ProseError;
    fn from_str(text: &str) -> Result<Self, ProseError> {
        let reason = text.parse()?;
        if text::is_blank(text) { Err(ProseError::Blank) } else { Ok(Self(reason)) }
    }
}

impl<'de> Deserialize<'de> for Prose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl From<Prose> for String {
    fn from(Prose(text): Prose) -> Self {
        text.into()
    }
}

/// A character that somebody can see.
///
/// Those beyond the basic plane are left out: readers of patterns do not write them alike.
const SEEN: &str = r"[^\s\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb]";

impl PartialSchema for Prose {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(10_000))
            .pattern(Some(SEEN))
            .description(Some("1 to 10,000 characters of which somebody can see one"))
            .into()
    }
}

impl ToSchema for Prose {}

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

    #[test]
    fn a_reason_is_more_than_blanks() {
        for text in ["   ", "\r\n", "\u{200B}", "\u{FEFF}\u{3164}"] {
            assert_eq!(text.parse::<Prose>(), Err(ProseError::Blank), "{text:?}");
        }
        assert!(matches!("".parse::<Prose>(), Err(ProseError::Length(_))));
        assert_eq!(String::from(" peak ".parse::<Prose>().unwrap()), " peak ");
    }
}
