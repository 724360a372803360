//! The last lines of an output.

use std::collections::VecDeque;

/// How many lines are kept.
const MOST_LINES: usize = 20;

/// How many bytes all of them may have.
const MOST_BYTES: usize = 4096;

/// The last lines of two streams, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Tail(VecDeque<(Stream, String)>);

/// What a line was written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    Output,
    Error,
}

impl Tail {
    /// Adds a line. Neither stream takes more than half of the room from the other.
    fn push(&mut self, stream: Stream, line: &[u8]) {
        self.0.push_back((stream, clean(&String::from_utf8_lossy(line))));
        if self.0.len() <= MOST_LINES {
            return;
        }
        let count = |wanted| self.0.iter().filter(|(stream, _)| *stream == wanted).count();
        let longer =
            if count(Stream::Output) > MOST_LINES / 2 { Stream::Output } else { Stream::Error };
        if let Some(oldest) = self.0.iter().position(|(stream, _)| *stream == longer) {
            self.0.remove(oldest);
        }
    }

    /// The lines, as many as fit.
    pub(super) fn text(&self) -> String {
        let mut room = MOST_BYTES;
        let mut fitting = VecDeque::new();
        for (_, line) in self.0.iter().rev() {
            if line.len() >= room {
                if fitting.is_empty() {
                    fitting.push_front(line.get(line.ceil_char_boundary(line.len() - room)..));
                }
                break;
            }
            room -= line.len() + 1;
            fitting.push_front(Some(line));
        }
        let lines: Vec<&str> = fitting.into_iter().flatten().collect();
        lines.join("\n").trim_matches('\n').to_owned()
    }
}

/// One stream, divided into lines.
#[derive(Debug)]
pub(super) struct Lines {
    stream: Stream,
    partial: Vec<u8>,
}

impl Lines {
    /// Nothing has come yet.
    pub(super) fn of(stream: Stream) -> Self {
        Self { stream, partial: Vec::new() }
    }

    /// Takes what has come.
    pub(super) fn feed(&mut self, bytes: &[u8], tail: &mut Tail) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.partial.extend_from_slice(piece);
            if self.partial.pop_if(|last| *last == b'\n').is_some() {
                tail.push(self.stream, &self.partial);
                self.partial.clear();
            }
            // A line that never ends has an end worth keeping.
            let surplus = self.partial.len().saturating_sub(4 * MOST_BYTES);
            self.partial.drain(..surplus);
        }
    }

    /// What stands there without an end is a line too.
    pub(super) fn end(self, tail: &mut Tail) {
        if !self.partial.is_empty() {
            tail.push(self.stream, &self.partial);
        }
    }
}

/// A line as a terminal would leave it: without escape sequences, and what `\r` writes over.
fn clean(line: &str) -> String {
    let line = line.trim_end_matches('\r');
    let line = line.rsplit('\r').next().unwrap_or_default();
    let mut text = String::new();
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' => skip_escape(&mut characters),
            '\t' => text.push('\t'),
            other if other.is_control() => {}
            other => text.push(other),
        }
    }
    text.trim_end().to_owned()
}

/// Passes over the rest of an escape sequence: `[31m`, `]0;title` up to its bell, or one character.
fn skip_escape(characters: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match characters.next() {
        Some('[') => while characters.next().is_some_and(|one| !('@'..='~').contains(&one)) {},
        Some(']') => {
            while let Some(one) = characters.next() {
                let is_end = one == '\u{7}' || one == '\u{1b}';
                if is_end {
                    characters.next_if(|next| one == '\u{1b}' && *next == '\\');
                    break;
                }
            }
        }
        Some(_) | None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail(pieces: &[&[u8]]) -> String {
        let (mut lines, mut tail) = (Lines::of(Stream::Output), Tail::default());
        for piece in pieces {
            lines.feed(piece, &mut tail);
        }
        lines.end(&mut tail);
        tail.text()
    }

    #[test]
    fn lines_are_put_together_and_the_last_one_needs_no_end() {
        assert_eq!(tail(&[b"one\ntw", b"o\nthr", b"ee"]), "one\ntwo\nthree");
        assert_eq!(tail(&[b""]), "");
    }

    #[test]
    fn only_the_last_lines_are_kept() {
        let many = (0..100).fold(String::new(), |many, line| many + &line.to_string() + "\n");
        let kept = tail(&[many.as_bytes()]);
        assert_eq!((kept.lines().count(), kept.lines().next()), (20, Some("80")));
    }

    #[test]
    fn an_error_is_not_crowded_out_by_output() {
        let (mut out, mut err) = (Lines::of(Stream::Output), Lines::of(Stream::Error));
        let mut tail = Tail::default();
        err.feed(b"disk full\n", &mut tail);
        out.feed("much\n".repeat(100).as_bytes(), &mut tail);
        let text = tail.text();
        assert_eq!((text.lines().count(), text.lines().next()), (20, Some("disk full")));
    }

    #[test]
    fn what_is_too_long_keeps_its_end() {
        let long = format!("{}ü end", "ü".repeat(9_000));
        let kept = tail(&[b"before\n", long.as_bytes()]);
        assert!(kept.len() <= MOST_BYTES && kept.ends_with("ü end"), "{}", kept.len());
        let lines = ("x".repeat(1_000) + "\n").repeat(20);
        assert_eq!(tail(&[lines.as_bytes()]).lines().count(), 4);
    }

    #[test]
    fn what_only_a_terminal_understands_is_left_out() {
        assert_eq!(clean("\u{1b}[1;31mred\u{1b}[0m\u{7} \tplain\u{0}"), "red \tplain");
        assert_eq!(clean(" 10 %\r 99 %\r100 %\r"), "100 %");
        assert_eq!(clean("\u{1b}]0;title\u{7}a\u{1b}]0;title\u{1b}\\b\u{1b}(c"), "abc");
    }
}
