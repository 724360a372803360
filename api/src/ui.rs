//! The web pages: what people see of the read models, and what they ask for.
//!
//! A page asks the same questions as the JSON beside it, and what it records goes through the same
//! functions. It needs no script; what scripts add is in `ui/js/`.

mod assets;
mod board;
mod compare;
mod context;
mod damage;
mod deployment;
mod drift;
mod environments;
mod excerpt;
mod form;
mod frame;
mod history;
mod lane;
mod links;
mod log;
mod marks;
mod moving;
mod objections;
mod parts;
mod picture;
mod preferences;
mod problem;
mod projections;
mod recovery;
mod releases;
mod rollbacks;
mod scripts;
mod tiers;
mod visible;
mod way;

use axum::{
    Router,
    routing::{get, post},
};

pub(crate) use self::{
    frame::Shell,
    problem::{explain, reader},
};
use crate::app::App;

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(board::show))
        .route("/lanes/{service}/{environment}", get(lane::show))
        .route("/lanes/{service}/{environment}/{number}", get(deployment::show))
        .route(
            "/lanes/{service}/{environment}/rollback",
            get(way::ask_rollback).post(way::take_rollback),
        )
        .route("/lanes/{service}/{environment}/retry", get(way::ask_retry).post(way::take_retry))
        .route(
            "/lanes/{service}/{environment}/roll-forward",
            get(way::ask_roll_forward).post(way::take_roll_forward),
        )
        .route("/lanes/{service}/{environment}/{number}/recovery", get(recovery::show))
        .route("/lanes/{service}/{environment}/{number}/changes", get(compare::show))
        .route("/compare", get(compare::choose))
        .route("/lanes/{service}/{environment}/{number}/approve", post(deployment::approve))
        .route("/lanes/{service}/{environment}/{number}/reject", post(deployment::reject))
        .route("/history", get(history::show))
        .route("/rollbacks", get(rollbacks::show))
        .route("/releases", get(releases::services))
        .route("/releases/{service}", get(releases::show))
        .route("/releases/{service}/{version}/block", post(releases::block))
        .route("/releases/{service}/{version}/unblock", post(releases::unblock))
        .route("/environments", get(environments::show).post(environments::declare))
        .route("/environments/{name}/freeze", post(environments::freeze))
        .route("/environments/{name}/unfreeze", post(environments::unfreeze))
        .route("/log", get(log::show))
        .route("/projections", get(projections::show).post(projections::change))
        .route("/projections/-", get(scripts::write).post(scripts::written))
        .route("/projections/{name}", get(scripts::show))
        .route("/projections/{name}/rest", post(scripts::rest))
        .route("/preferences", post(preferences::keep))
        .route("/assets/{edition}/{name}", get(assets::serve))
}
