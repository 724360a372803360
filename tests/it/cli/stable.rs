//! Output without what differs in every run: the time of the test, ids, digests.
//!
//! Times of the year 2025 are the story's own and stay. Only what has the form of such a thing is
//! replaced, and columns of tables are checked to be aligned before they are aligned anew.

/// The years of instants that a story gives itself.
const OWN_YEARS: [&str; 2] = ["2025-", "2199-"];

/// Replaces what differs, in tables, JSON and CSV.
pub(super) fn stable(text: &str) -> String {
    let mut lines = text.lines().peekable();
    let mut result = String::new();
    while let Some(line) = lines.next() {
        if !line.contains(" (UTC)") {
            result.push_str(masked(line).trim_end());
            result.push('\n');
            continue;
        }
        let mut table = vec![line];
        while let Some(row) = lines.next_if(|row| !row.is_empty()) {
            table.push(row);
        }
        result.push_str(&aligned(&table));
    }
    result
}

/// A table with its heading, whose cells were replaced.
fn aligned(table: &[&str]) -> String {
    let starts = starts(table[0]);
    let rows: Vec<Vec<_>> = table.iter().map(|row| cells(row, &starts)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap();
    let widths: Vec<_> = (0..starts.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

/// Where the columns of a heading begin: two spaces are before each but the first.
fn starts(heading: &str) -> Vec<usize> {
    let characters: Vec<_> = heading.chars().collect();
    let begins = |place: &usize| {
        let before = place.checked_sub(2).map(|from| &characters[from..*place]);
        characters[*place] != ' ' && before.is_none_or(|before| before == [' ', ' '])
    };
    let mut starts: Vec<_> = (2..characters.len()).filter(begins).collect();
    starts.insert(0, 0);
    starts
}

fn cells(row: &str, starts: &[usize]) -> Vec<String> {
    let characters: Vec<_> = row.chars().collect();
    let ends = starts.iter().skip(1).copied().chain([usize::MAX]);
    let cell = |(start, end): (&usize, usize)| {
        let (start, end) = ((*start).min(characters.len()), end.min(characters.len()));
        let gap = &characters[start.saturating_sub(2)..start];
        assert!(
            start == characters.len() || gap.iter().all(|one| *one == ' '),
            "`{row}` is crooked"
        );
        masked(characters[start..end].iter().collect::<String>().trim_end())
    };
    starts.iter().zip(ends).map(cell).collect()
}

/// A piece of text with what differs replaced.
fn masked(mut text: &str) -> String {
    let mut result = String::new();
    while let Some(next) = text.chars().next() {
        let shown = take(text, "9999-99-99 99:99:99 (").and_then(|(time, rest)| {
            let (distance, rest) = rest.split_once(')')?;
            let direction = if distance.starts_with("in ") { "in …" } else { "… ago" };
            Some((format!("{} ({direction})", own(time.trim_end_matches(" ("))), rest))
        });
        let written = || {
            let (time, rest) = take(text, "9999-99-99T99:99:99")?;
            let (fraction, rest) = rest.split_once('Z')?;
            let is_fraction = fraction.chars().all(|one| one == '.' || one.is_ascii_digit());
            is_fraction.then(|| (own(&format!("{time}{fraction}Z")), rest))
        };
        let id = || {
            let (_, rest) = take(text, "ffffffff-ffff-ffff-ffff-ffffffffffff")?;
            Some(("<id>".to_owned(), rest))
        };
        let digest = || take(text, &"f".repeat(64)).map(|(_, rest)| ("<digest>".to_owned(), rest));
        let kept = || (next.to_string(), &text[next.len_utf8()..]);
        let (put, rest) = shown.or_else(written).or_else(id).or_else(digest).unwrap_or_else(kept);
        result.push_str(&put);
        text = rest;
    }
    result
}

/// A time, unless it is that of the test.
fn own(time: &str) -> String {
    let is_own = OWN_YEARS.iter().any(|year| time.starts_with(year));
    if is_own { time.to_owned() } else { "<now>".to_owned() }
}

/// Divides a text after what has a form: `9` is any digit, `f` any hexadecimal one.
fn take<'text>(text: &'text str, form: &str) -> Option<(&'text str, &'text str)> {
    let (begin, rest) = text.split_at_checked(form.len())?;
    let fits = |(one, form): (u8, u8)| match form {
        b'9' => one.is_ascii_digit(),
        b'f' => one.is_ascii_hexdigit(),
        form => one == form,
    };
    begin.bytes().zip(form.bytes()).all(fits).then_some((begin, rest))
}

#[test]
fn what_differs_is_replaced_and_the_rest_is_left() {
    let table = "when (UTC)                     what\n2026-11-24 18:30:00 (10s ago)  a ä\n\
                 2025-03-01 09:00:00 (1y ago)   b\n\n{\"at\":\"2026-11-24T18:30:00.123Z\"}\n";
    let expected = "when (UTC)                   what\n<now> (… ago)                a ä\n\
                    2025-03-01 09:00:00 (… ago)  b\n\n{\"at\":\"<now>\"}\n";
    assert_eq!(stable(table), expected);
    let until = "until 2199-12-01T00:00:00Z, 74fb8baf-c96c-83aa-ac7a-c8045fbce12d";
    assert_eq!(masked(until), "until 2199-12-01T00:00:00Z, <id>");
}
