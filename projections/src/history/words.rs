//! What words find a deployment by, and how the index is asked for them.

use super::filter::Fact;
use crate::ledger::Row;

/// All that was said of a deployment, as one text.
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
    words.join("\n")
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
    let quoted = format!("\"{}\"", text.replace('"', "\"\""));
    Some(if *begins { format!("{quoted}*") } else { quoted })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str, begins: bool) -> Fact {
        Fact::Said { text: text.into(), begins }
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
