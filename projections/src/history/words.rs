//! What a search finds a deployment by, and how what people type is read.

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

/// Reads a search as people type it: words, `"a phrase"`, `begin*`, `-not this`.
///
/// Every text means something; one without a single word to find means nothing
/// is asked for, which is `None`.
pub(super) fn query(text: &str) -> Option<String> {
    let (mut wanted, mut unwanted) = (Vec::new(), Vec::new());
    for term in terms(text) {
        let list = if term.excluded { &mut unwanted } else { &mut wanted };
        // Inside quotes, a quote is all that FTS5 gives a meaning to.
        let quoted = format!("\"{}\"", term.text.replace('"', "\"\""));
        list.push(if term.prefix { format!("{quoted}*") } else { quoted });
    }
    if wanted.is_empty() {
        return None;
    }
    let wanted = wanted.join(" AND ");
    if unwanted.is_empty() {
        return Some(wanted);
    }
    Some(format!("({wanted}) NOT ({})", unwanted.join(" OR ")))
}

struct Term {
    text: String,
    excluded: bool,
    prefix: bool,
}

fn terms(text: &str) -> Vec<Term> {
    let mut terms = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (excluded, body) = match rest.strip_prefix('-') {
            Some(body) if !body.is_empty() => (true, body),
            Some(_) | None => (false, rest),
        };
        let (word, after) = match body.strip_prefix('"') {
            Some(phrase) => phrase.split_once('"').unwrap_or((phrase, "")),
            None => body.split_once(char::is_whitespace).unwrap_or((body, "")),
        };
        let stem = word.strip_suffix('*').filter(|stem| !stem.is_empty());
        let text = stem.unwrap_or(word);
        // A term of signs alone holds no word, and would match nothing at all.
        if text.chars().any(char::is_alphanumeric) {
            terms.push(Term { text: text.into(), excluded, prefix: stem.is_some() });
        }
        rest = after.trim_start();
    }
    terms
}

#[cfg(test)]
mod tests {
    use super::query;

    #[test]
    fn what_people_type_becomes_what_the_index_understands() {
        for (typed, read) in [
            ("timeout", Some(r#""timeout""#)),
            ("db timeout", Some(r#""db" AND "timeout""#)),
            (r#""read timeout" -staging"#, Some(r#"("read timeout") NOT ("staging")"#)),
            ("1.4.2", Some(r#""1.4.2""#)),
            ("abc123*", Some(r#""abc123"*"#)),
            ("AND OR NOT", Some(r#""AND" AND "OR" AND "NOT""#)),
            (r#"unclosed "quote here"#, Some(r#""unclosed" AND "quote here""#)),
            ("words:x ^y {z}", Some(r#""words:x" AND "^y" AND "{z}""#)),
            ("-only", None),
            ("  ", None),
            ("* - \" ()", None),
        ] {
            assert_eq!(query(typed).as_deref(), read, "{typed}");
        }
    }
}
