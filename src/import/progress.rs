//! How far an import is: a bar on a terminal, a line now and then elsewhere.

use std::{
    cell::Cell,
    io::{IsTerminal as _, Write as _},
    rc::Rc,
    time::{Duration, Instant},
};

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};

/// How often a line is written where there is no terminal.
const INTERVAL: Duration = Duration::from_secs(5);

/// Shows how far an import is, on standard error.
#[derive(Clone)]
pub(super) struct Progress {
    form: Form,
    began: Instant,
    size: Option<u64>,
}

#[derive(Clone)]
enum Form {
    Nothing,
    Bar(ProgressBar),
    /// When the last line was written.
    Lines(Rc<Cell<Instant>>),
}

impl Progress {
    /// `size` is how many bytes there are to read, if that is known.
    pub(super) fn new(size: Option<u64>, is_quiet: bool) -> Self {
        let began = Instant::now();
        let form = if is_quiet {
            Form::Nothing
        } else if std::io::stderr().is_terminal() {
            Form::Bar(bar(size))
        } else {
            Form::Lines(Rc::new(Cell::new(began)))
        };
        Self { form, began, size }
    }

    /// So many lines and bytes are done.
    pub(super) fn reach(&self, lines: u64, bytes: u64) {
        match &self.form {
            Form::Nothing => {}
            Form::Bar(bar) => {
                bar.set_message(self.describe(lines));
                bar.set_position(bytes);
            }
            Form::Lines(last) => {
                if last.get().elapsed() >= INTERVAL {
                    last.set(Instant::now());
                    let left = self.left(bytes).map(|left| format!(", {left} left"));
                    let left = left.unwrap_or_default();
                    self.say(&format!("{}{left}", self.describe(lines)));
                }
            }
        }
    }

    /// Says something in between.
    pub(super) fn say(&self, text: &str) {
        let write = || {
            // Progress that nobody can read any more is no reason to stop.
            let _ = writeln!(anstream::stderr(), "{}", crate::output::printable(text));
        };
        match &self.form {
            Form::Nothing => {}
            Form::Bar(bar) => bar.suspend(write),
            Form::Lines(_) => write(),
        }
    }

    /// Takes the bar away.
    pub(super) fn end(&self) {
        if let Form::Bar(bar) = &self.form {
            bar.finish_and_clear();
        }
    }

    /// `12,000 lines, 4,000 a second`.
    fn describe(&self, lines: u64) -> String {
        let rate = per_second(lines, self.began.elapsed());
        format!("{} lines, {} a second", HumanCount(lines), HumanCount(rate))
    }

    fn left(&self, bytes: u64) -> Option<String> {
        let size = self.size.filter(|size| bytes > 0 && *size >= bytes)?;
        let elapsed = self.began.elapsed().as_millis();
        let left = elapsed * u128::from(size - bytes) / u128::from(bytes);
        let left = Duration::from_millis(left.try_into().ok()?);
        Some(HumanDuration(left).to_string())
    }
}

fn bar(size: Option<u64>) -> ProgressBar {
    let (bar, template) = match size {
        Some(size) => (ProgressBar::new(size), "{wide_bar} {percent:>3} %  {msg}  {eta} left"),
        None => (ProgressBar::new_spinner(), "{spinner} {msg}, {elapsed}"),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// How many in a second, rounded down.
pub(super) fn per_second(count: u64, elapsed: Duration) -> u64 {
    let milliseconds = elapsed.as_millis().max(1);
    (u128::from(count) * 1_000 / milliseconds).try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_per_second_even_where_no_time_has_passed() {
        assert_eq!(per_second(3_000, Duration::from_millis(1_500)), 2_000);
        assert_eq!(per_second(3, Duration::ZERO), 3_000);
    }
}
