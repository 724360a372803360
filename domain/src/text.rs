//! Texts as people see them: which are blank, and which look the same.

use std::borrow::Cow;

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};

/// The text in Unicode's normalization form C: `e` and a combining accent become `é`.
pub fn nfc(text: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfc().normalize(text)
}

/// Whether nothing of the text can be seen: it is empty, or has blanks, line breaks and invisible
/// characters alone.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(is_unseen)
}

/// The text without blanks and invisible characters at its ends.
pub fn trimmed(text: &str) -> &str {
    text.trim_matches(is_unseen)
}

/// What the text looks like: the same for two texts that differ in case, in blanks, in invisible
/// characters or in their Unicode form alone.
///
/// It is for comparison, never to be shown or kept: it can change with a new edition of Unicode.
pub fn skeleton(text: &str) -> String {
    let decomposed = DecomposingNormalizerBorrowed::new_nfkd().normalize(text);
    let seen = decomposed.chars().filter(|character| !is_unseen(*character));
    // To upper case and back: `ß` and `ss`, `ς` and `σ` are one to a reader who ignores case.
    let folded: String = seen.flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect();
    ComposingNormalizerBorrowed::new_nfkc().normalize(&folded).into_owned()
}

/// Whether two ids are those of one actor, whatever their case and form: `BOB` is `bob`.
pub fn is_same_id(one: &str, other: &str) -> bool {
    let folded = |id: &str| -> String {
        let upper = nfc(trimmed(id)).chars().flat_map(char::to_uppercase).collect::<String>();
        nfc(&upper.chars().flat_map(char::to_lowercase).collect::<String>()).into_owned()
    };
    one == other || folded(one) == folded(other)
}

/// The text with its control characters and its hidden ones as escapes: `\n`, `\u{202e}`.
///
/// It stays in one line, and no terminal obeys it.
pub fn escaped(text: &str) -> Cow<'_, str> {
    let is_meant = |character: char| character.is_control() || is_hidden(character);
    if !text.contains(is_meant) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_meant(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// The first character that nobody sees and that no script needs, and which one it is, counted from 1.
///
/// Joiners and variation selectors are not meant: words of several scripts, and emoji, are written
/// with them. Blanks within a line are not meant either.
pub(crate) fn hidden(text: &str) -> Option<(char, usize)> {
    let found = text.chars().enumerate().find(|(_, character)| is_hidden(*character));
    found.map(|(index, character)| (character, index + 1))
}

/// Whether nobody sees the character and no script needs it: zero-width characters, and those that
/// change the direction of what is around them.
pub fn is_hidden(character: char) -> bool {
    match character {
        // Zero width joiner and non-joiner, variation selectors, fillers of Hangul.
        '\u{200C}'
        | '\u{200D}'
        | '\u{FE00}'..='\u{FE0F}'
        | '\u{E0100}'..='\u{E01EF}'
        | '\u{034F}'
        | '\u{115F}'
        | '\u{1160}'
        | '\u{180B}'..='\u{180D}'
        | '\u{180F}' => false,
        // Line and paragraph separators are blanks that no line has.
        '\u{2028}' | '\u{2029}' => true,
        _ => is_invisible(character),
    }
}

/// Whether a reader sees nothing, or nothing but space, in its place.
fn is_unseen(character: char) -> bool {
    character.is_whitespace() || character.is_control() || is_invisible(character)
}

/// # Source
///
/// `Default_Ignorable_Code_Point` of Unicode 17, with the blank of Braille and the annotation marks.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{00AD}'
            | '\u{034F}'
            | '\u{061C}'
            | '\u{115F}'..='\u{1160}'
            | '\u{17B4}'..='\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}'
            | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFB}'
            | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E0FFF}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_blank() {
        for text in
            ["", "   ", "\r\n\t", "\u{200B}", "\u{FEFF} \u{200D}", "\u{3164}\u{2800}", "\u{a0}"]
        {
            assert!(is_blank(text), "{text:?}");
        }
        for text in ["x", " . ", "\u{200B}é", "👩‍🚀", "0"] {
            assert!(!is_blank(text), "{text:?}");
        }
        assert_eq!(trimmed("\u{FEFF} production\u{a0}\u{200B}"), "production");
    }

    #[test]
    fn what_looks_the_same_has_one_skeleton() {
        for (one, other) in [
            ("Live", "live"),
            ("production ", "production"),
            ("pro duction", "production"),
            ("pro\u{200B}duction", "production"),
            ("pro\u{202E}duction\u{FEFF}", "production"),
            ("caf\u{e9}", "cafe\u{301}"),
            ("CAFÉ", "café"),
            ("ｌｉｖｅ", "live"),
            ("straße", "STRASSE"),
            ("ΣΑΣ", "σας"),
        ] {
            assert_eq!(skeleton(one), skeleton(other), "{one:?} {other:?}");
        }
        for (one, other) in [("live", "live2"), ("cafe", "café"), ("a-b", "a_b"), ("1.0", "10")] {
            assert_ne!(skeleton(one), skeleton(other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn one_actor_has_one_id_whatever_its_case() {
        for (one, other) in [("BOB", "bob"), ("ren\u{e9}e", "RENE\u{301}E"), (" ann ", "Ann")] {
            assert!(is_same_id(one, other), "{one:?} {other:?}");
        }
        assert!(!is_same_id("ann", "anne"));
    }

    #[test]
    fn a_hidden_character_is_found_and_what_scripts_need_is_not() {
        assert_eq!(hidden("pro\u{200B}duction"), Some(('\u{200B}', 4)));
        assert_eq!(hidden("a\u{202E}b"), Some(('\u{202E}', 2)));
        assert_eq!(hidden("a\u{AD}b"), Some(('\u{AD}', 2)));
        assert_eq!(hidden("a\u{2028}b"), Some(('\u{2028}', 2)));
        for name in ["👩‍🚀", "می\u{200C}خواهم", "क्\u{200D}ष", "❤\u{FE0F}", "a b"]
        {
            assert_eq!(hidden(name), None, "{name:?}");
        }
    }

    #[test]
    fn what_nobody_sees_and_what_terminals_obey_is_escaped() {
        assert_eq!(escaped("a\r\n\u{1b}[31m\u{202e}b\u{2028}\u{9b}"), {
            r"a\r\n\u{1b}[31m\u{202e}b\u{2028}\u{9b}"
        });
        for text in ["plain ü", "👩‍🚀", "a b"] {
            assert!(matches!(escaped(text), Cow::Borrowed(_)), "{text:?}");
        }
    }
}
