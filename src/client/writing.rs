//! Requests that change something.

use serde_json::Value;
use ureq::http::{Method, Response};

use super::{Answer, Cause, Client, Path, Unwritten, Write};
use crate::exit::Failure;

impl Client {
    /// Changes something; who asks may decide by why it came to nothing.
    pub(crate) fn try_write(&self, write: &Write<'_>) -> Result<Answer, Unwritten> {
        let key = Some(write.key);
        let response = self.send(write).map_err(Unwritten::away)?;
        self.remember(response.headers());
        let status = response.status();
        if status.is_success() {
            return self.read(response, key).map_err(Unwritten::unread);
        }
        let (failure, code) = self.explained(response, key);
        Err(Unwritten { failure, cause: Cause::of(status.as_u16(), code.as_deref()) })
    }

    /// Has the server do something that is not recorded, and that may be asked for again.
    pub(crate) fn steer(
        &self,
        method: Method,
        path: &Path,
        body: Option<&Value>,
    ) -> Result<Answer, Failure> {
        let request = self.request(method, path).header("Content-Type", "application/json");
        let body = body.map(|body| body.to_string().into_bytes());
        let response = self.run(request, body).map_err(|lost| self.unreachable(&lost.error))?;
        self.read(response, None)
    }

    fn send(&self, write: &Write<'_>) -> Result<Response<ureq::Body>, Failure> {
        let Write { method, path, body, key, actor, if_match } = write;
        let mut request = self
            .request(method.clone(), path)
            .header("Content-Type", "application/json")
            .header("Idempotency-Key", key.as_bytes());
        if let Some(actor) = actor {
            request = request.header("Shiplog-Actor", actor.to_string().as_bytes());
        }
        if let Some(version) = if_match {
            request = request.header("If-Match", *version);
        }
        let body = body.to_string().into_bytes();
        self.run(request, Some(body)).map_err(|lost| {
            let failure = self.unreachable(&lost.error);
            if lost.is_certain {
                return failure;
            }
            failure
                .note("whether it was recorded is unknown; doing it again is harmless with:")
                .note(format!("  --idempotency-key {key}"))
        })
    }
}
