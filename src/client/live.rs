//! The log as it grows: server-sent events, taken apart.

use std::{
    io::{self, BufRead},
    time::Duration,
};

use serde_json::Value;

/// How long to wait before connecting again, until the server says otherwise.
const RETRY: Duration = Duration::from_secs(3);

/// An open stream of events.
pub(crate) struct Live {
    lines: Box<dyn BufRead>,
    /// How long to wait before connecting again.
    pub(crate) retry: Duration,
}

/// One event of the stream.
#[derive(Debug, PartialEq)]
pub(crate) struct Message {
    /// The position, to go on from.
    pub(crate) id: Option<String>,
    /// What it is about, where the stream says it.
    pub(crate) name: Option<String>,
    /// The event.
    pub(crate) data: Value,
}

impl Live {
    /// Reads events from the lines of a response.
    pub(super) fn new(lines: Box<dyn BufRead>) -> Self {
        Self { lines, retry: RETRY }
    }

    /// Waits for the next event; `None` at the end of the stream, which may cut an event short.
    pub(crate) fn next(&mut self) -> io::Result<Option<Message>> {
        let (mut id, mut name, mut data) = (None, None, String::new());
        let mut line = Vec::new();
        loop {
            line.clear();
            if self.lines.read_until(b'\n', &mut line)? == 0 {
                return Ok(None);
            }
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end_matches(['\n', '\r']);
            if text.is_empty() {
                if !data.is_empty() {
                    let data = serde_json::from_str(&data)?;
                    return Ok(Some(Message { id, name, data }));
                }
                (id, name) = (None, None);
                continue;
            }
            let (field, value) = text.split_once(':').unwrap_or((text, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "id" => id = Some(value.to_owned()),
                "event" => name = Some(value.to_owned()),
                "data" => {
                    if !data.is_empty() {
                        data.push('\n');
                    }
                    data.push_str(value);
                }
                "retry" => {
                    self.retry = value.parse().map_or(self.retry, Duration::from_millis);
                }
                // A comment has no name; other fields are for others.
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn live(text: &'static str) -> Live {
        Live::new(Box::new(text.as_bytes()))
    }

    #[test]
    fn events_are_read_between_comments_and_fields_that_mean_nothing_here() {
        let mut live = live(
            "retry: 500\n\n: still here\n\nevent: recorded\nid: 7\ndata: {\"position\":7}\n\n\
             id: 8\r\ndata: {\r\ndata: \"position\":8}\r\n\r\n",
        );
        let first = live.next().unwrap();
        let (id, name, data) = (Some("7".into()), Some("recorded".into()), json!({"position": 7}));
        assert_eq!(first, Some(Message { id, name, data }));
        assert_eq!(live.next().unwrap().unwrap().data, json!({"position": 8}));
        assert_eq!(live.next().unwrap(), None);
        assert_eq!(live.retry, Duration::from_millis(500));
    }

    #[test]
    fn an_event_that_is_cut_short_is_not_taken() {
        assert_eq!(live("id: 7\ndata: {\"position\":7}").next().unwrap(), None);
    }

    #[test]
    fn what_is_not_json_is_an_error() {
        assert!(live("data: {\n\n").next().is_err());
    }
}
