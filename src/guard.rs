//! Guard rails, and the flags that cross them.

use clap::ValueEnum as _;
use serde_json::{Value, json};

use crate::{
    client::{Cause, Unwritten},
    exit::Failure,
};

/// The flags of commands that ask for a deployment.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct OverrideArgs {
    /// A guard rail to cross, if it stands in the way; may be repeated.
    #[arg(long = "override", value_name = "RAIL", value_enum, requires = "override_reason")]
    rails: Vec<Rail>,
    /// Why it is crossed; everybody will read it.
    #[arg(long, value_name = "TEXT", requires = "rails")]
    override_reason: Option<String>,
}

/// The flag of commands that may name a service or an environment first.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(crate) struct NewNameArgs {
    /// A new name is meant, although only case, blanks or Unicode form tell it from a known one.
    #[arg(long)]
    new_name: bool,
}

impl NewNameArgs {
    /// What a request says of it.
    pub(crate) fn wire(self) -> Option<Value> {
        self.new_name.then_some(Value::Bool(true))
    }
}

/// What can stand in the way of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Rail {
    /// The environment is frozen.
    Freeze,
    /// One is in progress, and the environment takes one at a time in a lane.
    #[value(alias = "one_at_a_time")]
    OneAtATime,
    /// People have to agree first.
    Approvals,
    /// The release is blocked.
    Block,
}

impl OverrideArgs {
    /// What a request says of it.
    pub(crate) fn wire(self) -> Option<Value> {
        let Self { rails, override_reason } = self;
        let reason = override_reason?;
        let names = rails.iter().filter_map(Rail::to_possible_value);
        let names: Vec<_> = names.map(|rail| rail.get_name().replace('-', "_")).collect();
        Some(json!({"rails": names, "reason": reason}))
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
        Cause::Away | Cause::Damaged(_) | Cause::Stale | Cause::Unacceptable | Cause::Denied => {
            None
        }
    };
    let failure = failure.note("nothing was run");
    match rail {
        Some(rail) => failure
            .note(format!("to cross it, on the record: --override {rail} --override-reason 'why'")),
        None => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rails_are_said_as_the_server_calls_them() {
        let rails = vec![Rail::Freeze, Rail::OneAtATime];
        let given = OverrideArgs { rails, override_reason: Some("orders are lost".into()) };
        let expected = json!({"rails": ["freeze", "one_at_a_time"], "reason": "orders are lost"});
        assert_eq!(given.wire(), Some(expected));
        assert_eq!(OverrideArgs::default().wire(), None);
    }
}
