//! What a person decides about a deployment from its page: to agree to it, or to turn it down.

use axum::{extract::State, response::Response};

use crate::{
    app::App,
    deployments::{self, Approve, Long, Reject, Verdict},
    path::DeploymentPath,
    problem::Problem,
    ui::{
        form::{self, Form},
        frame::Shell,
        links,
    },
};

/// Agrees to a deployment.
pub(in crate::ui) async fn approve(
    State(app): State<App>,
    shell: Shell,
    path: DeploymentPath,
    form: Form,
) -> Result<Response, Problem> {
    decide(&app, &shell, &path, (&form, |said| Verdict::Approve(Approve::saying(said)))).await
}

/// Turns a deployment down.
pub(in crate::ui) async fn reject(
    State(app): State<App>,
    shell: Shell,
    path: DeploymentPath,
    form: Form,
) -> Result<Response, Problem> {
    decide(&app, &shell, &path, (&form, |said| Verdict::Reject(Reject::because(said)))).await
}

async fn decide(
    app: &App,
    shell: &Shell,
    path: &DeploymentPath,
    (form, verdict): (&Form, impl FnOnce(Option<Long>) -> Verdict),
) -> Result<Response, Problem> {
    let mut fields = form.fields(&["comment"])?;
    let caller = form::caller(shell, &mut fields)?;
    let verdict = verdict(fields.parsed("comment")?);
    deployments::decide(app, path, &caller, verdict).await?;
    Ok(form::recorded(&caller, links::deployment(&path.lane, path.number)))
}
