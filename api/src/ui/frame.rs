//! What is around every page.

use std::{convert::Infallible, fmt};

use askama::Template;
use axum::{
    extract::FromRequestParts,
    http::{
        HeaderMap, HeaderName,
        header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, REFERRER_POLICY},
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use shiplog_domain::metadata::CorrelationId;
use shiplog_projections::models::{Answer, Model, Phase};
use shiplog_store::position::GlobalPosition;

use super::{assets, damage, parts::Time, visible::visible};
use crate::{
    app::App,
    caller,
    lag::Lag,
    problem::{Problem, internal},
    receipt::Receipt,
};

/// What a page may load: what this server has, and nothing that stands within the page.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; worker-src 'self'; form-action 'self'; \
    base-uri 'none'; frame-ancestors 'none'";

/// The part of Shiplog that a page belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Board,
    History,
    Rollbacks,
    Releases,
    Environments,
    Log,
    Projections,
    Elsewhere,
}

impl Section {
    /// Every one that has a place in the navigation, with what it is called and where it is.
    pub(super) const ALL: [(Self, &'static str, &'static str); 7] = [
        (Self::Board, "Board", "/"),
        (Self::History, "History", "/history"),
        (Self::Rollbacks, "Rollbacks", "/rollbacks"),
        (Self::Releases, "Releases", "/releases"),
        (Self::Environments, "Environments", "/environments"),
        (Self::Log, "Log", "/log"),
        (Self::Projections, "Projections", "/projections"),
    ];
}

/// Who looks at a page, and how they like it.
#[derive(Clone, Debug)]
pub(crate) struct Shell {
    /// `light`, `dark`, or empty for what the system says.
    pub(super) theme: &'static str,
    /// The name under which they acted last.
    pub(super) actor: String,
    /// The path and query of the page.
    pub(super) here: String,
    pub(super) now: Timestamp,
    /// How far what the page is made of is behind.
    lag: Lag,
    pub(super) correlation: CorrelationId,
}

impl Shell {
    pub(super) fn of(headers: &HeaderMap, here: &str, now: Timestamp) -> Self {
        let theme = match cookie(headers, "shiplog-theme").as_deref() {
            Some("light") => "light",
            Some("dark") => "dark",
            Some(_) | None => "",
        };
        let correlation = caller::correlation(headers);
        Self {
            theme,
            actor: cookie(headers, "shiplog-actor").unwrap_or_default(),
            here: here.into(),
            now,
            lag: Lag::default(),
            correlation: correlation.unwrap_or_else(|_| CorrelationId(String::new())),
        }
    }
}

impl FromRequestParts<App> for Shell {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let Ok(lag) = Lag::from_request_parts(parts, app).await;
        let here = parts.uri.path_and_query().map_or("/", |here| here.as_str());
        Ok(Self { lag, ..Self::of(&parts.headers, here, app.clock.now()) })
    }
}

/// What this browser was asked to remember under a name.
fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let value = pairs.into_iter().find(|(key, _)| *key == name)?.1;
    percent_decode_str(value).decode_utf8().ok().map(Into::into)
}

/// Which events make a page look again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Watched {
    /// Any.
    Log,
    /// Those of one stream.
    Stream(String),
    /// None: the page is of another time, or is being filled in.
    Nothing,
}

/// All that the frame of a page says.
pub(super) struct Frame {
    pub(super) title: String,
    pub(super) section: Section,
    pub(super) shell: Shell,
    pub(super) watched: Watched,
    /// The instant that the page is about, if it is not the present, and the way back.
    pub(super) as_of: Option<(Time, String)>,
    /// Why nobody knows how old the page is.
    pub(super) doubt: Option<String>,
    /// Which streams are told of only in part, where the page does not say so itself.
    pub(super) damage: Option<String>,
    /// Whether it tells of something that goes on without events, and is to be looked at again.
    pub(super) goes_on: bool,
    /// Up to where in the log it tells.
    pub(super) position: Option<GlobalPosition>,
}

impl Frame {
    pub(super) fn new(shell: Shell, section: Section, title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            section,
            shell,
            watched: Watched::Nothing,
            as_of: None,
            doubt: None,
            damage: None,
            goes_on: false,
            position: None,
        }
    }

    /// The same, made of what a read model answered.
    pub(super) async fn told_by<T>(self, app: &App, model: &Model, answer: &Answer<T>) -> Self {
        let doubt = match (model.progress().phase, app.log.head().await) {
            (Phase::Stalled { why }, _) => Some(format!("it is stalled: {why}")),
            (Phase::CatchingUp | Phase::Live, Ok(_)) => None,
            (Phase::CatchingUp | Phase::Live, Err(_)) => {
                Some("the log cannot be read, so nobody knows what is new".into())
            }
        };
        let name = model.name();
        let doubt = doubt.map(|why| format!("The read model `{name}` may be old: {why}."));
        Self { doubt, damage: damage::banner(model), position: answer.position, ..self }
    }

    /// How many events the page does not show yet, and when the first of them was recorded.
    pub(super) fn lag(&self) -> Option<(String, Time)> {
        let behind = self.shell.lag.behind()?;
        Some((behind.counted(), Time::of(behind.since.0)))
    }

    /// Whether there may be more than the page shows: then it must not say that there is nothing.
    pub(super) fn is_behind(&self) -> bool {
        self.doubt.is_some() || self.lag().is_some()
    }

    pub(super) fn watching(self, watched: Watched) -> Self {
        Self { watched, ..self }
    }

    /// What the script is told of it.
    pub(super) fn scope(&self) -> &str {
        match &self.watched {
            Watched::Log => "*",
            Watched::Stream(stream) => stream,
            Watched::Nothing => "",
        }
    }

    /// After which position the script listens: what is recorded between the page and the first event
    /// that the script hears would be missed otherwise.
    pub(super) fn reached(&self) -> u64 {
        self.position.map_or(0, |position| position.0)
    }

    pub(super) fn sections() -> [(Section, &'static str, &'static str); 7] {
        Section::ALL
    }

    /// Where styles and scripts are.
    pub(super) fn assets() -> &'static str {
        assets::place()
    }

    pub(super) fn now(&self) -> Time {
        Time::of(self.shell.now)
    }
}

/// The most bytes that a page has, before it is compressed.
const MAX_PAGE_BYTES: usize = 2 << 20;

/// A page as an answer, with what it was made of.
///
/// Every list in it is bounded by itself; what all of it comes to together is bounded here.
pub(super) fn page(app: &App, frame: &Frame, page: &impl Template) -> Result<Response, Problem> {
    within_bounds(app, frame, page)?.ok_or_else(too_large)
}

/// Says that a page would be larger than pages are.
pub(super) fn too_large() -> Problem {
    Problem::at("?limit", "so many entries have more than 2 MiB as a page; ask for fewer of them")
}

/// A page as an answer; none if it would be larger than pages are.
pub(super) fn within_bounds(
    app: &App,
    frame: &Frame,
    page: &impl Template,
) -> Result<Option<Response>, Problem> {
    let receipt: Receipt = app.receipt(frame.position);
    let mut text = Bounded(String::new());
    match page.render_into(&mut text) {
        Ok(()) => Ok(Some((receipt, HEADERS, visible(text.0)).into_response())),
        Err(askama::Error::Fmt) => Ok(None),
        Err(error) => Err(internal(&error)),
    }
}

/// A text that is no longer than a page.
struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > MAX_PAGE_BYTES {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

/// What goes with every page.
pub(super) const HEADERS: [(HeaderName, &str); 4] = [
    (CONTENT_TYPE, "text/html; charset=utf-8"),
    (CONTENT_SECURITY_POLICY, POLICY),
    // With `no-referrer`, a browser would not say where a form comes from.
    (REFERRER_POLICY, "same-origin"),
    // Not `no-store`: with that, going back would be a new visit.
    (CACHE_CONTROL, "private, no-cache"),
];

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_theme_is_one_of_two_and_a_name_any_text() {
        let value = "a=b; shiplog-theme=dark; shiplog-actor=J%C3%BCrgen%20%3Cb%3E";
        let headers = HeaderMap::from_iter([(COOKIE, HeaderValue::from_static(value))]);
        let shell = Shell::of(&headers, "/", Timestamp::UNIX_EPOCH);
        assert_eq!((shell.theme, shell.actor.as_str()), ("dark", "Jürgen <b>"));
        let headers =
            HeaderMap::from_iter([(COOKIE, HeaderValue::from_static("shiplog-theme=\"><b>"))]);
        assert_eq!(Shell::of(&headers, "/", Timestamp::UNIX_EPOCH).theme, "");
    }
}
