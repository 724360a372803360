//! What words find a deployment by, and how the index is asked for them.

use std::borrow::Cow;

use super::filter::Fact;
use crate::ledger::Row;

/// All that was said of a deployment, as one text for the index.
pub(super) fn of(row: &Row) -> String {
    let deployment = &row.deployment;
    let requested = &deployment.requested;
    let mut words = vec![
        row.lane.service.as_str(),
        row.lane.environment.as_str(),
        requested.release.version.as_str(),
        &row.actor.id,
    ];
    let texts = [&row.actor.name, &requested.release.commit, &requested.release.notes];
    words.extend(texts.into_iter().flatten().map(String::as_str));
    let texts = [&requested.reason, &requested.url, &requested.external_id];
    words.extend(texts.into_iter().flatten().map(String::as_str));
    words.extend(requested.labels.iter().flat_map(|(name, value)| [name.as_str(), value]));
    for change in &requested.release.changes {
        let texts = [&change.id, &change.description];
        words.push(&change.kind);
        words.extend(texts.into_iter().flatten().map(String::as_str));
    }
    if let Some(failure) = &deployment.failure {
        let texts = [&failure.error, &failure.failed_step];
        words.extend(texts.into_iter().flatten().map(String::as_str));
    }
    words.extend(deployment.notes.iter().map(|note| note.text.as_str()));
    apart(&words.join("\n")).into_owned()
}

/// A text with blanks around each character of a script that is written without them.
///
/// The index takes what stands between blanks for a word, and finds words from their beginning. So
/// each such character is a word of its own, and what is looked for is a phrase of them, which may
/// stand anywhere. What has blanks of its own stays as it is.
fn apart(text: &str) -> Cow<'_, str> {
    if !text.chars().any(stands_alone) {
        return Cow::Borrowed(text);
    }
    let mut spaced = String::with_capacity(text.len() * 2);
    for character in text.chars() {
        if stands_alone(character) {
            spaced.extend([' ', character, ' ']);
        } else {
            spaced.push(character);
        }
    }
    Cow::Owned(spaced)
}

/// Whether a character is of a script without blanks, or of Korean, which joins words to long ones.
fn stands_alone(character: char) -> bool {
    matches!(character,
        // Thai and Lao; Burmese; Khmer.
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        // Signs that repeat or stand for Chinese characters.
        | '\u{3005}'..='\u{3007}' | '\u{3021}'..='\u{3029}' | '\u{3031}'..='\u{3035}'
        | '\u{3038}'..='\u{303c}'
        // Hiragana, Katakana, Bopomofo and their extensions, half as wide as well.
        | '\u{3040}'..='\u{312f}' | '\u{31a0}'..='\u{31bf}' | '\u{31f0}'..='\u{31ff}'
        | '\u{ff66}'..='\u{ff9f}' | '\u{1aff0}'..='\u{1b16f}'
        // Chinese characters, as Chinese, Japanese and Korean have them.
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}'
        // Syllables of Korean.
        | '\u{ac00}'..='\u{d7a3}')
}

/// The query of the index for what was said, and what was not.
pub(super) fn matching<'f>(
    wanted: impl IntoIterator<Item = &'f Fact>,
    unwanted: impl IntoIterator<Item = &'f Fact>,
) -> String {
    let wanted = wanted.into_iter().filter_map(phrase).collect::<Vec<_>>().join(" AND ");
    let unwanted = unwanted.into_iter().filter_map(phrase).collect::<Vec<_>>().join(" OR ");
    if unwanted.is_empty() { wanted } else { format!("({wanted}) NOT ({unwanted})") }
}

fn phrase(fact: &Fact) -> Option<String> {
    let Fact::Said { text, begins } = fact else { return None };
    // Inside quotes, a quote is all that FTS5 gives a meaning to.
    let quoted = format!("\"{}\"", apart(text).replace('"', "\"\""));
    Some(if *begins { format!("{quoted}*") } else { quoted })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str, begins: bool) -> Fact {
        Fact::Said { text: text.into(), begins }
    }

    #[test]
    fn characters_of_scripts_without_blanks_are_words_and_all_else_stays() {
        for (text, expected) in [
            ("read timeout: naïve ß, Ελλάδα, ошибка", "read timeout: naïve ß, Ελλάδα, ошибка"),
            ("部署失败", " 部  署  失  败 "),
            ("v2版、カー", "v2 版 、 カ  ー "),
            ("배포", " 배  포 "),
            ("𠮷野", " 𠮷  野 "),
        ] {
            assert_eq!(apart(text), expected);
        }
        assert_eq!(matching([&said("失败", true)], []), "\" 失  败 \"*");
    }

    #[test]
    fn what_was_said_becomes_what_the_index_understands() {
        let (words, begins) = (said("read timeout", false), said("abc12", true));
        let (sign, quote) = (said("AND ^y {z}", false), said("say \"hi\"", false));
        assert_eq!(matching([&words], []), r#""read timeout""#);
        assert_eq!(matching([&words, &begins], []), r#""read timeout" AND "abc12"*"#);
        assert_eq!(
            matching([&sign], [&begins, &quote]),
            r#"("AND ^y {z}") NOT ("abc12"* OR "say ""hi""")"#
        );
    }
}
