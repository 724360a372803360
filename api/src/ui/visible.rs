//! Characters that nobody sees, shown in pages.

use std::fmt::Write as _;

use shiplog_domain::text::is_hidden;

/// A rendered page in which hidden characters are text (`\u{202e}`), so that none of them changes how
/// what is around it reads.
///
/// What a form sends back stays as it is: the values of its fields as references (`&#x202e;`), and
/// the text of a `textarea`. The templates escape `<`, `>` and `"`, so a tag ends where the first `>`
/// stands.
pub(super) fn visible(page: String) -> String {
    if page.is_ascii() || !page.contains(is_hidden) {
        return page;
    }
    let mut shown = String::with_capacity(page.len() + 64);
    for (index, part) in page.split('<').enumerate() {
        if index == 0 {
            push_text(&mut shown, part);
            continue;
        }
        shown.push('<');
        let (tag, text) = part.split_once('>').unwrap_or((part, ""));
        push_tag(&mut shown, tag);
        if part.len() > tag.len() {
            shown.push('>');
        }
        if tag.starts_with("textarea") {
            shown.push_str(text);
        } else {
            push_text(&mut shown, text);
        }
    }
    shown
}

/// Text with its hidden characters as escapes.
fn push_text(shown: &mut String, text: &str) {
    for character in text.chars() {
        if is_hidden(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
}

/// The value of a field, which a browser sends as it was.
fn push_value(shown: &mut String, value: &str) {
    for character in value.chars() {
        if is_hidden(character) {
            // Writing to a text cannot fail.
            let _ = write!(shown, "&#x{:x};", u32::from(character));
        } else {
            shown.push(character);
        }
    }
}

/// What stands between `<` and `>`.
fn push_tag(shown: &mut String, tag: &str) {
    // Every second part stands between quotation marks.
    let mut name = "";
    for (index, part) in tag.split('"').enumerate() {
        if index > 0 {
            shown.push('"');
        }
        if index % 2 == 1 && name.ends_with(" value=") {
            push_value(shown, part);
        } else {
            push_text(shown, part);
        }
        name = part;
    }
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn hidden_characters_of_texts_and_titles_are_shown() {
        let page = "<p title=\"a\u{202e}b\">x\u{200b}y</p>\n<td>\u{202e}gnp.exe</td>".to_owned();
        assert_eq!(
            visible(page),
            "<p title=\"a\\u{202e}b\">x\\u{200b}y</p>\n<td>\\u{202e}gnp.exe</td>"
        );
    }

    #[test]
    fn what_a_form_sends_is_what_was_there() {
        let page = "<input name=\"n\" value=\"a\u{202e}b\"><textarea>a\u{202e}</textarea>\u{2066}";
        assert_eq!(
            visible(page.to_owned()),
            "<input name=\"n\" value=\"a&#x202e;b\"><textarea>a\u{202e}</textarea>\\u{2066}"
        );
    }

    #[test]
    fn what_scripts_and_emoji_need_stays() {
        for page in ["<p>👩‍🚀 می\u{200C}خواهم</p>", "<p>plain</p>", "ü"] {
            assert_eq!(visible(page.to_owned()), page);
        }
    }
}
