//! Every way to say no, in one table.

mod errors;

use axum::{
    body::Body,
    http::{
        HeaderValue, StatusCode,
        header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use self::errors::internal;

/// What a problem's body is.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $status:ident, $slug:literal, $title:literal, $meaning:literal;)+) => {
        /// A way to say no. Slugs are added, never renamed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ProblemKind {$($(#[$doc])* $kind,)+}

        impl ProblemKind {
            /// Every one of them.
            pub const ALL: &'static [Self] = &[$(Self::$kind),+];

            /// The name for programs, and the last part of the `type`.
            pub fn slug(self) -> &'static str {
                match self {$(Self::$kind => $slug,)+}
            }

            /// The status that goes with it.
            pub fn status(self) -> StatusCode {
                match self {$(Self::$kind => StatusCode::$status,)+}
            }

            /// The name for people.
            pub fn title(self) -> &'static str {
                match self {$(Self::$kind => $title,)+}
            }

            /// What it means, and what to do about it.
            pub fn meaning(self) -> &'static str {
                match self {$(Self::$kind => $meaning,)+}
            }
        }
    };
}

kinds! {
    /// It does not parse.
    Malformed = BAD_REQUEST, "malformed", "The request does not parse",
        "Something in the request is not what it should be. `errors` says what and where: a \
         pointer into the body (`/release/version`), a query parameter (`?limit`), a part of the \
         path (`{number}`) or a header. Nothing was recorded.";
    /// A browser was made to ask by a page from elsewhere.
    OtherOrigin = FORBIDDEN, "other-origin", "Not from another site",
        "A page of another site had a browser send this. What changes something is sent by a page of \
         this server or by a program; what is read, by these or by who follows a link. Behind a \
         proxy, start the server with `--public-url`. Nothing was recorded.";
    /// It names a host that the server does not answer to.
    Misdirected = MISDIRECTED_REQUEST, "misdirected", "Not a host of this server",
        "A server answers to `localhost`, to the address that it listens at, and to the hosts of its \
         `--public-url`; a request names exactly one host. Nothing was recorded.";
    /// There is no such thing.
    NotFound = NOT_FOUND, "not-found", "There is no such thing",
        "Nothing is known under this name, or this server has no such path.";
    /// The path is right and the method is not.
    MethodNotAllowed = METHOD_NOT_ALLOWED, "method-not-allowed", "Not with this method",
        "The path exists, and is asked with the methods that the `Allow` header names.";
    /// The body is too large.
    TooLarge = PAYLOAD_TOO_LARGE, "too-large", "The request is too large",
        "A request takes 1 MiB; a batch takes 16 MiB and 10,000 lines. Nothing was recorded.";
    /// The path and the query are too long.
    TooLong = URI_TOO_LONG, "too-long", "The address is too long",
        "The path and the query of a request have 32 KiB together. Nothing was recorded. Ask for less \
         at once, or put a long search into several.";
    /// The body does not come.
    TooSlow = REQUEST_TIMEOUT, "too-slow", "The request comes in too slowly",
        "A body may take 30 seconds, and one more for each 64 KiB. Nothing was recorded; the same \
         request can be sent again.";
    /// The body is of another kind.
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type",
        "The body is of another kind",
        "Bodies are `application/json`, those of a batch `application/jsonl`; say so in \
         `Content-Type`.";
    /// The rules say no.
    Refused = CONFLICT, "refused", "Refused by the rules",
        "What was asked for contradicts what is recorded; `code` names the rule. Nothing was \
         recorded. Asking again does not help until something else has changed.";
    /// The lane is elsewhere than claimed.
    StaleVersion = PRECONDITION_FAILED, "stale-version", "It has changed meanwhile",
        "The version that `If-Match` claims is not the present one. Nothing was recorded. Look at \
         it again, and ask again with the new version if you still mean it.";
    /// The key stands for another request.
    KeyReused = CONFLICT, "idempotency-key-reused", "The key stands for another request",
        "Another request was recorded under this `Idempotency-Key`, and keys are kept for ever. \
         Nothing was recorded. A new request takes a new key.";
    /// The token is another log's.
    OtherLog = CONFLICT, "other-log", "The token is of another log",
        "`Shiplog-At-Least` holds a token that another log gave out. Drop it and read again.";
    /// Others were faster.
    Contended = SERVICE_UNAVAILABLE, "contended", "Too many at once",
        "Others changed the same thing while this was being decided, five times in a row. Nothing \
         was recorded. The same request can be sent again.";
    /// A question takes more than it may.
    QueryStopped = UNPROCESSABLE_ENTITY, "query-stopped", "The query takes too long",
        "A query may run for 2 seconds, any other read for 10, a replay for 5 minutes. Narrow what it \
         reads, ask what an index finds, or ask for less at once.";
    /// As many questions as may run at once are running.
    Busy = SERVICE_UNAVAILABLE, "busy", "Too much at once",
        "Reads, queries, replays, scripts that are tried and bodies have bounds together, so that they \
         leave the rest of the server alone, and the turn of this one did not come within 2 seconds. The \
         same request can be sent again.";
    /// A read model has not come as far as wanted.
    ProjectionBehind = SERVICE_UNAVAILABLE, "projection-behind", "The read model is behind",
        "A read model has not folded yet what was recorded before the request, or what \
         `Shiplog-At-Least` asks for, so that it cannot say that there is nothing. Ask again \
         shortly; `/readyz` tells how far the read models are.";
    /// A read model's file fails.
    ProjectionUnavailable = SERVICE_UNAVAILABLE, "projection-unavailable",
        "The read model cannot be read",
        "Its file cannot be read now: the disk fails or is full. What is recorded is in the log and \
         is not affected. The same request can be sent again.";
    /// The log cannot be read or written.
    LogUnavailable = SERVICE_UNAVAILABLE, "log-unavailable", "The log is unavailable",
        "Nothing was recorded. The same request can be sent again.";
    /// The clock is not to be believed.
    ClockJumped = SERVICE_UNAVAILABLE, "clock-jumped", "The clock jumped",
        "The server's clock is more than an hour ahead of what it should say by the time that has \
         passed since the start, and what it says would stay in the log for good. Nothing was \
         recorded. When the clock is set right, the same request can be sent again; if it is right, \
         restart the server, which accepts it.";
    /// It may be recorded, or not.
    OutcomeUnknown = SERVICE_UNAVAILABLE, "outcome-unknown", "The outcome is unknown",
        "Writing failed half-way, and nobody knows whether it is recorded. Retry with the same \
         `Idempotency-Key`: that settles it and records it at most once.";
    /// An event of the lane does not fit.
    LaneDamaged = SERVICE_UNAVAILABLE, "lane-damaged", "The lane is damaged",
        "An event in the lane's stream cannot be read, is missing, or was not written by Shiplog, so \
         nothing is decided on what follows it. Nothing was recorded. All other lanes go on. \
         docs/damage.md says how each kind is mended; then the same request can be sent again.";
    /// An event of another stream does not fit.
    StreamDamaged = SERVICE_UNAVAILABLE, "stream-damaged", "A stream is damaged",
        "An event in the stream of this environment, release or projection cannot be read, is missing, \
         or was not written by Shiplog, so nothing is decided on what follows it. Nothing was \
         recorded. All other streams go on. docs/damage.md says how each kind is mended; then the \
         same request can be sent again.";
    /// A newer Shiplog recorded something that this one must not misread.
    NewerNeeded = NOT_IMPLEMENTED, "newer-needed", "A newer Shiplog is needed",
        "A newer Shiplog has recorded something here that this one would misread, so it decides \
         nothing here. Nothing was recorded. Everything else goes on; update this server, or ask \
         one that is newer.";
    /// A mistake of ours, or a damaged log.
    Internal = INTERNAL_SERVER_ERROR, "internal", "Something is wrong here",
        "The cause is in the server's log, under the request id.";
}

/// What is wrong with one part of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Where: `/release/version` in the body, `?limit` in the query, `{number}` in the path, or
    /// a header's name.
    pub pointer: String,
    /// What is wrong there.
    pub detail: String,
}

/// A no, with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which way of saying no.
    pub kind: ProblemKind,
    /// For programs; the kind's slug where nothing closer is known.
    pub code: &'static str,
    /// For the caller, in words.
    pub detail: String,
    /// Where it is wrong.
    pub errors: Vec<FieldError>,
}

/// A problem as it is written.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemShape {
    /// Where it is explained: `/problems/refused`.
    #[serde(rename = "type")]
    problem_type: String,
    /// What it is, in a few words.
    title: &'static str,
    /// The status once more.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What it is, for programs: stable.
    code: &'static str,
    /// What it is this time.
    detail: String,
    /// Where it is wrong.
    errors: Vec<FieldError>,
    /// By which the server's log knows the request.
    request_id: Option<String>,
}

impl ProblemKind {
    /// Says no for this reason.
    pub fn because(self, detail: impl Into<String>) -> Problem {
        Problem { kind: self, code: self.slug(), detail: detail.into(), errors: Vec::new() }
    }

    /// What a bare status stands for.
    pub(crate) fn of(status: StatusCode) -> Self {
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.status() == status)
            .unwrap_or(if status.is_client_error() { Self::Malformed } else { Self::Internal })
    }

    /// Whether a stream cannot be read to its end: what the read models have of it can be told all the same.
    pub(crate) fn is_of_one_stream(self) -> bool {
        matches!(self, Self::LaneDamaged | Self::StreamDamaged | Self::NewerNeeded)
    }

    fn is_worth_another_try(self) -> bool {
        self.status() == StatusCode::SERVICE_UNAVAILABLE
    }
}

impl Problem {
    /// Something that does not parse, and where it is.
    pub(crate) fn at(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        let (pointer, detail) = (pointer.into(), detail.into());
        let said =
            if pointer.is_empty() { detail.clone() } else { format!("`{pointer}`: {detail}") };
        Self {
            errors: vec![FieldError { pointer, detail }],
            ..ProblemKind::Malformed.because(said)
        }
    }

    /// The same under another code.
    pub(crate) fn coded(self, code: &'static str) -> Self {
        Self { code, ..self }
    }

    /// The shape on the wire.
    pub(crate) fn shape(&self, request_id: Option<&str>) -> ProblemShape {
        let Self { kind, code, detail, errors } = self.clone();
        ProblemShape {
            problem_type: format!("/problems/{}", kind.slug()),
            title: kind.title(),
            status: kind.status().as_u16(),
            code,
            detail,
            errors,
            request_id: request_id.map(Into::into),
        }
    }

    /// Puts the problem in the place of a response, keeping its other headers.
    pub(crate) fn render(&self, response: Response, request_id: &str) -> Response {
        let (mut parts, _) = response.into_parts();
        parts.status = self.kind.status();
        parts.headers.remove(CONTENT_LENGTH);
        parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if self.kind.is_worth_another_try() {
            parts.headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        let body = serde_json::to_vec(&self.shape(Some(request_id))).unwrap_or_default();
        Response::from_parts(parts, Body::from(body))
    }
}

/// The body is written by `answering`, which knows the request's id.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.kind.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_status_finds_its_kind_and_a_strange_one_its_class() {
        assert_eq!(ProblemKind::of(StatusCode::METHOD_NOT_ALLOWED), ProblemKind::MethodNotAllowed);
        assert_eq!(ProblemKind::of(StatusCode::IM_A_TEAPOT), ProblemKind::Malformed);
        assert_eq!(ProblemKind::of(StatusCode::BAD_GATEWAY), ProblemKind::Internal);
    }

    #[test]
    fn slugs_are_unique() {
        let mut slugs: Vec<_> = ProblemKind::ALL.iter().map(|kind| kind.slug()).collect();
        slugs.sort_unstable();
        slugs.dedup();
        assert_eq!(slugs.len(), ProblemKind::ALL.len());
    }
}
