//! The import itself: lines in, batches out, answers counted.

use std::collections::HashSet;

use anyhow::ensure;

use super::{
    change::{Change, Fingerprint},
    clamp::Clamp,
    lines::{Line, Lines},
    report::report,
    summary::Summary,
    target::{Answer, Target},
};
use crate::progress::Progress;

/// How many lines are sent at once.
const BATCH_LINES: usize = 1_000;

/// After how many bytes no more lines are added to a batch: a server takes 16 MiB.
const BATCH_BYTES: usize = 8 << 20;

/// An import under way.
pub(super) struct Work<'a> {
    target: &'a mut dyn Target,
    progress: &'a Progress,
    clamp: Clamp,
    /// What the file said already: the same again is no second change.
    seen: HashSet<Fingerprint>,
    batch: Vec<(u64, Change)>,
    reports: Vec<String>,
    report_bytes: usize,
    summary: Summary,
}

impl<'a> Work<'a> {
    /// Nothing is read or sent yet.
    pub(super) fn new(target: &'a mut dyn Target, progress: &'a Progress) -> Self {
        Self {
            target,
            progress,
            clamp: Clamp::default(),
            seen: HashSet::new(),
            batch: Vec::new(),
            reports: Vec::new(),
            report_bytes: 0,
            summary: Summary::default(),
        }
    }

    /// Sends all lines; what was read before an error is sent too.
    pub(super) fn run(&mut self, mut lines: Lines) -> anyhow::Result<()> {
        loop {
            let line = match lines.next() {
                Ok(Some(line)) => line,
                Ok(None) => return self.send(lines.bytes()),
                Err(error) => {
                    self.send(lines.bytes())?;
                    return Err(error);
                }
            };
            self.take(line)?;
            if self.batch.len() >= BATCH_LINES || self.report_bytes >= BATCH_BYTES {
                self.send(lines.bytes())?;
            }
        }
    }

    /// What came of it so far.
    pub(super) fn into_summary(self) -> Summary {
        self.summary
    }

    fn take(&mut self, Line { number, text }: Line) -> anyhow::Result<()> {
        self.summary.lines += 1;
        let read = text.ok_or_else(|| "the line is longer than 1 MiB".to_owned());
        let change = match read.and_then(|text| Change::read(&text)) {
            Ok(change) => change,
            Err(why) => {
                self.summary.skip(number, why);
                return Ok(());
            }
        };
        let fingerprint = change.fingerprint()?;
        if !self.seen.insert(fingerprint) {
            self.summary.known += 1;
            return Ok(());
        }
        let at = self.clamp.settle(&change.service, &change.environment, change.time);
        self.summary.clamped += u64::from(at != change.time);
        let report = report(&change, at, &fingerprint)?;
        self.report_bytes += report.len();
        self.reports.push(report);
        self.batch.push((number, change));
        Ok(())
    }

    fn send(&mut self, bytes: u64) -> anyhow::Result<()> {
        if !self.batch.is_empty() {
            let answers = self.target.send(&self.reports)?;
            let (sent, answered) = (self.batch.len(), answers.len());
            ensure!(sent == answered, "{sent} lines were sent and {answered} answered");
            for ((number, change), answer) in self.batch.drain(..).zip(answers) {
                match answer {
                    Answer::Recorded => self.summary.recorded(&change),
                    Answer::Known => self.summary.known(&change),
                    Answer::Refused { problem } => self.summary.refuse(number, problem),
                }
            }
            self.reports.clear();
            self.report_bytes = 0;
        }
        self.progress.reach(bytes, self.summary.lines, "lines");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::{Value, json};

    use super::*;
    use crate::import::target::Problem;

    /// Remembers keys, as a log does.
    #[derive(Default)]
    struct Memory {
        keys: HashSet<String>,
        batches: Vec<usize>,
    }

    impl Target for Memory {
        fn send(&mut self, lines: &[String]) -> anyhow::Result<Vec<Answer>> {
            self.batches.push(lines.len());
            let answers = lines.iter().map(|line| {
                let line: Value = serde_json::from_str(line)?;
                let key = line["idempotency_key"].as_str().unwrap_or_default().to_owned();
                Ok(match (line["service"] == "refused", self.keys.insert(key)) {
                    (true, _) => {
                        let problem = Problem { status: 409, detail: "not this one".into() };
                        Answer::Refused { problem }
                    }
                    (false, true) => Answer::Recorded,
                    (false, false) => Answer::Known,
                })
            });
            answers.collect()
        }
    }

    fn line(service: &str, version: u32, minute: u32) -> String {
        let line = json!({
            "time": format!("2026-01-01T{:02}:{:02}:00Z", minute / 60, minute % 60), "actor": "ann",
            "environment": "production", "service": service, "version": format!("v{version}")
        });
        line.to_string()
    }

    fn import(target: &mut Memory, text: &str) -> Summary {
        let directory = std::env::temp_dir().join(format!("shiplog-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let file = directory.join(format!("{:p}.jsonl", text.as_ptr()));
        fs::write(&file, text).unwrap();
        let lines = Lines::open(&file).unwrap();
        fs::remove_file(&file).unwrap();
        let progress = Progress::new(None, true);
        let mut work = Work::new(target, &progress);
        work.run(lines).unwrap();
        work.into_summary()
    }

    #[test]
    fn a_second_import_finds_everything_known_and_counts_the_same_kinds() {
        let text: String = (0..1_200).map(|number| line("a", number, number) + "\n").collect();
        let mut target = Memory::default();
        let first = import(&mut target, &text);
        let second = import(&mut target, &text);
        assert_eq!(target.batches, [1_000, 200, 1_000, 200]);
        assert_eq!((first.lines, first.recorded, first.known), (1_200, 1_200, 0));
        assert_eq!((second.recorded, second.known), (0, 1_200));
        assert_eq!(first.kinds(), second.kinds());
    }

    #[test]
    fn a_line_that_is_there_twice_is_one_change() {
        let text = [line("a", 1, 1), line("a", 2, 2), line("a", 1, 1)].join("\n");
        let summary = import(&mut Memory::default(), &text);
        assert_eq!((summary.recorded, summary.known, summary.clamped), (2, 1, 0));
        assert_eq!(summary.kinds().rollback, 0);
    }

    #[test]
    fn what_is_skipped_and_refused_is_listed_with_its_line() {
        let text = ["{".to_owned(), line("refused", 1, 1), line("a", 1, 1)].join("\n\n");
        let summary = import(&mut Memory::default(), &text);
        assert_eq!((summary.lines, summary.recorded), (3, 1));
        let skipped: Vec<_> = summary.skipped().iter().map(|skip| skip.line).collect();
        assert_eq!(skipped, [1, 3]);
    }

    #[test]
    fn a_time_that_goes_backwards_is_counted() {
        let text = [line("a", 1, 5), line("a", 2, 3), line("b", 1, 1)].join("\n");
        assert_eq!(import(&mut Memory::default(), &text).clamped, 1);
    }
}
