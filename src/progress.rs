//! How far something long is: a bar on a terminal, a line now and then elsewhere.

use std::{
    io::{IsTerminal as _, Write as _},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressFinish, ProgressStyle};

use crate::output;

/// How often a line is written where there is no terminal.
const INTERVAL: Duration = Duration::from_secs(5);

/// Shows how far something is, on standard error, until the last clone is dropped.
#[derive(Clone)]
pub(crate) struct Progress {
    form: Form,
    began: Instant,
    size: Option<u64>,
}

#[derive(Clone)]
enum Form {
    Nothing,
    Bar(ProgressBar),
    /// When the last line was written.
    Lines(Arc<Mutex<Instant>>),
}

impl Progress {
    /// `size` is how much there is to do, if that is known: bytes to read, events to record.
    pub(crate) fn new(size: Option<u64>, is_quiet: bool) -> Self {
        let began = Instant::now();
        let form = if is_quiet {
            Form::Nothing
        } else if std::io::stderr().is_terminal() {
            Form::Bar(bar(size))
        } else {
            Form::Lines(Arc::new(Mutex::new(began)))
        };
        Self { form, began, size }
    }

    /// Shows how far something is that somebody else does, and tells of.
    pub(crate) fn elsewhere(is_quiet: bool) -> Self {
        let shown = Self::new(Some(0), is_quiet);
        if let Form::Bar(bar) = &shown.form
            && let Ok(style) = ProgressStyle::with_template("{wide_bar} {percent:>3} %  {msg}")
        {
            bar.set_style(style);
        }
        shown
    }

    /// So much of the size is done, which are so many of `what`: `lines`, `events copied`.
    pub(crate) fn reach(&self, done: u64, count: u64, what: &str) {
        match &self.form {
            Form::Nothing => {}
            Form::Bar(bar) => {
                bar.set_message(self.describe(count, what));
                bar.set_position(done);
            }
            Form::Lines(last) => {
                let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                if last.elapsed() >= INTERVAL {
                    *last = Instant::now();
                    let left = self.left(done).map(|left| format!(", {left} left"));
                    let left = left.unwrap_or_default();
                    self.say(&format!("{}{left}", self.describe(count, what)));
                }
            }
        }
    }

    /// So much of the size is done, as somebody else tells it, who also says how fast it goes.
    pub(crate) fn show(&self, done: u64, size: u64, text: &str) {
        match &self.form {
            Form::Nothing => {}
            Form::Bar(bar) => {
                bar.set_length(size);
                bar.set_message(text.to_owned());
                bar.set_position(done);
            }
            Form::Lines(last) => {
                let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                if last.elapsed() >= INTERVAL {
                    *last = Instant::now();
                    self.say(text);
                }
            }
        }
    }

    /// Says something in between.
    pub(crate) fn say(&self, text: &str) {
        let write = || {
            // Progress that nobody can read any more is no reason to stop.
            let _ = writeln!(anstream::stderr(), "{}", output::printable(text));
        };
        match &self.form {
            Form::Nothing => {}
            Form::Bar(bar) => bar.suspend(write),
            Form::Lines(_) => write(),
        }
    }

    /// Takes the bar away.
    pub(crate) fn end(&self) {
        if let Form::Bar(bar) = &self.form {
            bar.finish_and_clear();
        }
    }

    /// `12,000 lines, 4,000 a second`.
    fn describe(&self, count: u64, what: &str) -> String {
        let rate = per_second(count, self.began.elapsed());
        format!("{} {what}, {} a second", HumanCount(count), HumanCount(rate))
    }

    fn left(&self, done: u64) -> Option<String> {
        let size = self.size.filter(|size| done > 0 && *size >= done)?;
        let elapsed = self.began.elapsed().as_millis();
        let left = elapsed * u128::from(size - done) / u128::from(done);
        let left = Duration::from_millis(left.try_into().ok()?);
        Some(HumanDuration(left).to_string())
    }
}

fn bar(size: Option<u64>) -> ProgressBar {
    let (bar, template) = match size {
        Some(size) => (ProgressBar::new(size), "{wide_bar} {percent:>3} %  {msg}  {eta} left"),
        None => (ProgressBar::new_spinner(), "{spinner} {msg}, {elapsed}"),
    };
    let bar = bar.with_finish(ProgressFinish::AndClear);
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// How many in a second, rounded down.
pub(crate) fn per_second(count: u64, elapsed: Duration) -> u64 {
    let nanoseconds = elapsed.as_nanos().max(1);
    (u128::from(count) * 1_000_000_000 / nanoseconds).try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_per_second_even_where_no_time_has_passed() {
        assert_eq!(per_second(3_000, Duration::from_millis(1_500)), 2_000);
        assert_eq!(per_second(3, Duration::ZERO), 3_000_000_000);
    }
}
