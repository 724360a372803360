//! A list that is longer than one answer.

use std::collections::VecDeque;

use serde_json::Value;

use super::{Client, Path};
use crate::exit::Failure;

/// How many items one request asks for at most.
const PAGE: u64 = 500;

/// The items of a list, asked for page by page as they are needed.
pub(crate) struct Pages<'a> {
    client: &'a Client,
    path: Path,
    /// The parameter that says where to go on.
    name: &'static str,
    cursor: Cursor,
    /// How many more are wanted; `None` wants all.
    wanted: Option<u64>,
    items: VecDeque<Value>,
}

impl Client {
    /// Reads an answer whose list, of this name, may be longer than one page, as one.
    pub(crate) fn whole(&self, path: &Path, list: &str) -> Result<Value, Failure> {
        let mut body = self.get(path)?.body;
        while let Some(Value::String(cursor)) = body.get_mut("next").map(Value::take) {
            let mut page = self.get(&path.clone().with("cursor", &cursor))?.body;
            let more = page.get_mut(list).map(Value::take);
            let all = body.get_mut(list).and_then(Value::as_array_mut);
            let (Some(Value::Array(more)), Some(all)) = (more, all) else {
                return Err(self.not_shiplog());
            };
            all.extend(more);
            if let (Some(next), Some(more)) = (body.get_mut("next"), page.get_mut("next")) {
                *next = more.take();
            }
        }
        Ok(body)
    }

    /// Reads all items of a list.
    pub(crate) fn all_items(&self, path: &Path) -> Result<Vec<Value>, Failure> {
        match self.whole(path, "items")?.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => Ok(items),
            Some(_) | None => Err(self.not_shiplog()),
        }
    }
}

enum Cursor {
    Start,
    Next(String),
    End,
}

impl<'a> Pages<'a> {
    pub(super) fn new(client: &'a Client, path: Path, limit: Option<u64>) -> Self {
        let (name, cursor) = ("cursor", Cursor::Start);
        Self { client, path, name, cursor, wanted: limit, items: VecDeque::new() }
    }

    /// The same for a list that goes on after a position of the log.
    pub(super) fn after(self, position: Option<String>) -> Self {
        let cursor = position.map_or(Cursor::Start, Cursor::Next);
        Self { name: "after", cursor, ..self }
    }

    /// Whether the server has more than was wanted.
    pub(crate) fn has_more(&self) -> bool {
        !self.items.is_empty() || matches!(self.cursor, Cursor::Next(_))
    }

    fn fetch(&mut self) -> anyhow::Result<()> {
        let limit = self.wanted.map_or(PAGE, |wanted| wanted.min(PAGE)).to_string();
        let path = self.path.clone().with("limit", &limit);
        let path = match &self.cursor {
            Cursor::Start => path,
            Cursor::Next(cursor) => path.with(self.name, cursor),
            Cursor::End => return Ok(()),
        };
        let mut body = self.client.get(&path)?.body;
        self.cursor = match body.get("next") {
            Some(Value::String(cursor)) => Cursor::Next(cursor.clone()),
            Some(Value::Number(cursor)) => Cursor::Next(cursor.to_string()),
            Some(_) | None => Cursor::End,
        };
        if let Some(Value::Array(items)) = body.get_mut("items").map(Value::take) {
            self.items.extend(items);
        }
        Ok(())
    }
}

impl Iterator for Pages<'_> {
    type Item = anyhow::Result<Value>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.wanted == Some(0) {
            return None;
        }
        while self.items.is_empty() && !matches!(self.cursor, Cursor::End) {
            if let Err(error) = self.fetch() {
                self.cursor = Cursor::End;
                return Some(Err(error));
            }
        }
        let item = self.items.pop_front()?;
        self.wanted = self.wanted.map(|wanted| wanted.saturating_sub(1));
        Some(Ok(item))
    }
}
