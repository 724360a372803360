//! What was declared of an environment, as of an instant.

use rusqlite::{Result, types::Type};
use shiplog_domain::{
    decider::Decider,
    environment::{Environment, State, Tier, stream},
    names::EnvironmentName,
    wire::{Decoded, DomainEvent, EncodedEvent},
};

use super::{EnvironmentRow, lanes::Instant};
use crate::view::View;

/// The environment's row; `lanes` is left for who knows it.
pub(super) fn row(
    view: &View<'_>,
    environment: &EnvironmentName,
    instant: Instant,
) -> Result<EnvironmentRow> {
    let state = state(view, environment, instant)?;
    Ok(EnvironmentRow {
        environment: environment.clone(),
        tier: state.rules.map_or_else(|| Tier::guess(environment), |rules| rules.tier),
        declared: state.rules.is_some(),
        retired: state.retired,
        rules: state.rules,
        freezes: state.freezes,
        lanes: 0,
    })
}

/// What was declared by then, and the freezes that were planned by then for later.
fn state(view: &View<'_>, environment: &EnvironmentName, instant: Instant) -> Result<State> {
    let mut statement = view.0.prepare_cached(
        "SELECT type, schema, data FROM declarations
         WHERE environment = ?1 AND recorded_at <= ?3
           AND (at <= ?2
                OR recorded_at <= ?2 AND type IN ('EnvironmentFrozen', 'EnvironmentUnfrozen'))
         ORDER BY at, position",
    )?;
    let mut rows = statement.query((environment.as_str(), instant.at, instant.known_until()))?;
    let mut state = State::default();
    while let Some(row) = rows.next()? {
        let stored = EncodedEvent {
            event_type: row.get::<_, String>(0)?.into(),
            schema: row.get(1)?,
            readable_from: 1,
            ignorable: true,
            data: row.get::<_, String>(2)?.into(),
        };
        let decoded = DomainEvent::decode(&stream(environment), &stored).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(2, Type::Text, Box::new(error))
        })?;
        if let Decoded::Known(DomainEvent::Environment(event)) = decoded {
            state = Environment::evolve(state, &event);
        }
    }
    Ok(state)
}
