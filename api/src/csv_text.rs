//! Lists as CSV (RFC 4180), safe to open in a spreadsheet.

use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};

use crate::{
    problem::{Problem, internal},
    query::Query,
};

/// What a caller wants a list as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Csv,
}

/// `?format=csv|json` decides, else `Accept`; whatever else is asked for gets JSON.
pub(crate) fn format(query: &mut Query, headers: &HeaderMap) -> Result<Format, Problem> {
    let words = [("json", Format::Json), ("csv", Format::Csv)];
    let asked = query.word("format", &words)?;
    Ok(asked.unwrap_or_else(|| accepted(headers)))
}

/// What `Accept` says; whatever else is asked for gets JSON.
pub(crate) fn accepted(headers: &HeaderMap) -> Format {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let first = accept
        .unwrap_or_default()
        .split(',')
        .map(|kind| kind.split(';').next().unwrap_or_default().trim());
    let csv = first
        .take_while(|kind| !matches!(*kind, "application/json" | "*/*" | "application/*"))
        .any(|kind| kind == "text/csv");
    if csv { Format::Csv } else { Format::Json }
}

/// Writes a table, one record a row.
pub(crate) fn table<const N: usize>(
    columns: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Result<Response, Problem> {
    any_table(columns, rows.into_iter().map(|row| row.map(harmless)))
}

/// Writes a table whose columns are known when it is written, of cells that are harmless.
pub(crate) fn any_table<C: AsRef<[u8]>>(
    columns: impl IntoIterator<Item = C>,
    rows: impl IntoIterator<Item: IntoIterator<Item = String>>,
) -> Result<Response, Problem> {
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(columns).map_err(|error| internal(&error))?;
    for row in rows {
        writer.write_record(row).map_err(|error| internal(&error))?;
    }
    let bytes = writer.into_inner().map_err(|error| internal(error.error()))?;
    let kind = HeaderValue::from_static("text/csv; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, kind)], bytes).into_response())
}

/// Keeps a spreadsheet from taking a cell for a formula; a number stays one.
pub(crate) fn harmless(cell: String) -> String {
    if !is_number(&cell) && cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{cell}")
    } else {
        cell
    }
}

/// Whether it is digits, with a sign before them and a point among them at most.
fn is_number(cell: &str) -> bool {
    let digits = cell.strip_prefix('-').unwrap_or(cell);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|one| one.is_ascii_digit());
    all_digits(whole) && all_digits(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_defused() {
        assert_eq!(harmless("=1+1".into()), "'=1+1");
        assert_eq!(harmless("1=1".into()), "1=1");
        for formula in ["-1+1", "-", "-.5", "-1.", "-1e3", "+1", "--1", "-A1", "-1.2.3", "-1-2"] {
            assert_eq!(harmless(formula.into()), format!("'{formula}"));
        }
    }

    #[test]
    fn a_number_stays_a_number() {
        for number in ["-300000", "-0.5", "-1", "0", "12.50"] {
            assert_eq!(harmless(number.into()), number);
        }
    }

    #[test]
    fn csv_is_what_is_asked_for_first() {
        let asked = |accept: &'static str| {
            let headers =
                HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]);
            format(&mut Query::parse(None, &[]).unwrap(), &headers).unwrap()
        };
        assert_eq!(asked("text/csv"), Format::Csv);
        assert_eq!(asked("text/csv;q=0.9, */*"), Format::Csv);
        assert_eq!(asked("application/json, text/csv"), Format::Json);
        assert_eq!(asked("*/*"), Format::Json);
        assert_eq!(asked("text/html"), Format::Json);
    }
}
