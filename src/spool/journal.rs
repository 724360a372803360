//! What one run has to tell, on disk before it is told.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde_json::Value;

use super::{
    journal_file::{Fallback, JournalFile},
    line::{Entry, Head, Line, Verb},
};
use crate::write;

/// What one run of a command has to tell, in order.
///
/// Its file is locked as long as the process that writes it lives, so whoever gets the lock knows
/// that nothing will be added.
#[derive(Debug)]
pub(crate) struct Journal {
    file: JournalFile,
    head: Head,
    lines: Vec<Line>,
    /// How many entries the server has.
    pub(super) delivered: usize,
    /// The deployment's number, once it is known.
    pub(super) number: Option<u64>,
    /// The deployment as the server last told of it.
    pub(super) told: Option<Value>,
    /// What the server would not take, in words.
    pub(super) refused: Vec<String>,
}

impl Journal {
    /// Begins one; the second value says what is wrong with where it is kept, if something is.
    pub(super) fn create(
        place: (PathBuf, io::Result<()>),
        head: Head,
        fallback: Fallback,
    ) -> (Self, io::Result<()>) {
        let (file, created) = JournalFile::create(place, &Line::Opened(head.clone()), fallback);
        (Self::of(file, head, Vec::new()), created)
    }

    fn of(file: JournalFile, head: Head, lines: Vec<Line>) -> Self {
        let number = head.number;
        Self { file, head, lines, delivered: 0, number, told: None, refused: Vec::new() }
    }

    /// Takes over what another process left; `None` while that one lives, or if nothing is left.
    pub(crate) fn adopt(path: &Path) -> io::Result<Option<Self>> {
        let Some((file, text)) = JournalFile::adopt(path)? else { return Ok(None) };
        let Some((head, lines)) = read(&text)? else {
            fs::remove_file(path)?;
            return Ok(None);
        };
        Ok(Some(Self::of(file, head, lines)))
    }

    /// Reads what another process, which may live, has said so far; nothing can be added to it.
    pub(super) fn peek(path: &Path) -> io::Result<Option<Self>> {
        let Some((file, text)) = JournalFile::peek(path)? else { return Ok(None) };
        Ok(read(&text)?.map(|(head, lines)| Self::of(file, head, lines)))
    }

    /// Adds what the server is to be told; an error says that it is in memory alone.
    pub(crate) fn tell(
        &mut self,
        verb: Verb,
        body: Value,
        if_match: Option<String>,
    ) -> io::Result<()> {
        let key = write::step_key(&self.head.key, self.entries().count());
        self.add(Line::Told(Entry { verb, key, body, if_match }))
    }

    /// Says that the command is about to be run.
    pub(crate) fn begin(&mut self, at: Timestamp) -> io::Result<()> {
        self.add(Line::Begun { at })
    }

    fn add(&mut self, line: Line) -> io::Result<()> {
        let written = self.file.append(&line);
        self.lines.push(line);
        written
    }

    /// Where it is, or would be.
    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    /// The spool that it was moved to, because its own could not keep it.
    pub(crate) fn moved_to(&self) -> Option<&Path> {
        self.file.moved_to()
    }

    /// Whether everything that it says is on disk.
    pub(crate) fn is_on_disk(&self) -> bool {
        self.file.is_on_disk()
    }

    /// What it is about.
    pub(crate) fn head(&self) -> &Head {
        &self.head
    }

    /// The deployment's number, once it is known.
    pub(crate) fn number(&self) -> Option<u64> {
        self.number
    }

    /// The deployment as the server last told of it.
    pub(crate) fn deployment(&self) -> Option<&Value> {
        self.told.as_ref()
    }

    /// Takes in what the server says of the deployment.
    pub(crate) fn see(&mut self, deployment: Value) {
        self.told = Some(deployment);
    }

    /// Where the files of the run are that are no lines of it; none if it is in memory alone.
    pub(crate) fn folder(&self) -> Option<PathBuf> {
        self.file.is_made().then(|| self.path().with_extension("d"))
    }

    /// Everything that the server is to be told.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.lines.iter().filter_map(|line| match line {
            Line::Told(entry) => Some(entry),
            Line::Opened(_) | Line::Begun { .. } => None,
        })
    }

    /// The release, as the server or else the request tells of it.
    pub(crate) fn release(&self) -> Option<&Value> {
        self.field("release")
    }

    /// What the release is configured with, as the server or else the request tells of it.
    pub(crate) fn configuration(&self) -> Option<&Value> {
        self.field("configuration")
    }

    /// The kind of the intent.
    pub(crate) fn intent(&self) -> Option<&str> {
        self.field("intent")?.get("kind")?.as_str()
    }

    fn field(&self, name: &str) -> Option<&Value> {
        let told = self.told.as_ref().and_then(|told| told.get(name));
        let asked = || self.entries().find_map(|entry| entry.body.get(name));
        told.or_else(asked)
    }

    /// How many entries of this kind there are.
    pub(crate) fn count(&self, verb: Verb) -> usize {
        self.entries().filter(|entry| entry.verb == verb).count()
    }

    /// Whether the command may have been run.
    pub(crate) fn has_begun(&self) -> bool {
        self.lines.iter().any(|line| matches!(line, Line::Begun { .. }))
    }

    /// Whether it says how the deployment ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.entries().any(|entry| entry.verb.is_end())
    }

    /// Whether the server has everything.
    pub(crate) fn is_delivered(&self) -> bool {
        self.delivered == self.entries().count()
    }

    /// Removes it; if the server would not take something, it is kept under another name.
    pub(crate) fn close(self) -> io::Result<()> {
        self.file.close(!self.refused.is_empty())
    }

    /// Removes it, whatever it says: nothing of it came to be.
    pub(crate) fn discard(mut self) -> io::Result<()> {
        self.refused.clear();
        self.close()
    }
}

/// A journal's head and its other lines; nothing if not even the head is whole.
fn read(text: &str) -> io::Result<Option<(Head, Vec<Line>)>> {
    let lines: Result<Vec<Line>, _> = text.lines().map(serde_json::from_str).collect();
    let mut lines = lines?.into_iter();
    match lines.next() {
        Some(Line::Opened(head)) => Ok(Some((head, lines.collect()))),
        Some(Line::Told(_) | Line::Begun { .. }) | None => Ok(None),
    }
}
