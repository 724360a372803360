//! What people fill in: the fields of a form, in a query or in a body.

use axum::{
    extract::{FromRequest, Request},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use shiplog_domain::metadata::IdempotencyKey;
use shiplog_store::position::{ExpectedVersion, StreamVersion};

use super::{frame::Shell, preferences::YEAR_SECONDS};
use crate::{
    app::App,
    body,
    caller::Caller,
    problem::{Problem, ProblemKind},
    query::{Query, encode},
    shapes::{ActorGiven, Prose},
};

/// Reads the query of a page. A field that was left empty was not filled in.
pub(super) fn query(raw: Option<&str>, known: &[&str]) -> Result<Query, Problem> {
    let filled = |part: &&str| part.split_once('=').is_none_or(|(_, value)| !value.is_empty());
    let parts: Vec<_> = raw.unwrap_or_default().split('&').filter(filled).collect();
    Query::parse(Some(&parts.join("&")), known)
}

/// The body of a form that was sent.
pub(super) struct Form(String);

impl FromRequest<App> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let kind = body::media_type(request.headers());
        if kind.as_deref() != Some("application/x-www-form-urlencoded") {
            return Err(ProblemKind::UnsupportedMediaType
                .because("a page takes what its form sends; programs have the API under `/v1`"));
        }
        let bytes = body::read(request, app).await?;
        let text = String::from_utf8(bytes.into());
        text.map(Self).map_err(|_| Problem::at("", "the form is not UTF-8"))
    }
}

impl Form {
    /// The fields, all of which are among `known` or those that every form of ours has.
    pub(super) fn fields(&self, known: &[&str]) -> Result<Query, Problem> {
        query(Some(&self.0), &[known, &["key", "actor", "version"]].concat())
    }
}

/// Who sends the form, under which promise, and which version of the thing they saw.
pub(super) fn caller(shell: &Shell, fields: &mut Query) -> Result<Caller, Problem> {
    let key = fields.parsed::<IdempotencyKey>("key")?;
    let ActorGiven(actor) =
        fields.parsed("actor")?.ok_or_else(|| Problem::at("?actor", "say who you are"))?;
    let key = key.ok_or_else(|| Problem::at("?key", "it is missing"))?;
    let claimed = fields.parsed("version")?.map(StreamVersion).map(ExpectedVersion::Exact);
    Ok(Caller::new(actor, key, shell.correlation.clone()).claiming(claimed))
}

/// Why, which has to be said.
pub(super) fn reason(fields: &mut Query) -> Result<Prose, Problem> {
    let reason = fields.read("reason", |text| {
        let text = text.replace("\r\n", "\n");
        text.trim().parse::<Prose>().map_err(|error| error.to_string())
    })?;
    reason.ok_or_else(|| Problem::at("?reason", "say why"))
}

/// Leads on to a page after what was sent is recorded; the next form knows who acts.
pub(super) fn recorded(caller: &Caller, place: String) -> Response {
    let actor = encode(&caller.actor.id);
    let cookie = format!("shiplog-actor={actor}; Path=/; Max-Age={YEAR_SECONDS}; SameSite=Lax");
    let headers = [(header::LOCATION, place), (header::SET_COOKIE, cookie)];
    (StatusCode::SEE_OTHER, headers).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_empty_was_not_asked_for() {
        let mut query = query(Some("service=&q=a+b&limit=5"), &["service", "q", "limit"]).unwrap();
        assert_eq!(query.text("service").unwrap(), None);
        assert_eq!(query.text("q").unwrap().as_deref(), Some("a b"));
    }
}
