//! The web pages as a browser without scripts sees them.

mod board;
mod board_filters;
mod board_pages;
mod doubt;
mod forms;
mod later;
mod namesakes;
mod progress;
mod reading;
mod recovery;
mod rollback;
mod rollbacks;
mod taken_back;

use super::server::{Answer, Server};

/// What a browser says that it takes.
const HTML: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

/// Opens a page that has at least all that was written.
#[track_caller]
pub(super) fn open(server: &Server, path: &str) -> Answer {
    let at_least = server.position();
    let ask = server.ask("GET", path).header("Accept", HTML).header("Shiplog-At-Least", at_least);
    let page = ask.send();
    assert!(page.header("content-type").starts_with("text/html"), "{path}: {page:?}");
    page
}

/// The text of a page as it is read: without its tags, each run of white space as one space.
fn plain(page: &Answer) -> String {
    let (_, main) = page.text.split_once("<main").unwrap_or(("", &page.text));
    let main = main.replace("<br>", " ");
    let parts = main.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text));
    let text: String = parts.collect();
    text.replace("&#38;", "&").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Asserts that a page says each of these, as it is read.
#[track_caller]
fn says(server: &Server, path: &str, all: &[&str]) -> String {
    let text = plain(&open(server, path).expect(200));
    for said in all {
        assert!(text.contains(said), "`{said}` is not at {path}: {text}");
    }
    text
}

/// Sends a form, as the page that it is on would.
fn send(server: &Server, path: &str, fields: &[(&str, &str)]) -> Answer {
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", crate::support::encode(value)))
        .collect();
    server
        .ask("POST", path)
        .header("Accept", HTML)
        .header("Sec-Fetch-Site", "same-origin")
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(fields.join("&"))
        .send()
}

/// The value of a field that the page has filled in.
#[track_caller]
fn filled_in<'p>(page: &'p Answer, name: &str) -> &'p str {
    let start = format!("name=\"{name}\" value=\"");
    let (_, rest) = page.text.split_once(&start).unwrap_or_else(|| panic!("no `{name}`: {page:?}"));
    rest.split('"').next().unwrap()
}
