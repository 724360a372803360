//! The contract, and the page that shows it. Its scripts and styles are served from here.

use axum::{Router, http::header, response::IntoResponse, routing::get};
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::{app::App, openapi};

/// Where the page is.
const PATH: &str = "/docs";

/// What the page may load: what this server has. Swagger UI sets styles inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; worker-src 'self'; form-action 'self'; \
    base-uri 'none'; frame-ancestors 'none'";

/// The content security policy of a path of the documentation; none of others.
pub(crate) fn policy(path: &str) -> Option<&'static str> {
    let rest = path.strip_prefix(PATH)?;
    (rest.is_empty() || rest.starts_with('/')).then_some(POLICY)
}

pub(crate) fn routes(contract: &OpenApi) -> Router<App> {
    let text: axum::body::Bytes = openapi::complete(contract).to_string().into();
    let contract = move || {
        let text = text.clone();
        async move { ([(header::CONTENT_TYPE, "application/json")], text).into_response() }
    };
    // Its validator is another host's: nothing is asked of that.
    let config = Config::from("/openapi.json").validator_url("none").try_it_out_enabled(true);
    Router::new().route("/openapi.json", get(contract)).merge(SwaggerUi::new(PATH).config(config))
}
