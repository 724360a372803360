//! How far a measurement is: a bar on a terminal, a line now and then elsewhere.

use std::{
    io::{IsTerminal as _, Write as _},
    time::{Duration, Instant},
};

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};

use super::figures::per_second;

/// How often a line is written where there is no terminal.
const INTERVAL: Duration = Duration::from_secs(5);

/// Shows how far something is, on standard error, until it is dropped.
pub(super) struct Progress {
    form: Form,
    what: &'static str,
    of: u64,
    began: Instant,
}

enum Form {
    Nothing,
    Bar(ProgressBar),
    /// When the last line was written.
    Lines(Instant),
}

impl Progress {
    /// `what` is to be done with `of` events: `recorded`.
    pub(super) fn new(what: &'static str, of: u64, is_quiet: bool) -> Self {
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
    pub(super) fn reach(&mut self, done: u64) {
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
                    let left = Duration::from_secs(of.saturating_sub(done) / rate.max(1));
                    let (done, of) = (HumanCount(done), HumanCount(*of));
                    let line = format!(
                        "{done} of {of} events {}, {} left",
                        described(),
                        HumanDuration(left)
                    );
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

fn bar(of: u64) -> ProgressBar {
    let bar = ProgressBar::new(of);
    match ProgressStyle::with_template("{wide_bar} {percent:>3} %  {human_pos} {msg}  {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
