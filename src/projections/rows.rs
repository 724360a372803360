//! What a query that was defined answers.

use anyhow::Context as _;

use crate::{client::path, context::Context, exit::Exit, output::Format, sql::Answer};

/// Which query, and what its parameters stand for.
#[derive(Debug, clap::Args)]
pub(super) struct Rows {
    /// Which projection.
    name: String,
    /// What a parameter of the query stands for; can be repeated. Whole numbers are numbers.
    #[arg(long = "param", value_name = "NAME=VALUE")]
    parameters: Vec<String>,
}

impl Rows {
    pub(super) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { name, parameters } = self;
        let path = path(&["v1", "projections", &name, "rows"]);
        let path = parameters.iter().fold(path, |path, given| path.with("param", given));
        let client = context.client()?;
        if context.settings.output.value == Format::Csv {
            write!(context.out, "{}", client.get_text(&path.with("format", "csv"))?)?;
            return Ok(Exit::Success);
        }
        let answer: Answer = serde_json::from_value(client.get(&path)?.body)
            .context("the server answered something else")?;
        answer.write(context)?;
        Ok(Exit::Success)
    }
}
