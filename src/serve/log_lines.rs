//! The server's log on standard error: one line for each event, whatever is in its fields.

use std::io::{self, Write};

use shiplog_domain::text::escaped;

/// Writes events of the log, each given whole, as one line.
///
/// Names, reasons, errors of scripts and of other servers are in it, and come from outside: what would
/// end a line, or change how a terminal shows it, is written as an escape (`\n`, `\u{1b}`).
#[derive(Debug)]
pub(super) struct LogLines<W>(pub(super) W);

impl<W: Write> Write for LogLines<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        // In one piece, so that no two events stand in one line.
        self.0.write_all(format!("{}\n", escaped(text)).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Written {
        type Writer = LogLines<Self>;

        fn make_writer(&self) -> Self::Writer {
            LogLines(self.clone())
        }
    }

    #[test]
    fn no_field_of_an_event_writes_a_line_of_its_own() {
        let written = Written::default();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(written.clone());
        let forged = "x\r\n2026-11-30T00:00:00Z ERROR forged\u{1b}[31m\u{202e}\u{2028}";
        tracing::subscriber::with_default(subscriber.finish(), || {
            tracing::warn!(name = %forged, debug = ?forged, text = forged, "said: {forged}");
            tracing::warn!("{forged}");
        });
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.ends_with('\n') && text.contains(r"x\r\n2026-11-30T00:00:00Z"), "{text}");
        let raw = |one: char| one != '\n' && (one.is_control() || "\u{202e}\u{2028}".contains(one));
        assert!(!text.contains(raw), "{text:?}");
    }
}
