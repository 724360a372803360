//! Why a deployment was truly asked for, as a correction says.

use serde::{Deserialize, Serialize};
use shiplog_domain::lane::{DeploymentNumber, Intent};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{OneOfBuilder, RefOr, Schema, schema::ArrayBuilder},
};

use super::intent::{Kind, named, nullable, variant};
use crate::{
    problem::Problem,
    shapes::{Number, NumberGiven},
};

/// The most deployments that one rollback can be said to have taken back.
const MAX_REVERTS: usize = 1_000;

/// The intent that a deployment truly had, with what it refers to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TrueIntent {
    kind: Kind,
    /// What a rollback replays.
    #[serde(skip_serializing_if = "Option::is_none")]
    restores: Option<NumberGiven>,
    /// What a rollback takes back.
    #[serde(skip_serializing_if = "Option::is_none")]
    reverts: Option<Vec<NumberGiven>>,
    /// What a roll-forward mends.
    #[serde(skip_serializing_if = "Option::is_none")]
    mends: Option<NumberGiven>,
    /// What a retry repeats.
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<NumberGiven>,
}

fn number(number: NumberGiven) -> DeploymentNumber {
    DeploymentNumber(number.0)
}

impl TryFrom<TrueIntent> for Intent {
    type Error = Problem;

    fn try_from(given: TrueIntent) -> Result<Self, Problem> {
        let TrueIntent { kind, restores, reverts, mends, of } = given;
        let stray = [
            ("restores", restores.is_some() && kind != Kind::Rollback),
            ("reverts", reverts.is_some() && kind != Kind::Rollback),
            ("mends", mends.is_some() && kind != Kind::RollForward),
            ("of", of.is_some() && kind != Kind::Retry),
        ];
        if let Some((field, _)) = stray.iter().find(|(_, stray)| *stray) {
            let pointer = format!("/intent/{field}");
            return Err(Problem::at(pointer, "it says nothing about this kind"));
        }
        let reverts = reverts.unwrap_or_default();
        if reverts.len() > MAX_REVERTS {
            return Err(Problem::at("/intent/reverts", format!("it takes up to {MAX_REVERTS}")));
        }
        Ok(match kind {
            Kind::Deploy => Self::Deploy,
            Kind::Rollback => Self::Rollback {
                restores: restores.map(number),
                reverts: reverts.into_iter().map(number).collect(),
            },
            Kind::RollForward => Self::RollForward { mends: mends.map(number) },
            Kind::Retry => Self::Retry { of: of.map(number) },
            Kind::Unknown => Self::Unknown,
        })
    }
}

impl PartialSchema for TrueIntent {
    fn schema() -> RefOr<Schema> {
        let number = || nullable(named::<Number>());
        let reverts = ArrayBuilder::new().items(named::<Number>()).max_items(Some(MAX_REVERTS));
        OneOfBuilder::new()
            .item(variant("deploy", None))
            .item(
                variant("rollback", Some(("restores", number())))
                    .property("reverts", nullable(reverts)),
            )
            .item(variant("roll_forward", Some(("mends", number()))))
            .item(variant("retry", Some(("of", number()))))
            .item(variant("unknown", None))
            .into()
    }
}

impl ToSchema for TrueIntent {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Number::name().into(), Number::schema()));
    }
}
