//! What callers say of a deployment that is recorded.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use shiplog_domain::{
    lane::{Correction, Happened, Health, Link, LinkKind, Rails},
    metadata::Actor,
    names::TargetName,
};
use utoipa::ToSchema;

use super::true_intent::TrueIntent;
use crate::{
    problem::Problem,
    shapes::{HealthWord, Moment, Name, Object, Prose, Text},
};

/// Something that a caller says of a deployment.
pub(super) trait Happening: Serialize + DeserializeOwned {
    /// When it happened, if the caller says so.
    fn at(&self) -> Option<Moment>;

    /// What it comes to, said by this actor.
    fn happened(self, by: &Actor) -> Result<Happened, Problem>;
}

macro_rules! happenings {
    ($($(#[$doc:meta])* $name:ident {
        $($(#[$field_doc:meta])* $field:ident: $type:ty,)*
    } => |$self:ident, $by:pat_param| $happened:expr;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $name {
            $(
                $(#[$field_doc])*
                $field: $type,
            )*
            /// When it happened; now unless something else is said. An approval, a rejection and a claim
            /// are of now, whatever is said.
            #[serde(skip_serializing_if = "Option::is_none")]
            at: Option<Moment>,
        }

        impl Happening for $name {
            fn at(&self) -> Option<Moment> {
                self.at
            }

            fn happened($self, $by: &Actor) -> Result<Happened, Problem> {
                $happened
            }
        }
    )+};
}

/// A text that is as long as any.
pub(crate) type Long = Text<0, 10_000>;

happenings! {
    /// It began; or, as a claim, whoever says so wants to begin it.
    Start {
        /// Whether it is asked for rather than reported: of several executors one gets it, and none
        /// before it is approved or while a guard rail stands in its way.
        #[serde(skip_serializing_if = "Option::is_none")]
        claim: Option<bool>,
        /// What carries it out.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>, max_length = 200)]
        executor: Option<Text<0, 200>>,
        /// Where its output can be read.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>, max_length = 2000)]
        log_url: Option<Text<0, 2_000>>,
    } => |self, _| {
        let (executor, log_url) = (self.executor.map(Into::into), self.log_url.map(Into::into));
        Ok(match self.claim {
            Some(true) => Happened::Claim { executor, log_url, rails: Rails::default() },
            Some(false) | None => Happened::Started { executor, log_url },
        })
    };

    /// It worked.
    Succeed {} => |self, _| Ok(Happened::Succeeded);

    /// It did not work.
    Fail {
        /// What went wrong.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>, max_length = 10000)]
        error: Option<Long>,
        /// In which step.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>, max_length = 200)]
        failed_step: Option<Text<0, 200>>,
        /// Where its output can be read.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>, max_length = 2000)]
        log_url: Option<Text<0, 2_000>>,
    } => |self, _| Ok(Happened::Failed {
        error: self.error.map(Into::into),
        failed_step: self.failed_step.map(Into::into),
        log_url: self.log_url.map(Into::into),
    });

    /// Somebody calls it off.
    Cancel {
        /// In their words.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>, max_length = 10000)]
        reason: Option<Long>,
    } => |self, _| Ok(Happened::Cancel { reason: self.reason.map(Into::into) });

    /// Somebody agrees to it; only a person can.
    Approve {
        /// In their words.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>, max_length = 10000)]
        comment: Option<Long>,
    } => |self, by| Ok(Happened::Approve {
        by: by.id.clone(),
        kind: by.kind,
        comment: self.comment.map(Into::into),
    });

    /// Somebody turns it down.
    Reject {
        /// In their words.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>, max_length = 10000)]
        reason: Option<Long>,
    } => |self, by| Ok(Happened::Reject {
        by: by.id.clone(),
        reason: self.reason.map(Into::into),
    });

    /// How it went on one target; only a target that `failed` has an `error`.
    TargetGiven {
        /// One machine, cluster or region.
        #[schema(value_type = Name)]
        target: TargetName,
        /// How far it has come there.
        status: TargetStatus,
        /// What went wrong.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>, max_length = 10000)]
        error: Option<Long>,
    } => |self, _| {
        let Self { target, status, error, at: _ } = self;
        match status {
            TargetStatus::Failed => {
                Ok(Happened::TargetFailed { target, error: error.map(Into::into) })
            }
            TargetStatus::Started | TargetStatus::Succeeded if error.is_some() => {
                Err(Problem::at("/error", "only a target that `failed` has one"))
            }
            TargetStatus::Started => Ok(Happened::TargetStarted(target)),
            TargetStatus::Succeeded => Ok(Happened::TargetSucceeded(target)),
        }
    };

    /// How the release is doing.
    HealthGiven {
        /// How.
        #[schema(value_type = HealthWord)]
        health: Health,
        /// Which monitor says so.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>, max_length = 200)]
        source: Option<Text<0, 200>>,
        /// In its words.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>, max_length = 10000)]
        detail: Option<Long>,
    } => |self, _| Ok(Happened::Health {
        health: self.health,
        source: self.source.map(Into::into),
        detail: self.detail.map(Into::into),
    });

    /// Something to write down about it.
    NoteGiven {
        /// What.
        text: Prose,
        /// What it points to: up to 100.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<Vec<LinkGiven>>, max_items = 100)]
        links: Option<Vec<Object<LinkGiven>>>,
    } => |self, _| {
        let links = self.links.unwrap_or_default();
        if links.len() > MAX_LINKS {
            return Err(Problem::at("/links", format!("it takes up to {MAX_LINKS}")));
        }
        let links = links.into_iter().map(|Object(link)| link.into()).collect();
        Ok(Happened::Annotate { text: self.text.into(), links })
    };

    /// What is wrong with its record: that it took place (`void`), why it was asked for (`intent`,
    /// with the true one), that it did harm (`blamed`), or that it did not after all (`cleared`).
    CorrectionGiven {
        /// What is wrong.
        kind: CorrectionKind,
        /// The true intent; only where `kind` is `intent`.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<TrueIntent>)]
        intent: Option<Object<TrueIntent>>,
        /// How that is known.
        reason: Prose,
    } => |self, _| {
        let correction = match (self.kind, self.intent) {
            (CorrectionKind::Intent, Some(Object(intent))) => {
                Correction::Intent { intent: intent.try_into()? }
            }
            (CorrectionKind::Intent, None) => {
                return Err(Problem::at("/intent", "missing field `intent`"));
            }
            (_, Some(_)) => {
                return Err(Problem::at("/intent", "only a correction of the intent has one"));
            }
            (CorrectionKind::Void, None) => Correction::Void,
            (CorrectionKind::Blamed, None) => Correction::Blamed,
            (CorrectionKind::Cleared, None) => Correction::Cleared,
        };
        Ok(Happened::Correct { correction, reason: self.reason.into() })
    };
}

impl Approve {
    /// Agrees, in these words.
    pub(crate) fn saying(comment: Option<Long>) -> Self {
        Self { comment, at: None }
    }
}

impl Reject {
    /// Turns it down for this reason.
    pub(crate) fn because(reason: Option<Long>) -> Self {
        Self { reason, at: None }
    }
}

/// The most links that a note has.
const MAX_LINKS: usize = 100;

/// How far a target has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum TargetStatus {
    Started,
    Succeeded,
    Failed,
}

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum CorrectionKind {
    Void,
    Intent,
    Blamed,
    Cleared,
}

/// A way to something that a deployment has to do with.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LinkGiven {
    /// What it leads to.
    #[schema(inline)]
    kind: LinkKindGiven,
    /// Where it leads.
    #[schema(value_type = String, min_length = 1, max_length = 2000)]
    url: Text<1, 2_000>,
}

/// What a link leads to.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum LinkKindGiven {
    Incident,
    Ticket,
    Change,
}

impl From<LinkGiven> for Link {
    fn from(LinkGiven { kind, url }: LinkGiven) -> Self {
        let kind = match kind {
            LinkKindGiven::Incident => LinkKind::Incident,
            LinkKindGiven::Ticket => LinkKind::Ticket,
            LinkKindGiven::Change => LinkKind::Change,
        };
        Self { kind, url: url.into() }
    }
}
