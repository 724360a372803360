//! A directory with scripts in it, a server that comes and goes, and whoever runs the scripts.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Client, Server, shiplog, shiplog_of, succeed};

/// The directory, and the server that keeps `data` in it.
pub(super) struct Yard {
    server: Option<Server>,
    address: String,
    home: TempDir,
}

/// What a command came to.
#[derive(Debug)]
pub(super) struct Came {
    pub(super) code: i32,
    pub(super) out: String,
    pub(super) err: String,
}

impl Yard {
    /// With a server whose log is empty.
    pub(super) fn open() -> Self {
        let home = tempfile::tempdir().unwrap();
        let server = Server::start(&home.path().join("data"));
        Self { address: server.address().to_owned(), server: Some(server), home }
    }

    /// Kills the server, as a power cut would.
    pub(super) fn away(&mut self) {
        self.server.take().unwrap().kill();
    }

    /// Starts it again where it was.
    pub(super) fn back(&mut self) {
        self.server = Some(Server::start_at(&self.path("data"), &self.address));
    }

    /// Where something in it is.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// What a file in it holds; nothing if there is none.
    pub(super) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Writes a program for `/bin/sh`.
    ///
    /// By a process of its own: a file that this one had open to write might not be run yet, because
    /// a child that another test starts has it open too.
    pub(super) fn script(&self, name: &str, body: &str) {
        let mut writer = Command::new("sh")
            .args(["-c", "cat > \"$0\" && chmod +x \"$0\""])
            .arg(self.path(name))
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let text = format!("#!/bin/sh\n{body}\n");
        writer.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        assert!(writer.wait().unwrap().success());
    }

    /// A pipe with a name: who reads from it waits for who writes.
    pub(super) fn pipe(&self, name: &str) {
        succeed(Command::new("mkfifo").arg(self.path(name)));
    }

    /// Lets a script go on that reads from a pipe.
    pub(super) fn release(&self, pipe: &str) {
        fs::write(self.path(pipe), "go\n").unwrap();
    }

    /// The command line in this directory, for this server.
    pub(super) fn command(&self, words: &[&str]) -> Command {
        self.prepare(shiplog(), words)
    }

    /// The same, where signals do what they do by default: under nohup, which has SIGHUP ignored by all
    /// that is started from there, `shiplog` ignores it as well.
    pub(super) fn heeding(&self, words: &[&str]) -> Command {
        let mut heeding = shiplog_of("env");
        heeding.args(["--default-signal=TERM,INT,HUP", env!("CARGO_BIN_EXE_shiplog")]);
        self.prepare(heeding, words)
    }

    fn prepare(&self, mut command: Command, words: &[&str]) -> Command {
        command
            .args(words)
            .current_dir(self.home.path())
            .env("XDG_STATE_HOME", self.path("state"))
            .env("SHIPLOG_SERVER", format!("http://{}", self.address))
            .env("SHIPLOG_ACTOR", "person:ann");
        command
    }

    /// `shiplog run` of a version of `checkout` in production.
    pub(super) fn run(&self, version: &str, words: &[&str]) -> Command {
        let mut command = self.command(&["run", "--service", "checkout"]);
        command.args(["--environment", "production", "--version", version]).args(words);
        command
    }

    /// `shiplog agent` in production.
    pub(super) fn agent(&self, words: &[&str]) -> Command {
        let mut command = self.command(&["agent", "--environment", "production"]);
        command.args(words);
        command
    }

    /// Does what one types, words divided by blanks, and gives back what it wrote.
    pub(super) fn does(&self, line: &str) -> String {
        let words: Vec<_> = line.split(' ').collect();
        came(&mut self.command(&words)).ends(0).out
    }

    /// A deployment as it is now.
    pub(super) fn deployment(&self, name: &str) -> Value {
        self.get(&format!("/v1/deployments/{name}"))
    }

    /// The types of a deployment's events, in their order.
    pub(super) fn events(&self, name: &str) -> Vec<String> {
        let events = self.get(&format!("/v1/deployments/{name}/events"));
        let kind = |event: &Value| event["type"].as_str().unwrap().to_owned();
        events["items"].as_array().unwrap().iter().map(kind).collect()
    }

    /// How many deployments there are.
    pub(super) fn count(&self) -> usize {
        self.get("/v1/deployments?limit=1000")["items"].as_array().unwrap().len()
    }

    /// Reads what is at least as new as everything that is recorded.
    pub(super) fn get(&self, path: &str) -> Value {
        let client = Client::new(&format!("http://{}", self.address));
        client.get_at(path, &client.position())
    }

    /// Tells the server something.
    pub(super) fn post(&self, path: &str, body: &str) {
        let client = Client::new(&format!("http://{}", self.address));
        let headers = [("Content-Type", "application/json")];
        let answer = client.send("POST", path, &headers, body.as_bytes());
        assert!((200..300).contains(&answer.status), "{}", answer.text());
    }

    /// Where the server listens.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Every journal that is kept.
    pub(super) fn journals(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        find(&self.path("state"), &mut found);
        found
    }
}

fn find(directory: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            find(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "jsonl") {
            found.push(path);
        }
    }
}

/// Runs a command to its end.
pub(super) fn came(command: &mut Command) -> Came {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap();
    Came { code, out: text(output.stdout), err: text(output.stderr) }
}

impl Came {
    /// Itself, if it ended with this code; the test fails otherwise.
    #[track_caller]
    pub(super) fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// Itself, if it said this on standard error.
    #[track_caller]
    pub(super) fn says(self, part: &str) -> Self {
        assert!(self.err.contains(part), "`{part}` is missing: {self:#?}");
        self
    }
}

/// A process that goes on, and does not outlive the test.
pub(super) struct Going {
    child: Child,
    out: BufReader<ChildStdout>,
    err: BufReader<ChildStderr>,
}

impl Going {
    /// Starts it.
    pub(super) fn start(command: &mut Command) -> Self {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let err = BufReader::new(child.stderr.take().unwrap());
        Self { child, out, err }
    }

    /// Waits for a line of its output that holds this.
    #[track_caller]
    pub(super) fn writes(&mut self, part: &str) -> String {
        let mut line = String::new();
        while !line.contains(part) {
            line.clear();
            if self.out.read_line(&mut line).unwrap() == 0 {
                let mut said = String::new();
                self.err.read_to_string(&mut said).unwrap();
                panic!("it never wrote `{part}`, but said: {said}");
            }
        }
        line
    }

    /// Waits for a line on standard error that holds this.
    #[track_caller]
    pub(super) fn says(&mut self, part: &str) {
        let (mut line, mut all) = (String::new(), String::new());
        while !line.contains(part) {
            line.clear();
            assert_ne!(self.err.read_line(&mut line).unwrap(), 0, "no `{part}` in {all}");
            all += &line;
        }
    }

    /// Sends a signal, such as `TERM`.
    pub(super) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        succeed(Command::new("kill").args([&format!("-{name}"), &id]));
    }

    /// Kills it; returns when it is gone.
    pub(super) fn kill(mut self) {
        self.child.kill().unwrap();
        assert_eq!(self.child.wait().unwrap().signal(), Some(9));
    }

    /// Waits for its end; tells how that was, and what it still said.
    pub(super) fn end(mut self) -> (ExitStatus, String) {
        let mut said = String::new();
        self.err.read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap(), said)
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        // Fails only for a child that was waited for.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
