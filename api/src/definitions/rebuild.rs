//! Making the states of a script anew, beside those that answer.

use shiplog_domain::projection::Language;
use shiplog_projections::definitions::Definition;

use crate::{
    app::App,
    problem::{Problem, ProblemKind},
    projections::Change,
};

/// Begins; does nothing if that is under way.
pub(crate) fn begin(app: &App, definition: &Definition, max: Option<u32>) -> Result<(), Problem> {
    let name = &definition.name;
    if definition.language == Language::Sql {
        let why = format!("`{name}` is a query: it keeps nothing that could be made anew");
        return Err(ProblemKind::Refused.because(why).coded("projection-is-a-query"));
    }
    if definition.paused {
        let why = format!("`{name}` is paused: resume it first");
        return Err(ProblemKind::Refused.because(why).coded("projection-paused"));
    }
    if max.is_some_and(|max| max > 0) {
        let why = "a script is not slowed down: its process gives way to all others";
        return Err(Problem::at("/max_events_per_second", why));
    }
    app.scripts.rebuild(definition);
    Ok(())
}

/// Changes one that is under way.
pub(crate) fn change(app: &App, definition: &Definition, wanted: Change) -> Result<(), Problem> {
    let name = &definition.name;
    match wanted {
        Change::Cancel if app.scripts.cancel_rebuild(definition) => Ok(()),
        Change::Cancel => {
            let why = format!("`{name}` is not being rebuilt");
            Err(ProblemKind::NotFound.because(why).coded("not-rebuilding"))
        }
        Change::Pause | Change::Resume => {
            let why = "the rebuild of a script does not rest: cancel it, or wait for its end";
            Err(ProblemKind::Refused.because(why).coded("rebuild-does-not-rest"))
        }
    }
}
