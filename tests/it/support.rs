//! A real server in a child process, and a client that shows its answers as they are.

use std::{
    ffi::OsStr,
    io::{self, BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio},
    time::Duration,
};

use serde_json::Value;
use ureq::{
    Agent, RequestBuilder,
    http::{HeaderMap, Request},
};

/// So long that only what hangs takes longer.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

/// The most bytes that one answer may have.
const MAX_ANSWER_BYTES: u64 = 1 << 30;

/// The `shiplog` command, without anything that the surroundings say to it.
pub(crate) fn shiplog() -> Command {
    shiplog_of(env!("CARGO_BIN_EXE_shiplog"))
}

/// The same of another Shiplog.
pub(crate) fn shiplog_of(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SHIPLOG_")) {
        command.env_remove(name);
    }
    command
        // Where nothing is.
        .env("XDG_CONFIG_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/none"))
        .env("SHIPLOG_LOG", "error,tower_http=off,eventstore=off")
        .env("SHIPLOG_TZ", "utc")
        .stdin(Stdio::null());
    command
}

/// Says something that is read even where the test passes: a figure, or what is missing.
pub(crate) fn say(what: &str) {
    // In one piece: other tests speak too.
    io::stderr().write_all(format!("    {what}\n").as_bytes()).unwrap();
}

/// What a command wrote, which ended as it should; the test fails if it did not.
pub(crate) fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} ended with {}: {said}", output.status);
    output
}

/// What a command said as JSON.
pub(crate) fn ask(command: &mut Command) -> Value {
    serde_json::from_slice(&succeed(command.args(["--output", "json"])).stdout).unwrap()
}

/// A server of its own process, which ends with the test.
pub(crate) struct Server {
    child: Child,
    url: String,
    /// Kept, so that the server has somewhere to write to.
    _stdout: BufReader<ChildStdout>,
}

impl Server {
    /// Starts one on a data directory, at a free port; it listens when this returns.
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_at(data, "127.0.0.1:0")
    }

    /// Starts one at an address.
    pub(crate) fn start_at(data: &Path, address: &str) -> Self {
        Self::run(shiplog().arg("serve").arg("--data").arg(data).args(["--listen", address]))
    }

    /// Starts one by a command that has all its arguments.
    pub(crate) fn run(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let rest = line.strip_prefix("shiplog listens at ");
        let Some((url, _)) = rest.and_then(|rest| rest.split_once(" and keeps")) else {
            // A child without an owner would go on.
            child.kill().unwrap();
            let status = child.wait().unwrap();
            panic!("the server said `{line}` instead of where it listens, and ended: {status}");
        };
        Self { url: url.to_owned(), child, _stdout: stdout }
    }

    /// Where it listens, as `http://127.0.0.1:40123`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Where it listens, as `127.0.0.1:40123`.
    pub(crate) fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    /// A client of its own, with connections that are kept.
    pub(crate) fn client(&self) -> Client {
        Client::new(&self.url)
    }

    /// The process, for what only the operating system can tell or do.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it by SIGKILL, as a power cut would; returns when it is gone.
    pub(crate) fn kill(mut self) {
        self.end();
    }

    /// Ends it by SIGTERM, as an operator would, and tells how it ended.
    pub(crate) fn stop(mut self) -> ExitStatus {
        succeed(Command::new("kill").args(["-TERM", &self.id().to_string()]));
        self.child.wait().unwrap()
    }

    fn end(&mut self) {
        // Fails only for a child that was waited for.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// What the server answered, whatever its status.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header, which has to be there.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.unwrap_or_else(|| panic!("no `{name}` in {self:?}")).to_str().unwrap()
    }

    /// Itself, if its status is the one; the test fails otherwise.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }
}

/// Speaks HTTP with one server; connections are kept and shared by its clones.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    agent: Agent,
    url: String,
}

impl Client {
    /// Nothing is sent yet.
    pub(crate) fn new(url: &str) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(PATIENCE))
            .build();
        Self { agent: config.new_agent(), url: url.to_owned() }
    }

    /// Another client of the same server, with connections of its own.
    pub(crate) fn anew(&self) -> Self {
        Self::new(&self.url)
    }

    /// Reads a path with its query: `/v1/lanes/a/b`.
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], b"")
    }

    /// Sends anything, and fails the test if no answer comes.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        self.try_send(method, path, headers, body)
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// Sends anything; an error is that no whole answer came, of which the cause is told.
    pub(crate) fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, ureq::Error> {
        let url = format!("{}{path}", self.url);
        let response = if method == "DELETE" && !body.is_empty() {
            let request = self.agent.delete(url).force_send_body();
            let add = |request: RequestBuilder<_>, (name, value): &(&str, &str)| {
                request.header(*name, *value)
            };
            headers.iter().fold(request, add).send(body)?
        } else {
            let mut request = Request::builder().method(method).uri(url);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            match method {
                "POST" | "PUT" | "PATCH" => self.agent.run(request.body(body)?)?,
                _ => self.agent.run(request.body(())?)?,
            }
        };
        let (parts, mut body) = response.into_parts();
        let body = body.with_config().limit(MAX_ANSWER_BYTES).read_to_vec()?;
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
    }

    /// Reads an answer line by line as it comes, until the server ends it.
    pub(crate) fn follow(&self, path: &str) -> impl Iterator<Item = String> + use<> {
        let request = Request::builder().uri(format!("{}{path}", self.url)).body(()).unwrap();
        let response = self.agent.run(request).unwrap();
        BufReader::new(response.into_body().into_reader()).lines().map(Result::unwrap)
    }

    /// Where the log is now, for `Shiplog-At-Least`.
    pub(crate) fn position(&self) -> String {
        self.get("/v1/events?limit=1").expect(200).header("Shiplog-Position").to_owned()
    }

    /// Reads what has come at least as far as `position`, however long that takes.
    pub(crate) fn get_at(&self, path: &str, position: &str) -> Value {
        loop {
            let answer = self.send("GET", path, &[("Shiplog-At-Least", position)], b"");
            if answer.status != 503 {
                return answer.expect(200).json();
            }
            // The server has waited for 2 seconds before it says so.
            assert_eq!(answer.json()["code"], "projection-behind", "{}", answer.text());
        }
    }

    /// Reads all pages of a list, each at least as new as `position`.
    pub(crate) fn pages(&self, path: &str, position: &str) -> Vec<Value> {
        let separator = if path.contains('?') { '&' } else { '?' };
        let mut items = Vec::new();
        let mut page = format!("{path}{separator}limit=1000");
        let first = page.clone();
        loop {
            let mut answer = self.get_at(&page, position);
            let Value::Array(more) = answer["items"].take() else { panic!("no items: {answer}") };
            items.extend(more);
            let Some(next) = answer["next"].as_str() else { return items };
            page = format!("{first}&cursor={next}");
        }
    }
}

/// Numbers that look random and are the same in every run: `SplitMix64`.
#[derive(Clone, Debug)]
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    /// The next one.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One that is less than `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// Puts a list into an order of chance.
    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        for end in (1..list.len()).rev() {
            let other = self.below(end as u64 + 1);
            list.swap(end, usize::try_from(other).unwrap());
        }
    }
}

/// Percent-encodes a segment of a path, or a value in a query.
pub(crate) fn encode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
