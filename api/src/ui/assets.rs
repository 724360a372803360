//! Styles and scripts, as they are in the binary.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use shiplog_domain::metadata::RequestDigest;

use super::frame::POLICY;
use crate::problem::{Problem, ProblemKind};

struct Asset {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
}

const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const PICTURE: &str = "image/svg+xml";

macro_rules! assets {
    ($($kind:ident $path:literal as $name:literal,)+) => {
        &[$(Asset { name: $name, kind: $kind, text: include_str!($path) }),+]
    };
}

const ASSETS: &[Asset] = assets![
    STYLE "style.css" as "style.css",
    PICTURE "icon.svg" as "icon.svg",
    SCRIPT "js/main.js" as "main.js",
    SCRIPT "js/time.js" as "time.js",
    SCRIPT "js/keys.js" as "keys.js",
    SCRIPT "js/live.js" as "live.js",
    SCRIPT "js/modal.js" as "modal.js",
    SCRIPT "js/patch.js" as "patch.js",
    SCRIPT "js/search.js" as "search.js",
    SCRIPT "js/slider.js" as "slider.js",
    SCRIPT "js/stream.js" as "stream.js",
    SCRIPT "js/way.js" as "way.js",
];

/// Where they are: elsewhere as soon as one of them is another.
static PLACE: LazyLock<String> = LazyLock::new(|| {
    let texts: Vec<_> = ASSETS.iter().map(|asset| asset.text.as_bytes()).collect();
    format!("/assets/{}", RequestDigest::of(&texts))
});

/// The path that they are all under.
pub(super) fn place() -> &'static str {
    &PLACE
}

/// Serves one of them. A browser keeps it, and asks for it again when a page names another place. Under
/// a place that is not ours, as a page of a server of another version would name it, it is asked each
/// time whether it has changed.
pub(super) async fn serve(
    Path((edition, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asset = ASSETS.iter().find(|asset| asset.name == name).ok_or_else(|| {
        ProblemKind::NotFound.because(format!("there is no `{name}` among the styles and scripts"))
    })?;
    let is_ours = PLACE.rsplit('/').next() == Some(edition.as_str());
    let keep = if is_ours { "public, max-age=31536000, immutable" } else { "no-cache" };
    let tag = format!("\"{}\"", RequestDigest::of(&[asset.text.as_bytes()]));
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| {
        known.to_str().is_ok_and(|known| known.trim_start_matches("W/") == tag)
    });
    let about = [
        (header::ETAG, tag.as_str()),
        (header::CACHE_CONTROL, keep),
        // A worker goes by the policy that came with its script.
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CONTENT_TYPE, asset.kind),
    ];
    if known {
        return Ok((StatusCode::NOT_MODIFIED, about, ()).into_response());
    }
    Ok((about, asset.text).into_response())
}
