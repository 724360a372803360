//! The projections that users wrote: what each one is now, and every change to it.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Result, Row, Transaction, params};
use shiplog_domain::{
    metadata::Actor,
    projection::{self, Defined, Event, Language, ProjectionName},
    wire::DomainEvent,
};
use shiplog_store::{log::Recorded, position::GlobalPosition};

use crate::{
    columns::{document, name, timestamp},
    projection::{ApplyError, Projection},
    view::View,
};

/// The projection behind the list of projections.
#[derive(Clone, Copy, Debug)]
pub struct Definitions;

impl Projection for Definitions {
    fn name(&self) -> &'static str {
        "definitions"
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> String {
        include_str!("definitions.sql").into()
    }

    fn indexes(&self) -> &'static str {
        include_str!("definitions_indexes.sql")
    }

    fn fold(
        &self,
        tables: &Transaction<'_>,
        events: &[Recorded<DomainEvent>],
    ) -> std::result::Result<(), ApplyError> {
        for recorded in events {
            if let DomainEvent::Projection(event) = &recorded.event
                && let Some(name) = projection::from_stream(&recorded.stream)
            {
                apply(tables, recorded, &name, event)?;
            }
        }
        Ok(())
    }
}

fn apply(
    tables: &Transaction<'_>,
    recorded: &Recorded<DomainEvent>,
    name: &ProjectionName,
    event: &Event,
) -> std::result::Result<(), ApplyError> {
    let (position, name) = (recorded.position.0, name.as_str());
    let actor = serde_json::to_string(&recorded.metadata.actor)?;
    let (what, at, defined) = match event {
        Event::Defined(defined) => {
            let Defined { at, language, source } = defined;
            tables.execute(
                "INSERT OR REPLACE INTO definitions VALUES (?, ?, ?, ?, ?, ?, 0)",
                params![name, position, language.as_str(), source, at.as_microsecond(), actor],
            )?;
            (What::Defined, at, Some(defined))
        }
        Event::Paused(paused) => {
            tables.execute("UPDATE definitions SET paused = 1 WHERE name = ?", [name])?;
            (What::Paused, &paused.at, None)
        }
        Event::Resumed(resumed) => {
            tables.execute("UPDATE definitions SET paused = 0 WHERE name = ?", [name])?;
            (What::Resumed, &resumed.at, None)
        }
        Event::Dropped(dropped) => {
            tables.execute("DELETE FROM definitions WHERE name = ?", [name])?;
            (What::Dropped, &dropped.at, None)
        }
    };
    tables.execute(
        "INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?, ?)",
        params![
            position,
            name,
            what.as_str(),
            at.as_microsecond(),
            actor,
            defined.map(|defined| defined.language.as_str()),
            defined.map(|defined| &defined.source),
        ],
    )?;
    Ok(())
}

/// A projection that a user wrote, as it is defined now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// What it is called.
    pub name: ProjectionName,
    /// The position of the event that defined it so.
    pub revision: GlobalPosition,
    /// What it is written in.
    pub language: Language,
    /// The whole of it.
    pub source: String,
    /// Since when it is so.
    pub defined_at: Timestamp,
    /// Who defined it so.
    pub actor: Actor,
    /// Whether it folds nothing for now.
    pub paused: bool,
}

/// What a change to a projection was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It was defined, or defined anew.
    Defined,
    /// It was paused.
    Paused,
    /// It was resumed.
    Resumed,
    /// It was dropped.
    Dropped,
}

impl What {
    const ALL: [Self; 4] = [Self::Defined, Self::Paused, Self::Resumed, Self::Dropped];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Defined => "defined",
            Self::Paused => "paused",
            Self::Resumed => "resumed",
            Self::Dropped => "dropped",
        }
    }
}

/// A change to a projection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where in the log it is; for a definition, this is its revision.
    pub position: GlobalPosition,
    /// What it was.
    pub what: What,
    /// When.
    pub at: Timestamp,
    /// Who made it.
    pub actor: Actor,
    /// What was defined, if something was.
    pub defined: Option<(Language, String)>,
}

const COLUMNS: &str =
    "SELECT name, revision, language, source, defined_at, actor, paused FROM definitions";

/// All projections that users wrote, by name.
///
/// # Errors
///
/// What SQLite says.
pub fn all(view: &View<'_>) -> Result<Vec<Definition>> {
    view.0.prepare_cached(&format!("{COLUMNS} ORDER BY name"))?.query_map([], read)?.collect()
}

/// Where the last change to any projection is in the log; none if there is none.
///
/// # Errors
///
/// What SQLite says.
pub fn last_change(view: &View<'_>) -> Result<Option<GlobalPosition>> {
    view.0
        .prepare_cached("SELECT max(position) FROM changes")?
        .query_row([], |row| Ok(row.get::<_, Option<u64>>(0)?.map(GlobalPosition)))
}

/// One projection that a user wrote.
///
/// # Errors
///
/// What SQLite says.
pub fn one(view: &View<'_>, name: &ProjectionName) -> Result<Option<Definition>> {
    view.0
        .prepare_cached(&format!("{COLUMNS} WHERE name = ?"))?
        .query_row([name.as_str()], read)
        .optional()
}

/// At most this many changes to a projection, the latest first, those before it was dropped, too.
///
/// # Errors
///
/// What SQLite says.
pub fn changes(view: &View<'_>, name: &ProjectionName, limit: usize) -> Result<Vec<Change>> {
    view.0
        .prepare_cached(
            "SELECT position, what, at, actor, language, source FROM changes
             WHERE name = ? ORDER BY position DESC LIMIT ?",
        )?
        .query_map(params![name.as_str(), limit], |row| {
            let what: String = row.get(1)?;
            let language: Option<String> = row.get(4)?;
            let source: Option<String> = row.get(5)?;
            let language = language.map(|word| self::language(4, &word)).transpose()?;
            Ok(Change {
                position: GlobalPosition(row.get(0)?),
                what: word(1, What::ALL.into_iter().find(|known| known.as_str() == what))?,
                at: timestamp(2, row.get(2)?)?,
                actor: document(3, &row.get::<_, String>(3)?)?,
                defined: language.zip(source),
            })
        })?
        .collect()
}

fn read(row: &Row<'_>) -> Result<Definition> {
    Ok(Definition {
        name: name(0, &row.get::<_, String>(0)?)?,
        revision: GlobalPosition(row.get(1)?),
        language: language(2, &row.get::<_, String>(2)?)?,
        source: row.get(3)?,
        defined_at: timestamp(4, row.get(4)?)?,
        actor: document(5, &row.get::<_, String>(5)?)?,
        paused: row.get(6)?,
    })
}

fn language(column: usize, word: &str) -> Result<Language> {
    let all = [Language::Javascript, Language::Sql];
    self::word(column, all.into_iter().find(|known| known.as_str() == word))
}

fn word<T>(column: usize, known: Option<T>) -> Result<T> {
    let text = rusqlite::types::Type::Text;
    known.ok_or_else(|| rusqlite::Error::InvalidColumnType(column, "a known word".into(), text))
}
