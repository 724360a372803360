//! A call of the command, written as one types it, and what came of it.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use super::stable::stable;
use crate::support::{Client, Server};

/// The command in surroundings that say nothing: no variable, no file, no pipeline's run.
pub(super) fn shiplog(words: &str, directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shiplog"));
    command
        .env_clear()
        .env("XDG_CONFIG_HOME", directory.join("none"))
        .env("TMPDIR", directory)
        .env("SHIPLOG_TZ", "utc")
        .env("SHIPLOG_LOG", "error,tower_http=off")
        .env("SHIPLOG_ACTOR", "person:ann")
        .current_dir(directory)
        .stdin(Stdio::null())
        .args(split(words));
    command
}

/// Divides a line into words; single quotes keep one together.
fn split(line: &str) -> Vec<String> {
    let (mut words, mut word, mut is_quoted) = (Vec::new(), None::<String>, false);
    for character in line.chars() {
        match character {
            '\'' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            ' ' if !is_quoted => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    assert!(!is_quoted, "a quote is open in {line}");
    words.extend(word);
    words
}

/// What a call came to.
#[derive(Debug)]
pub(super) struct Said {
    /// The exit code.
    pub(super) code: i32,
    /// Standard output.
    pub(super) out: String,
    /// Standard error.
    pub(super) err: String,
}

impl Said {
    /// Runs a command to its end.
    pub(super) fn by(command: &mut Command) -> Self {
        command.output().unwrap().into()
    }

    /// Runs a command that is given something to read.
    pub(super) fn by_feeding(command: &mut Command, input: &[u8]) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        child.wait_with_output().unwrap().into()
    }

    /// Itself, if it ended with this code; the test fails otherwise.
    #[track_caller]
    pub(super) fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// Itself, if it ended so, said nothing on standard output, and all this on standard error.
    #[track_caller]
    pub(super) fn tells(self, code: i32, parts: &[&str]) -> Self {
        let said = self.ends(code);
        assert_eq!(said.out, "", "an error is no result: {said:#?}");
        for part in parts {
            assert!(said.err.contains(part), "`{part}` is missing: {}", said.err);
        }
        said
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// Standard output as JSON lines.
    #[track_caller]
    pub(super) fn lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        // Whoever died by a signal has no code.
        let code = output.status.code().unwrap();
        Self { code, out: text(output.stdout), err: text(output.stderr) }
    }
}

/// A directory to call the command in.
#[derive(Debug)]
pub(super) struct Desk(TempDir);

impl Desk {
    /// An empty one.
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Where something in it is or will be.
    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// A call from here; `data` is the usual name of its data directory.
    pub(super) fn command(&self, words: &str) -> Command {
        shiplog(words, self.path())
    }

    /// What a call from here comes to.
    pub(super) fn call(&self, words: &str) -> Said {
        Said::by(&mut self.command(words))
    }
}

/// A server that keeps `data` in a directory, and whoever sits beside it.
pub(super) struct Shop {
    // First, so that it ends before its directory goes.
    server: Server,
    client: Client,
    pub(super) desk: Desk,
}

impl Shop {
    /// One with an empty log.
    pub(super) fn open() -> Self {
        Self::open_in(Desk::new())
    }

    /// One with the log that is there.
    pub(super) fn open_in(desk: Desk) -> Self {
        Self::open_with(desk, "")
    }

    /// One with the log that is there, where an earlier one was.
    pub(super) fn open_at(desk: Desk, address: &str) -> Self {
        Self::run(desk, &format!("serve --data data --listen {address}"))
    }

    /// One with the log that is there, and with more arguments.
    pub(super) fn open_with(desk: Desk, more: &str) -> Self {
        Self::run(desk, &format!("serve --data data --listen 127.0.0.1:0 {more}"))
    }

    fn run(desk: Desk, words: &str) -> Self {
        let mut command = desk.command(words);
        let server = Server::run(&mut command);
        Self { client: server.client(), server, desk }
    }

    /// Where the server listens.
    pub(super) fn url(&self) -> &str {
        self.server.url()
    }

    /// Where the server listens, without the scheme.
    pub(super) fn address(&self) -> &str {
        self.server.address()
    }

    /// Returns when everything that can be asked tells of everything that is recorded.
    fn level(&self) {
        let position = self.client.position();
        for list in ["environments", "deployments", "rollbacks", "releases"] {
            self.client.get_at(&format!("/v1/{list}"), &position);
        }
    }

    /// Reports by HTTP what no command reports: `path` is what follows `/v1/`.
    #[track_caller]
    pub(super) fn records(&self, path: &str, body: &Value) {
        let (path, body) = (format!("/v1/{path}"), body.to_string());
        let kind = [("Content-Type", "application/json")];
        let answer = self.client.send("POST", &path, &kind, body.as_bytes());
        assert!((200..300).contains(&answer.status), "{path}: {}", answer.text());
    }

    /// Ends the server as an operator would; what it kept stays.
    pub(super) fn close(self) -> Desk {
        let Self { server, client: _, desk } = self;
        assert!(server.stop().success());
        desk
    }

    /// Ends the server as a power cut would; what it kept stays.
    pub(super) fn kill(self) -> Desk {
        self.level();
        let Self { server, client: _, desk } = self;
        server.kill();
        desk
    }

    /// A call that asks this server, and finds there what was recorded before.
    pub(super) fn command(&self, words: &str) -> Command {
        self.level();
        let mut command = self.desk.command(words);
        command.env("SHIPLOG_SERVER", self.url());
        command
    }

    /// What a call comes to.
    pub(super) fn call(&self, words: &str) -> Said {
        Said::by(&mut self.command(words))
    }

    /// What calls write that end as they should, one a line.
    #[track_caller]
    pub(super) fn does(&self, lines: &str) {
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            self.call(line).ends(0);
        }
    }

    /// What somebody at a terminal would see of these calls, without what differs every time.
    ///
    /// What is on standard error has a bar before it.
    pub(super) fn transcript(&self, lines: &str) -> String {
        let mut seen = String::new();
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let Said { code, out, err } = self.call(line);
            let err = err.lines().fold(String::new(), |seen, line| seen + "| " + line + "\n");
            let end = if code == 0 { String::new() } else { format!("exit code {code}\n") };
            seen += &["$ shiplog ", line, "\n", &stable(&out), &stable(&err), &end, "\n"].concat();
        }
        seen.replace(self.url(), "<server>")
    }
}
