//! What a projection has come to.

use serde_json::Value;

use super::{field, wait};
use crate::{
    client::path,
    context::Context,
    exit::Exit,
    history::{PageArgs, pages},
    output::{self, Column, Kind},
};

pub(super) const COLUMNS: [Column; 3] = [
    Column::new("partition", "/partition", Kind::Text),
    Column::new("position", "/position", Kind::Text),
    Column::new("state", "", Kind::Made(state)),
];

/// Whose state.
#[derive(Debug, clap::Args)]
pub(super) struct State {
    /// Which projection.
    name: String,
    /// Which one of its partitions, where it has some.
    #[arg(long, value_name = "PARTITION")]
    partition: Option<String>,
}

/// Whose partitions.
#[derive(Debug, clap::Args)]
pub(super) struct Partitions {
    /// Which projection.
    name: String,
    #[command(flatten)]
    page: PageArgs,
}

impl State {
    pub(super) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { name, partition } = self;
        let path = path(&["v1", "projections", &name, "state"]);
        let path = path.with_some("partition", partition.as_deref());
        let client = context.client()?;
        wait::level(context, &client, &name, &path)?;
        let answer = client.get(&path)?.body;
        output::json(context, shown(&answer))?;
        Ok(Exit::Success)
    }
}

impl Partitions {
    pub(super) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { name, page } = self;
        let path = path(&["v1", "projections", &name, "partitions"]);
        wait::level(context, &context.client()?, &name, &path.clone().with("limit", "1"))?;
        pages(context, path, &page, &COLUMNS)
    }
}

/// What a script makes of its state or, where it makes nothing of it, the state.
pub(super) fn shown(answer: &Value) -> &Value {
    answer.get("result").unwrap_or_else(|| field(answer, "state"))
}

fn state(item: &Value) -> String {
    shown(item).to_string()
}
