//! Guard rails, and how they are overridden.

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::{
    client::{Cause, Unwritten},
    exit::Failure,
};

/// The flags that go on although a rule says no.
#[derive(Debug, clap::Args)]
pub(crate) struct OverrideArgs {
    /// Go on although this guard rail says no; may be repeated.
    #[arg(long = "override", value_name = "RAIL", value_enum, requires = "override_reason")]
    rails: Vec<Rail>,
    /// Why it is overridden; everybody will read it.
    #[arg(long, value_name = "REASON", requires = "rails")]
    override_reason: Option<String>,
}

/// A rule that people switch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Rail {
    /// The environment is frozen.
    Freeze,
    /// Something else is in progress in the lane.
    #[value(alias = "one_at_a_time")]
    OneAtATime,
    /// Others have to agree first.
    Approvals,
    /// The release is blocked.
    Block,
}

impl OverrideArgs {
    /// What a request says of it.
    pub(crate) fn body(&self) -> Option<Value> {
        let Self { rails, override_reason } = self;
        let reason = override_reason.as_ref()?;
        let rails: Vec<_> = rails.iter().map(|rail| rail.wire()).collect();
        Some(json!({"rails": rails, "reason": reason}))
    }
}

impl Rail {
    fn wire(self) -> &'static str {
        match self {
            Self::Freeze => "freeze",
            Self::OneAtATime => "one_at_a_time",
            Self::Approvals => "approvals",
            Self::Block => "block",
        }
    }
}

/// The failure of a request of which nothing came, and how a rule that refused it is overridden.
pub(crate) fn explained(unwritten: Unwritten) -> Failure {
    let Unwritten { failure, cause } = unwritten;
    let rail = match &cause {
        Cause::Refused(code) => match code.as_str() {
            "frozen" => Some("freeze"),
            "in-progress" => Some("one-at-a-time"),
            "not-approved" => Some("approvals"),
            "blocked-release" => Some("block"),
            _ => None,
        },
        Cause::Away | Cause::Stale | Cause::Unacceptable | Cause::Denied => None,
    };
    let failure = failure.note("nothing was run");
    match rail {
        Some(rail) => failure.note(format!(
            "to go on all the same: --override {rail} --override-reason 'why', which is recorded"
        )),
        None => failure,
    }
}
