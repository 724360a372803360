//! A label with its value, as it is typed: `team=payments`, `team:payments`.
//!
//! A name that holds one of these signs is quoted: `"a:b"=c`.

use super::scan::quoted;

/// What divides a name from its value.
const SEPARATORS: [char; 2] = ['=', ':'];

/// Reads a name and its value; none, if there is no name, or no value.
pub fn read(text: &str) -> Option<(String, String)> {
    let whole = text.strip_prefix('"').map(quoted);
    let named = whole.as_ref().and_then(|(name, rest)| {
        let value = rest.strip_prefix(SEPARATORS)?;
        (!name.is_empty()).then_some((name.as_str(), value))
    });
    let (name, value) = named.or_else(|| split(text))?;
    Some((name.into(), value.into()))
}

/// The text that [`read`] takes for this label.
pub fn write(name: &str, value: &str) -> String {
    if name.contains(SEPARATORS) || name.starts_with('"') {
        format!("\"{}\"={value}", name.replace('"', "\"\""))
    } else {
        format!("{name}={value}")
    }
}

/// Takes a text apart at the first sign between a name and a value.
pub(super) fn split(text: &str) -> Option<(&str, &str)> {
    text.split_once(SEPARATORS).filter(|(name, _)| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_label_is_read_as_it_is_typed() {
        for (text, expected) in [
            ("team=payments", Some(("team", "payments"))),
            ("team:pay=ments", Some(("team", "pay=ments"))),
            ("team=", Some(("team", ""))),
            ("team=\"web\"", Some(("team", "\"web\""))),
            ("\"a:b\"=c", Some(("a:b", "c"))),
            ("\"a=b\":\"c\"", Some(("a=b", "\"c\""))),
            ("\"say \"\"hi\"\"\"=x", Some(("say \"hi\"", "x"))),
            ("\"x=1", Some(("\"x", "1"))),
            ("\"\"=x", Some(("\"\"", "x"))),
            ("team", None),
            ("\"a\"", None),
            ("=x", None),
            ("", None),
        ] {
            let read = read(text);
            let read = read.as_ref().map(|(name, value)| (name.as_str(), value.as_str()));
            assert_eq!(read, expected, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_written_is_read_back(name in "[a:=\" ü]{1,6}", value in "[a:=\" ü]{0,6}") {
            prop_assert_eq!(read(&write(&name, &value)), Some((name, value)));
        }
    }
}
