//! How far something long is: a bar on a terminal, a line now and then elsewhere.

use std::{
    io::{IsTerminal as _, Write as _},
    time::{Duration, Instant},
};

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};

/// How often a line is written where there is no terminal.
const INTERVAL: Duration = Duration::from_secs(5);

/// Shows how far something is, on standard error, until it is dropped.
pub(crate) struct Progress {
    form: Form,
    what: &'static str,
    of: Option<u64>,
    began: Instant,
}

enum Form {
    Nothing,
    Bar(ProgressBar),
    /// When the last line was written.
    Lines(Instant),
}

impl Progress {
    /// `what` is to be done with `of` events, if it is known how many: `recorded`.
    pub(crate) fn new(what: &'static str, of: Option<u64>, is_quiet: bool) -> Self {
        let began = Instant::now();
        let form = if is_quiet {
            Form::Nothing
        } else if std::io::stderr().is_terminal() {
            Form::Bar(bar(of))
        } else {
            Form::Lines(began)
        };
        Self { form, what, of, began }
    }

    /// So many are done.
    pub(crate) fn reach(&mut self, done: u64) {
        let Self { form, what, of, began } = self;
        let elapsed = began.elapsed();
        let rate = per_second(done, elapsed);
        let described = || format!("{what}, {} a second", HumanCount(rate));
        match form {
            Form::Nothing => {}
            Form::Bar(bar) => {
                bar.set_message(described());
                bar.set_position(done);
            }
            Form::Lines(last) => {
                if last.elapsed() >= INTERVAL {
                    *last = Instant::now();
                    let line = match *of {
                        None => format!("{} events {}", HumanCount(done), described()),
                        Some(of) => {
                            let left = of.saturating_sub(done) / rate.max(1);
                            let left = HumanDuration(Duration::from_secs(left));
                            let (done, of) = (HumanCount(done), HumanCount(of));
                            format!("{done} of {of} events {}, {left} left", described())
                        }
                    };
                    // Progress that nobody can read any more is no reason to stop.
                    let _ = writeln!(anstream::stderr(), "{line}");
                }
            }
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Form::Bar(bar) = &self.form {
            bar.finish_and_clear();
        }
    }
}

fn bar(of: Option<u64>) -> ProgressBar {
    let (bar, template) = match of {
        Some(of) => {
            (ProgressBar::new(of), "{wide_bar} {percent:>3} %  {human_pos} {msg}  {eta} left")
        }
        None => (ProgressBar::new_spinner(), "{spinner} {human_pos} {msg}"),
    };
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
