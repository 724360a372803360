//! `shiplog history`: every deployment, newest first, filtered.

use clap::{ValueEnum as _, builder::PossibleValue};

use crate::{
    client::Path,
    context::Context,
    deployment::COLUMNS,
    exit::{Exit, Failure},
    output,
};

/// How many items a list shows unless told otherwise.
pub(crate) const DEFAULT_LIMIT: u64 = 50;

/// List deployments: who deployed what, where, when and why.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  shiplog history service:checkout env:production since:7d
  shiplog history is:rollback 'duration:>5m' '\"read timeout\"'
  shiplog history -- -env:staging timeout
  shiplog history --status failed --actor ann --output csv --all")]
pub(crate) struct History {
    /// A search: words, `"phrases"`, `begin*` and terms such as `status:failed,cancelled`.
    ///
    /// All terms have to hold, and all flags. The keys of terms are service, env, version, status,
    /// actor, commit, label, artifact, intent, is, since, until, duration; `-` before a term leaves
    /// out what it finds, and comes after `--`. docs/search.md tells of each.
    #[arg(value_name = "TERM", conflicts_with = "q")]
    terms: Vec<String>,
    #[command(flatten)]
    filter: Filter,
    /// Only those of this version.
    #[arg(long)]
    version: Option<String>,
    /// Only those whose release was built from a commit that begins so, in capital or small letters.
    #[arg(long)]
    commit: Option<String>,
    /// Only those that put an artifact with this digest or name there.
    #[arg(long)]
    artifact: Option<String>,
    /// Only those that are: requested, started, succeeded, failed, cancelled, rejected.
    #[arg(long)]
    status: Option<String>,
    /// Only those that are for: deploy, `rollback`, `roll_forward`, retry, unknown.
    #[arg(long)]
    intent: Option<String>,
    /// Only those that were for their lane: new, rollback, reapply, restore.
    #[arg(long, value_name = "KIND")]
    classification: Option<String>,
    /// Only those with this label; may be repeated. A name that holds `=` or `:` is quoted: `"a:b"=c`.
    #[arg(long = "label", value_name = "NAME=VALUE")]
    labels: Vec<String>,
    /// Which come first.
    #[arg(long, value_enum)]
    order: Option<Order>,
    #[command(flatten)]
    page: PageArgs,
}

/// Which items come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Order {
    /// The newest ones.
    Newest,
    /// The oldest ones.
    Oldest,
}

/// Filters of every list of deployments.
#[derive(Debug, clap::Args)]
pub(crate) struct Filter {
    /// Only those of this service.
    #[arg(long)]
    service: Option<String>,
    /// Only those in this environment.
    #[arg(long)]
    environment: Option<String>,
    /// Only those that this actor asked for.
    #[arg(long, value_name = "ID")]
    actor: Option<String>,
    /// Only those since then: RFC 3339, a date, or how long ago (`2h`, `3d`).
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only those until then.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Search what was said.
    #[arg(short, long = "query", value_name = "SEARCH")]
    q: Option<String>,
}

/// How much of a list is wanted.
#[derive(Debug, clap::Args)]
pub(crate) struct PageArgs {
    /// How many at most.
    #[arg(long, value_name = "COUNT", default_value_t = DEFAULT_LIMIT,
        value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    /// All of them.
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

impl PageArgs {
    /// The most items that are wanted, if there is a most.
    pub(crate) fn limit(&self) -> Option<u64> {
        (!self.all).then_some(self.limit)
    }
}

impl Filter {
    /// Puts the filters into a query.
    pub(crate) fn onto(&self, path: Path, context: &Context<'_>) -> Result<Path, Failure> {
        let Self { service, environment, actor, since, until, q } = self;
        let instant = |flag, text: &Option<String>| {
            text.as_deref().map(|text| context.instant(flag, text)).transpose()
        };
        let (since, until) = (instant("--since", since)?, instant("--until", until)?);
        Ok(path
            .with_some("service", service.as_deref())
            .with_some("environment", environment.as_deref())
            .with_some("actor", actor.as_deref())
            .with_some("since", since.as_deref())
            .with_some("until", until.as_deref())
            .with_some("q", q.as_deref()))
    }
}

impl History {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let order = self.order.and_then(|order| order.to_possible_value());
        let terms = (!self.terms.is_empty()).then(|| self.terms.join(" "));
        let path = self
            .filter
            .onto(Path::literal("/v1/deployments"), context)?
            .with_some("version", self.version.as_deref())
            .with_some("commit", self.commit.as_deref())
            .with_some("artifact", self.artifact.as_deref())
            .with_some("status", self.status.as_deref())
            .with_some("intent", self.intent.as_deref())
            .with_some("classification", self.classification.as_deref())
            .with_some("q", terms.as_deref())
            .with_some("order", order.as_ref().map(PossibleValue::get_name));
        let path = self.labels.iter().fold(path, |path, label| path.with("label", label));
        pages(context, path, &self.page, &COLUMNS)
    }
}

/// Writes a list of the server's, and says on standard error if there is more or nothing.
pub(crate) fn pages(
    context: &mut Context<'_>,
    path: Path,
    page: &PageArgs,
    columns: &[output::Column],
) -> anyhow::Result<Exit> {
    let client = context.client()?;
    let mut pages = client.pages(path, page.limit());
    let count = output::list(context, columns, &mut pages)?;
    if count == 0 {
        context.say("nothing matches")?;
    } else if pages.has_more() {
        context.say(format!("{count} shown, there are more: see --limit and --all"))?;
    }
    Ok(Exit::Success)
}
