//! A real server, and a client that can say anything to it, right or wrong.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::support;

/// How long an answer may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server, which ends with the test.
pub(crate) struct Server {
    process: support::Server,
    data: PathBuf,
    /// Deleted with the server if it has a directory of its own.
    directory: Option<TempDir>,
}

impl Server {
    /// Starts on an empty directory of its own.
    pub(crate) fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let started = Self::on(&directory.path().join("data"));
        Self { directory: Some(directory), ..started }
    }

    /// Starts on this data directory, and waits until it listens.
    pub(crate) fn on(data: &Path) -> Self {
        Self { process: support::Server::start(data), data: data.into(), directory: None }
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> &str {
        self.process.url()
    }

    /// Begins a request.
    pub(crate) fn ask(&self, method: &str, path: &str) -> Ask<'_> {
        let line = format!("{method} {path}");
        let hosts = vec![self.process.address().to_owned()];
        Ask { server: self, line, hosts, headers: Vec::new(), body: None }
    }

    /// Reads something that is there, at least as new as all that was written.
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Value {
        self.ask("GET", path).header("Shiplog-At-Least", self.position()).send().expect(200).json()
    }

    /// Records something that is not refused, and answers with what it has become.
    #[track_caller]
    pub(crate) fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.ask("POST", path).json(body).send();
        assert!(matches!(answer.status, 200 | 201), "{path} {body}: {answer:?}");
        answer.json()
    }

    /// How far the log is, as a consistency token.
    pub(crate) fn position(&self) -> String {
        self.ask("GET", "/v1/events?limit=1").send().expect(200).header("shiplog-position").into()
    }

    /// Ends it as an operator would, and starts it on what it left.
    pub(crate) fn restart(self) -> Self {
        let Self { process, data, directory } = self;
        assert!(process.stop().success());
        Self { directory, ..Self::on(&data) }
    }

    /// Has something done to its data directory while it is down.
    pub(crate) fn meanwhile(self, act: impl FnOnce(&Path)) -> Self {
        let Self { process, data, directory } = self;
        assert!(process.stop().success());
        act(&data);
        Self { directory, ..Self::on(&data) }
    }

    /// Asks it to stop.
    pub(crate) fn signal(&self) {
        let id = self.process.id().to_string();
        support::succeed(Command::new("kill").args(["-TERM", &id]));
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.process.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }
}

/// A request that is being put together.
pub(crate) struct Ask<'s> {
    server: &'s Server,
    line: String,
    hosts: Vec<String>,
    headers: Vec<u8>,
    body: Option<Vec<u8>>,
}

impl Ask<'_> {
    /// Adds a header, whatever its bytes.
    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.extend([name.as_bytes(), b": ", value.as_ref(), b"\r\n"].concat());
        self
    }

    /// Names these hosts, and not the one that it asks.
    pub(crate) fn host(self, hosts: &[&str]) -> Self {
        Self { hosts: hosts.iter().map(ToString::to_string).collect(), ..self }
    }

    /// Adds a body of JSON.
    pub(crate) fn json(self, body: &Value) -> Self {
        self.header("Content-Type", "application/json").body(body.to_string())
    }

    /// Adds a body.
    pub(crate) fn body(self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: Some(body.into()), ..self }
    }

    /// Sends it and reads the whole answer.
    pub(crate) fn send(self) -> Answer {
        let mut stream = self.server.connect();
        self.write(&mut stream);
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        Answer::read(&bytes)
    }

    /// Sends it and reads the answer line by line, as long as there are any.
    pub(crate) fn follow(self) -> impl Iterator<Item = String> + use<> {
        let mut stream = self.server.connect();
        self.write(&mut stream);
        BufReader::new(stream).lines().map(Result::unwrap)
    }

    /// An answer to HTTP/1.0 is not cut into chunks, and ends with its connection.
    fn write(&self, stream: &mut TcpStream) {
        let Self { line, hosts, headers, body, .. } = self;
        let mut request = format!("{line} HTTP/1.0\r\n").into_bytes();
        for host in hosts {
            request.extend(format!("Host: {host}\r\n").into_bytes());
        }
        request.extend(headers);
        if let Some(body) = body {
            request.extend(format!("Content-Length: {}\r\n", body.len()).into_bytes());
        }
        request.extend(b"\r\n");
        request.extend(body.iter().flatten());
        stream.write_all(&request).unwrap();
    }
}

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) text: String,
}

impl Answer {
    fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head: head.into(), text: body.into() }
    }

    /// The same answer, which has this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// The value of a header, by its name in lower case; empty if it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        let headers = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        let found = headers.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, it)| it);
        found.last().unwrap_or_default()
    }

    /// Whether there is such a header.
    pub(crate) fn has(&self, name: &str) -> bool {
        !self.header(name).is_empty()
    }

    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let parsed = serde_json::from_str(&self.text);
        assert!(parsed.is_ok(), "{self:?}");
        parsed.unwrap()
    }

    /// The body as the problem that it has to be, with this status and code.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], status, "{self:?}");
        assert_eq!(problem["code"], code, "{self:?}");
        assert_eq!(problem["request_id"], self.header("x-request-id"), "{self:?}");
        let slug = problem["type"].as_str().unwrap().strip_prefix("/problems/");
        assert!(slug.is_some() && problem["title"].is_string(), "{self:?}");
        assert!(problem["detail"].is_string() && problem["errors"].is_array(), "{self:?}");
        if status == 503 {
            assert!(!self.header("retry-after").is_empty(), "{self:?}");
        }
        problem
    }
}
