//! `shiplog rollbacks`: the rollback audit.

use serde_json::Value;

use crate::{
    client::Path,
    context::Context,
    exit::Exit,
    history::{Filter, PageArgs, pages},
    output::{Column, Kind},
};

const COLUMNS: [Column; 12] = [
    Column::new("requested", "/requested_at", Kind::Time),
    Column::new("service", "/service", Kind::Text),
    Column::new("environment", "/environment", Kind::Text),
    Column::new("number", "/number", Kind::Text),
    Column::new("from", "/from/version", Kind::Text),
    Column::new("from number", "/from/number", Kind::Text),
    Column::new("to", "/to/version", Kind::Text),
    Column::new("to number", "/to/number", Kind::Text),
    Column::new("declared", "/declared", Kind::Made(declared)),
    Column::new("status", "/status", Kind::Status),
    Column::new("by", "/actor", Kind::Actor),
    Column::new("reason", "/reason", Kind::Text),
];

/// List rollbacks: who took back what, when and why.
///
/// A rollback is declared if somebody asked for one, and inferred if an earlier version simply
/// came back.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  shiplog rollbacks --environment production --since 30d")]
pub(crate) struct Rollbacks {
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    page: PageArgs,
}

impl Rollbacks {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let path = self.filter.onto(Path::literal("/v1/rollbacks"), context)?;
        pages(context, path, &self.page, &COLUMNS)
    }
}

fn declared(value: &Value) -> String {
    if value.as_bool() == Some(true) { "declared".into() } else { "inferred".into() }
}
