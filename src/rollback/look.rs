//! What is known of a rollback before it is asked for: what it leaves, and what speaks against it.

use serde_json::Value;

use super::goal::Goal;
use crate::{
    client::{Client, deployment_path},
    deployment::{name, place},
    exit::{Exit, Failure},
    instant::Watch,
    recover::{change_made, left, objections, quoted},
    reference::Reference,
};

/// What recovery tells of what is to be left; null if nothing is there to be left.
#[derive(Debug)]
pub(super) struct Look(Value);

impl Look {
    /// Asks for it, of a lane as it was seen.
    pub(super) fn at(
        client: &Client,
        reference: &Reference,
        lane: &Value,
    ) -> Result<Self, Failure> {
        let Some(left) = left(lane) else { return Ok(Self(Value::Null)) };
        let path = deployment_path(&reference.service, &reference.environment, left);
        Ok(Self(client.get(&path.join("recovery"))?.body))
    }

    /// `1.5.0 (#41)`: what is left.
    pub(super) fn left(&self) -> String {
        super::describe(self.0.get("deployment"))
    }

    /// What speaks against what is meant, a line each; none of it keeps anybody from it.
    pub(super) fn warnings(&self, goal: &Goal, watch: &Watch) -> Vec<String> {
        let Some(meant) = self.meant(goal) else { return Vec::new() };
        let back = place(meant);
        let said = objections(meant, watch);
        let said = said.into_iter().map(|why| format!("speaks against {back}: {why}"));
        let crossed = meant.get("irreversible").and_then(Value::as_array).into_iter().flatten();
        let crossed = crossed.map(|change| {
            format!("cannot be undone: {}; {back} may not work after it", change_made(change))
        });
        said.chain(crossed).collect()
    }

    /// The irreversible changes that were shown, for the record.
    pub(super) fn acknowledged(&self, goal: &Goal) -> Option<Value> {
        let meant = self.meant(goal)?;
        let crossed = meant.get("irreversible").and_then(Value::as_array)?;
        let is_any = !crossed.is_empty();
        is_any.then(|| meant.pointer("/call/body/acknowledged").cloned())?
    }

    /// The refusal to choose a release, with what speaks against each on a line of its own.
    pub(super) fn nothing_sound(&self, refused: &Failure, watch: &Watch) -> Option<Failure> {
        let candidates = self.candidates();
        let first = candidates.first()?;
        let message = "something speaks against every earlier release; name the one to go back to";
        let told = candidates.iter().fold(Failure::new(Exit::Refused, message), |told, one| {
            let why = objections(one, watch).join("; ");
            told.note(format!("  {}: {why}", place(one)))
        });
        let deployment = self.0.get("deployment").unwrap_or(&Value::Null);
        let name = name(deployment);
        let lane = name.rsplit_once('#').map_or(name.as_str(), |(lane, _)| lane);
        let number = first.get("number").cloned().unwrap_or_default();
        let command = format!("shiplog rollback {} --to '#{number}' --reason WHY", quoted(lane));
        let told = told.note(format!("as in: {command}"));
        Some(refused.notes().iter().fold(told, Failure::note))
    }

    fn candidates(&self) -> &[Value] {
        let candidates = self.0.pointer("/rollback/candidates").and_then(Value::as_array);
        candidates.map_or(&[], Vec::as_slice)
    }

    fn meant(&self, goal: &Goal) -> Option<&Value> {
        self.candidates().iter().find(|one| match goal {
            Goal::Previous => one.get("number") == self.0.pointer("/rollback/previous"),
            Goal::Number(number) | Goal::Plain(number) => {
                one.get("number") == Some(&(*number).into())
            }
            Goal::Version(version) => one.get("version") == Some(&version.as_str().into()),
        })
    }
}
