//! What each problem type means, at the address that its `type` names.

use axum::{extract::Path, response::IntoResponse};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    problem::{Problem, ProblemKind},
};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(explain_problem))
}

/// Explain a problem type.
#[utoipa::path(get, path = "/problems/{slug}", tag = "operations",
    params(("slug" = String, Path, description = "the last part of a problem's `type`",
        max_length = 200, min_length = 1)),
    responses((status = 200, description = "What it means", body = String)))]
async fn explain_problem(Path(slug): Path<String>) -> Result<impl IntoResponse, Problem> {
    let kind = ProblemKind::ALL.iter().find(|kind| kind.slug() == slug).ok_or_else(|| {
        let known: Vec<_> = ProblemKind::ALL.iter().map(|kind| kind.slug()).collect();
        ProblemKind::NotFound
            .because(format!("there is no problem `{slug}`; there are {}", known.join(", ")))
    })?;
    let (title, status) = (kind.title(), kind.status());
    Ok(format!("{title}\n\nStatus: {status}\nType: /problems/{slug}\n\n{}\n", kind.meaning()))
}
