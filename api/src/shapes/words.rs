//! Schemas of words and names that the domain owns; nothing here is ever a value.

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

/// No control characters: what [`shiplog_domain::names`] takes.
pub(crate) const CONTROL_FREE: &str = r"^[^\x00-\x1f\x7f-\x9f]+$";

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident as $title:literal = $($word:literal)|+;)+) => {$(
        $(#[$doc])*
        pub(crate) enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .enum_values(Some([$($word),+]))
                    .into()
            }
        }

        impl ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                $title.into()
            }
        }
    )+};
}

words! {
    /// How far a deployment has come.
    StatusWord as "Status" =
        "requested" | "rejected" | "started" | "succeeded" | "failed" | "cancelled";
    /// How far a deployment has come that has not ended.
    ProgressWord as "Progress" = "requested" | "waiting for approval" | "queued" | "running";
    /// What a deployment was, seen from the lane's past.
    ClassificationWord as "Classification" = "new" | "rollback" | "reapply" | "restore";
    /// How much depends on an environment.
    TierWord as "Tier" = "production" | "staging" | "testing" | "development" | "other";
    /// What can stand in the way of a deployment.
    RailWord as "Rail" = "freeze" | "one_at_a_time" | "approvals" | "block";
    /// What became of a release that was taken back.
    FateWord as "Fate" = "deployed_again" | "fixed" | "not_redeployed";
    /// How a release is doing.
    HealthWord as "Health" = "healthy" | "degraded" | "unhealthy";
}

/// The name of a service, an environment, a version or a target.
pub(crate) enum Name {}

impl PartialSchema for Name {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(200))
            .pattern(Some(CONTROL_FREE))
            .description(Some("1 to 200 characters, any but control characters"))
            .into()
    }
}

impl ToSchema for Name {}

/// A deployment's place in its lane.
pub(crate) enum Number {}

impl PartialSchema for Number {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(1))
            .maximum(Some(u32::MAX))
            .into()
    }
}

impl ToSchema for Number {}

/// A consistency token.
pub(crate) enum Token {}

impl PartialSchema for Token {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[0-9a-f]{8}:[0-9]{1,18}$"))
            .description(Some("a position in a log: `9f2c01aa:1834`"))
            .into()
    }
}

impl ToSchema for Token {}

/// Why a deployment was asked for.
#[derive(ToSchema)]
#[schema(as = Intent)]
#[expect(dead_code, reason = "only its schema counts; `Intent` is what is written")]
pub(crate) struct IntentShape {
    /// What for.
    #[schema(value_type = IntentWord)]
    kind: String,
    /// The deployment that a rollback replays.
    #[schema(value_type = Option<Number>)]
    restores: Option<u32>,
    /// The deployments that a rollback takes back, newest first.
    #[schema(value_type = Option<Vec<Number>>)]
    reverts: Option<Vec<u32>>,
    /// The deployment that a roll-forward mends.
    #[schema(value_type = Option<Number>)]
    mends: Option<u32>,
    /// The deployment that a retry repeats.
    #[schema(value_type = Option<Number>)]
    of: Option<u32>,
}

words! {
    /// Why a deployment was asked for, in one word.
    IntentWord as "IntentKind" = "deploy" | "rollback" | "roll_forward" | "retry" | "unknown";
    /// What a link leads to.
    LinkWord as "LinkKind" = "incident" | "ticket" | "change";
}

/// A way to something that a deployment has to do with.
#[derive(ToSchema)]
#[schema(as = Link)]
#[expect(dead_code, reason = "only its schema counts; the domain's type is what is written")]
pub(crate) struct LinkShape {
    /// What it leads to.
    #[schema(value_type = LinkWord)]
    kind: String,
    /// Where it leads.
    url: String,
}
