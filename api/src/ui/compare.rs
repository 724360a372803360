//! Any two deployments of a service, side by side.

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse as _, Redirect, Response},
};
use percent_encoding::percent_decode_str;
use shiplog_domain::lane::{DeploymentNumber, LaneId};
use shiplog_projections::{history::Entry, models::Answer};

use super::{
    context::Context,
    deployment::changes::{Change, Changes},
    form,
    frame::{Frame, Section, Shell, page},
    history::Item,
    links,
    parts::span,
};
use crate::{
    app::App,
    deployments::{
        self,
        changes::{self, Between},
    },
    path::{self, DeploymentPath},
    problem::Problem,
    query::encode,
    views::AtLeast,
};

#[derive(Template)]
#[template(path = "compare.html")]
struct ComparePage {
    frame: Frame,
    service: String,
    before: Item,
    after: Item,
    /// How far the two are apart, and which way: `3 h before`.
    apart: String,
    changes: Changes,
    is_configured: bool,
    /// Whether the second is the older release: what is between is taken out.
    goes_back: bool,
    /// Each release that comes in or is taken out, with what it changes.
    releases: Vec<(String, Vec<Change>)>,
    swapped: String,
    json: String,
}

/// A deployment beside another one of its service.
pub(super) async fn show(
    State(app): State<App>,
    shell: Shell,
    DeploymentPath { lane, number }: DeploymentPath,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    let mut query = form::query(raw.as_deref(), &["against"])?;
    let (other, earlier) = changes::other(&mut query, &lane)?
        .ok_or_else(|| Problem::at("?against", "say with which one, as `41` or `staging/12`"))?;
    at_least.seen_by(&app.models.history).await?;
    let (after, position) = deployments::one(&app, &lane, number).await?;
    let (before, _) = deployments::one(&app, &other, earlier).await?;
    at_least.seen_by(&app.models.releases).await?;
    let title = format!("{} beside another one", lane.service);
    let answer = Answer { value: (), position };
    let frame = Frame::new(shell, Section::History, title);
    let frame = frame.told_by(&app, &app.models.history, &answer).await;
    let (goes_back, releases) = releases(&app, &before, &after).await?;
    let context = Context::of(&app, &at_least, frame.shell.now, [&before, &after]).await?;
    let compared = ComparePage {
        frame,
        apart: apart(&before, &after),
        changes: Changes::of(&after.deployment, Some(&before.deployment)),
        is_configured: [&before, &after].iter().all(|one| one.deployment.configuration().is_some()),
        releases,
        goes_back,
        swapped: address(&links::deployment(&other, earlier), &lane, number),
        json: address(&path::of_deployment(&lane, number), &other, earlier),
        service: lane.service.to_string(),
        before: Item::new(&before, &context),
        after: Item::new(&after, &context),
    };
    page(&app, &compared.frame, &compared)
}

fn apart(before: &Entry, after: &Entry) -> String {
    let at = |entry: &Entry| entry.deployment.requested.at.as_millisecond();
    let ms = at(after) - at(before);
    format!("{} {}", span(ms.abs()), if ms < 0 { "after" } else { "before" })
}

/// Whether it goes back to an older release, and the releases that come in or else are taken out;
/// nothing if they are of the same one.
async fn releases(
    app: &App,
    before: &Entry,
    after: &Entry,
) -> Result<(bool, Vec<(String, Vec<Change>)>), Problem> {
    let (old, new) = (before.deployment.release(), after.deployment.release());
    if old.version == new.version {
        return Ok((false, Vec::new()));
    }
    let service = &after.lane.service;
    let Between { goes_back, releases } =
        changes::between(app, service, &old.version, &new.version).await?;
    let mut manifests: Vec<_> = releases.iter().map(|row| &row.manifest).collect();
    manifests.push(if goes_back { old } else { new });
    if goes_back {
        manifests.reverse();
    }
    let listed = manifests.into_iter().map(|release| {
        (release.version.to_string(), release.changes.iter().map(Change::from).collect())
    });
    Ok((goes_back, listed.collect()))
}

/// The address of a comparison of what is at `path` with another deployment.
fn address(path: &str, other: &LaneId, number: DeploymentNumber) -> String {
    let against = format!("{}/{}", other.environment, number.0);
    format!("{path}/changes?against={}", encode(&against))
}

/// Leads from two that were chosen in a list to their comparison.
pub(super) async fn choose(RawQuery(raw): RawQuery) -> Result<Response, Problem> {
    let mut query = form::query(raw.as_deref(), &["of"])?;
    let wrong = |detail: &str| Problem::at("?of", detail);
    // Lists have the latest first.
    let [after, before] = <[String; 2]>::try_from(query.all("of"))
        .map_err(|of| wrong(&format!("{} are chosen; choose two", of.len())))?;
    let read = |text: &str| chosen(text).ok_or_else(|| wrong("it names no page of a deployment"));
    let ((after, number), (before, earlier)) = (read(&after)?, read(&before)?);
    if after.service != before.service {
        return Err(wrong("these are of two services; choose two of one service"));
    }
    let address = address(&links::deployment(&after, number), &before, earlier);
    Ok(Redirect::to(&address).into_response())
}

/// The deployment whose page is at an address.
fn chosen(page: &str) -> Option<(LaneId, DeploymentNumber)> {
    let mut segments = page.strip_prefix("/lanes/")?.split('/');
    let mut segment = || percent_decode_str(segments.next()?).decode_utf8().ok();
    let (service, environment, digits) = (segment()?, segment()?, segment()?);
    let lane = LaneId { service: service.parse().ok()?, environment: environment.parse().ok()? };
    Some((lane, path::number(&digits)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_is_chosen_by_the_address_of_its_page() {
        let lane = LaneId {
            service: "alphagov/frontend".parse().unwrap(),
            environment: "review/ü".parse().unwrap(),
        };
        let page = links::deployment(&lane, DeploymentNumber(3));
        assert_eq!(chosen(&page), Some((lane, DeploymentNumber(3))));
        for page in ["", "/lanes/a/b", "/lanes/a/b/0", "a/b/1", "/lanes//b/1"] {
            assert_eq!(chosen(page), None, "{page}");
        }
    }
}
