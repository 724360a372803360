//! Speaks with a server: JSON over HTTP, one request at a time.

mod asking;
mod behind;
mod fault;
mod lines;
mod live;
mod pages;
mod path;
mod problem;
mod unwritten;
mod writing;

use std::{
    cell::RefCell,
    io::{BufReader, Read},
    time::Duration,
};

use serde_json::Value;
use ureq::http::{HeaderMap, Method, Request, Response, request::Builder};

pub(crate) use self::{
    behind::Lacking,
    lines::Unsent,
    live::Live,
    pages::Pages,
    path::{Path, deployment_path, lane_path, path},
    unwritten::{Cause, Unwritten, is_of_one_stream},
};
use self::{
    behind::Warned,
    fault::{Lost, reason},
};
use crate::{
    actor::Actor,
    exit::{Exit, Failure},
};

/// The most bytes that one answer may have.
const MAX_ANSWER_BYTES: u64 = 1 << 30;

/// How long the live stream may be silent: the server says something every 15 seconds.
const MAX_SILENCE: Duration = Duration::from_secs(40);

/// What the server answered to a request that it took.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The body, as JSON.
    pub(crate) body: Value,
    /// The stream's version, to be claimed by a later write.
    pub(crate) etag: Option<String>,
    /// Whether it is the answer to an earlier request under the same key.
    pub(crate) is_replayed: bool,
    /// What it lacks.
    pub(crate) lacking: Lacking,
}

/// A request that changes something.
pub(crate) struct Write<'a> {
    /// `POST` or `PUT`.
    pub(crate) method: Method,
    /// Where to.
    pub(crate) path: &'a Path,
    /// What is asked for.
    pub(crate) body: &'a Value,
    /// The promise that a repetition is the same request.
    pub(crate) key: &'a str,
    /// Who asks, where the body does not say it.
    pub(crate) actor: Option<&'a Actor>,
    /// The version that the request was made for.
    pub(crate) if_match: Option<&'a str>,
}

/// A server, and how to speak with it.
pub(crate) struct Client {
    agent: ureq::Agent,
    server: String,
    token: Option<String>,
    timeout: Duration,
    /// How far the log was at this client's last write: later reads wait for that.
    position: RefCell<Option<String>>,
    /// What was said of answers that lack something.
    warned: Warned,
}

impl Client {
    /// Makes a client; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// If the token cannot be one.
    pub(crate) fn new(
        server: &str,
        token: Option<&str>,
        timeout: Duration,
    ) -> Result<Self, Failure> {
        let token = token.map(str::trim).filter(|token| !token.is_empty());
        if token.is_some_and(|token| !token.bytes().all(|byte| byte.is_ascii_graphic())) {
            return Err(Failure::usage("the token holds characters that no token has"));
        }
        let mut config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .user_agent(concat!("shiplog/", env!("CARGO_PKG_VERSION")));
        if is_loopback(server) {
            config = config.proxy(None);
        }
        Ok(Self {
            agent: config.build().new_agent(),
            server: server.into(),
            token: token.map(ToOwned::to_owned),
            timeout,
            position: RefCell::new(None),
            warned: Warned::default(),
        })
    }

    /// Reads something, and warns if it is behind.
    pub(crate) fn get(&self, path: &Path) -> Result<Answer, Failure> {
        let answer = self.look(path).map_err(|unanswered| unanswered.failure)?;
        self.warn(answer.lacking);
        Ok(answer)
    }

    /// From here on, reads tell of at least what is recorded now, or fail.
    pub(crate) fn level(&self) -> Result<(), Failure> {
        let request = self.request(Method::GET, &path(&["v1", "events"]).with("limit", "1"));
        let response = self.run(request, None).map_err(|lost| self.unreachable(&lost.error))?;
        self.remember(response.headers());
        self.read(response, None).map(drop)
    }

    /// Reads a text as the server writes it.
    pub(crate) fn get_text(&self, path: &Path) -> Result<String, Failure> {
        let request = self.at_least(self.request(Method::GET, path));
        let response = self.run(request, None).map_err(|lost| self.unreachable(&lost.error))?;
        if !response.status().is_success() {
            return Err(self.refusal(response, None));
        }
        self.warn(Lacking::of(response.headers()));
        self.text(response)
    }

    /// Follows the log from after a position, or from now on.
    pub(crate) fn live(&self, after: Option<&str>) -> Result<Live, Failure> {
        let mut request = self
            .request(Method::GET, &path(&["v1", "events", "live"]))
            .header("Accept", "text/event-stream");
        if let Some(position) = after {
            request = request.header("Last-Event-ID", position);
        }
        self.stream(request, ())
    }

    /// Asks for something that takes long, and follows what the server says of it meanwhile.
    pub(crate) fn follow(&self, path: &Path, body: &Value) -> Result<Live, Failure> {
        let request = self
            .request(Method::POST, path)
            .header("Accept", "text/event-stream")
            .header("Content-Type", "application/json");
        self.stream(request, body.to_string())
    }

    fn stream(&self, request: Builder, body: impl ureq::AsSendBody) -> Result<Live, Failure> {
        let request = request.body(body).map_err(|error| self.unreachable(&error.into()))?;
        let request = self.agent.configure_request(request);
        let request = request
            .timeout_connect(Some(self.timeout))
            .timeout_recv_response(Some(self.timeout))
            .timeout_per_read(Some(MAX_SILENCE))
            .build();
        let response = self.agent.run(request).map_err(|error| self.unreachable(&error))?;
        if !response.status().is_success() {
            return Err(self.refusal(response, None));
        }
        Ok(Live::new(Box::new(BufReader::new(response.into_body().into_reader()))))
    }

    /// Reads a list page by page.
    pub(crate) fn pages(&self, path: Path, limit: Option<u64>) -> Pages<'_> {
        Pages::new(self, path, limit)
    }

    /// Reads the log page by page, after a position.
    pub(crate) fn events(&self, after: Option<String>, limit: Option<u64>) -> Pages<'_> {
        self.pages(path(&["v1", "events"]), limit).after(after)
    }

    /// Reads the first page of a list.
    pub(crate) fn items(&self, path: &Path) -> Result<Vec<Value>, Failure> {
        let mut body = self.get(path)?.body;
        match body.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => Ok(items),
            Some(_) | None => Err(self.not_shiplog()),
        }
    }

    fn request(&self, method: Method, path: &Path) -> Builder {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.server));
        match &self.token {
            Some(token) => request.header("Authorization", format!("Bearer {token}")),
            None => request,
        }
    }

    fn at_least(&self, request: Builder) -> Builder {
        match &*self.position.borrow() {
            Some(position) => request.header("Shiplog-At-Least", position.as_str()),
            None => request,
        }
    }

    fn remember(&self, headers: &HeaderMap) {
        if let Some(position) = text_of(headers, "Shiplog-Position") {
            *self.position.borrow_mut() = Some(position);
        }
    }

    fn run(&self, request: Builder, body: Option<Vec<u8>>) -> Result<Response<ureq::Body>, Lost> {
        let sent = match body {
            Some(body) => request.body(body).map_err(ureq::Error::from).and_then(|request| {
                let request = self.agent.configure_request(request);
                self.agent.run(request.timeout_global(Some(self.timeout)).build())
            }),
            None => request.body(()).map_err(ureq::Error::from).and_then(|request| {
                let request = self.agent.configure_request(request);
                self.agent.run(request.timeout_global(Some(self.timeout)).build())
            }),
        };
        sent.map_err(Lost::from)
    }

    fn read(&self, response: Response<ureq::Body>, key: Option<&str>) -> Result<Answer, Failure> {
        if !response.status().is_success() {
            return Err(self.refusal(response, key));
        }
        let etag = text_of(response.headers(), "ETag");
        let is_replayed = text_of(response.headers(), "Idempotency-Replayed").is_some();
        let lacking = Lacking::of(response.headers());
        let text = self.text(response)?;
        if text.is_empty() {
            return Ok(Answer { body: Value::Null, etag, is_replayed, lacking });
        }
        match serde_json::from_str(&text) {
            Ok(body) => Ok(Answer { body, etag, is_replayed, lacking }),
            Err(_) => Err(self.not_shiplog()),
        }
    }

    fn text(&self, response: Response<ureq::Body>) -> Result<String, Failure> {
        let mut text = String::new();
        let reader = response.into_body().into_with_config().limit(MAX_ANSWER_BYTES).reader();
        match { reader }.read_to_string(&mut text) {
            Ok(_) => Ok(text),
            Err(error) => Err(self.unreachable(&error.into())),
        }
    }

    fn refusal(&self, response: Response<ureq::Body>, key: Option<&str>) -> Failure {
        self.explained(response, key).0
    }

    /// What the server's no means, and the code of the rule, if it names one.
    fn explained(
        &self,
        response: Response<ureq::Body>,
        key: Option<&str>,
    ) -> (Failure, Option<String>) {
        let status = response.status().as_u16();
        let wait = retry_after(response.headers());
        let text = self.text(response).unwrap_or_default();
        match serde_json::from_str::<problem::Problem>(&text) {
            Ok(problem) => {
                let code = problem.code().map(ToOwned::to_owned);
                (problem.into_failure(status, wait, key), code)
            }
            Err(_) => (problem::unexplained(&self.server, status), None),
        }
    }

    fn unreachable(&self, error: &ureq::Error) -> Failure {
        let message = format!("cannot reach the server at {}: {}", self.server, reason(error));
        Failure::new(Exit::Unavailable, message)
            .note("start one with `shiplog serve`, or name another with --server or SHIPLOG_SERVER")
    }

    fn not_shiplog(&self) -> Failure {
        let message = format!("the server at {} did not answer as Shiplog does", self.server);
        Failure::new(Exit::Failure, message).note("see that --server or SHIPLOG_SERVER names one")
    }
}

fn is_loopback(server: &str) -> bool {
    let host = server.split("://").nth(1).unwrap_or_default();
    let host = host.split('/').next().unwrap_or_default();
    host == "localhost"
        || host.starts_with("localhost:")
        || host.starts_with("127.")
        || host.starts_with("[::1]")
}

fn text_of(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(ToOwned::to_owned)
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    text_of(headers, "Retry-After")?.parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_passed_by_on_the_way_to_this_machine() {
        for server in ["http://127.0.0.1:7420", "http://localhost", "http://[::1]:7420/base"] {
            assert!(is_loopback(server), "{server}");
        }
        assert!(!is_loopback("https://localhost.example"));
    }

    #[test]
    fn a_token_is_trimmed_and_checked() {
        let client = |token| Client::new("http://localhost", Some(token), Duration::from_secs(1));
        assert_eq!(client("  secret\n").unwrap().token.as_deref(), Some("secret"));
        assert_eq!(client("\n").unwrap().token, None);
        assert!(client("two words").is_err());
    }
}
