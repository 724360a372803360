//! New names that look like known ones.

use shiplog_domain::lane::LaneId;
use shiplog_projections::current::KnownNames;

use super::warning::Warning;

/// Where a lane's names are in a request.
pub(super) const SERVICE: &str = "/service";
pub(super) const ENVIRONMENT: &str = "/environment";

/// How to say that a new name is meant.
pub(super) const REMEDY: &str = "name that one or, if a new one is meant, set `new_name` to true";

/// A new name, and the known one that it looks like.
pub(super) fn similar((pointer, what): (&'static str, &str), name: &str, known: &str) -> Warning {
    let detail = format!(
        "{what} `{name}` is new, and only case, blanks or Unicode form tell it from `{known}`, \
         which is known"
    );
    Warning { code: "similar-name", pointer, detail }
}

/// The names of a lane that are new and look like known ones.
pub(super) fn similar_to(lane: &LaneId, known: &KnownNames) -> Vec<Warning> {
    let LaneId { service, environment } = lane;
    let named = [
        ((SERVICE, "service"), service.as_str(), &known.services),
        ((ENVIRONMENT, "environment"), environment.as_str(), &known.environments),
    ];
    let warned = named
        .into_iter()
        .filter_map(|(place, name, known)| Some(similar(place, name, known.like(name)?)));
    warned.collect()
}
