//! Which way out is asked for, and the request that takes it.

use serde_json::{Value, json};
use shiplog_domain::{
    lane::{Asked, DeploymentNumber, Irreversible, LaneId, Rail, RollbackTo},
    names::Version,
    release::{Manifest, ReleaseId},
};
use shiplog_projections::{releases, view::View};

use crate::{
    app::App,
    body,
    deployments::{DeploymentRequest, MAX_SHOWN},
    path,
    problem::{FieldError, Problem, ProblemKind},
    query::Query,
    shapes::{IrreversibleShape, Release},
    views::AtLeast,
};

/// What the address of a confirmation may hold.
pub(super) const PARAMETERS: [&str; 4] = ["to", "of", "mends", "release"];

/// What its form brings besides.
pub(super) const FIELDS: [&str; 4] = ["reason", "confirm", "override", "override_reason"];

/// One of the three ways out.
#[derive(Clone, Debug)]
pub(super) enum Way {
    /// To an earlier release; to the one before unless something else is said.
    Rollback { to: Option<DeploymentNumber> },
    /// The same again.
    Retry { of: Option<DeploymentNumber> },
    /// To another release.
    RollForward { mends: Option<DeploymentNumber>, release: Version },
}

fn number(query: &mut Query, name: &str) -> Result<Option<DeploymentNumber>, Problem> {
    query.read(name, |text| {
        path::number(text).ok_or_else(|| format!("`{text}` is not a deployment's number"))
    })
}

impl Way {
    pub(super) fn rollback(query: &mut Query) -> Result<Self, Problem> {
        Ok(Self::Rollback { to: number(query, "to")? })
    }

    pub(super) fn retry(query: &mut Query) -> Result<Self, Problem> {
        Ok(Self::Retry { of: number(query, "of")? })
    }

    pub(super) fn roll_forward(query: &mut Query) -> Result<Self, Problem> {
        let release = query.parsed("release")?;
        let release = release.ok_or_else(|| Problem::at("?release", "name a version"))?;
        Ok(Self::RollForward { mends: number(query, "mends")?, release })
    }

    pub(super) fn title(&self, lane: &LaneId) -> String {
        let LaneId { service, environment } = lane;
        match self {
            Self::Rollback { .. } => format!("Roll back {service} in {environment}"),
            Self::Retry { .. } => format!("Try {service} in {environment} again"),
            Self::RollForward { .. } => format!("Roll {service} in {environment} forward"),
        }
    }

    /// The last part of its address.
    pub(super) fn path(&self) -> &'static str {
        match self {
            Self::Rollback { .. } => "rollback",
            Self::Retry { .. } => "retry",
            Self::RollForward { .. } => "roll-forward",
        }
    }

    /// Whether it goes back.
    pub(super) fn goes_back(&self) -> bool {
        matches!(self, Self::Rollback { .. })
    }

    /// What the form has to bring along, by name; a rollback's number is what the plan comes to.
    pub(super) fn hidden(&self, plan: Option<u32>) -> Vec<(&'static str, String)> {
        let text = |number: &Option<DeploymentNumber>| number.map(|number| number.0.to_string());
        let fields = match self {
            Self::Rollback { .. } => vec![("to", plan.map(|number| number.to_string()))],
            Self::Retry { of } => vec![("of", text(of))],
            Self::RollForward { mends, release } => {
                vec![("mends", text(mends)), ("release", Some(release.to_string()))]
            }
        };
        fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// What it asks of the lane.
    pub(super) async fn asked(
        &self,
        app: &App,
        at_least: &AtLeast,
        lane: &LaneId,
    ) -> Result<Asked, Problem> {
        Ok(match self {
            Self::Rollback { to } => Asked::Rollback {
                to: to.map_or(RollbackTo::Previous, RollbackTo::Number),
                release: None,
            },
            Self::Retry { of } => Asked::Retry { of: *of },
            Self::RollForward { mends, release } => Asked::RollForward {
                release: known(app, at_least, lane, release).await?,
                mends: *mends,
            },
        })
    }

    /// The request that takes it: what the API would have been sent.
    pub(super) async fn request(
        &self,
        app: &App,
        at_least: &AtLeast,
        lane: &LaneId,
        (entered, shown): (&Entered, Vec<Irreversible>),
    ) -> Result<DeploymentRequest, Problem> {
        let intent = match self {
            Self::Rollback { to: Some(to) } => json!({"kind": "rollback", "to": to}),
            Self::Rollback { to: None } => json!({"kind": "rollback"}),
            Self::Retry { of } => json!({"kind": "retry", "of": of}),
            Self::RollForward { mends, .. } => json!({"kind": "roll_forward", "mends": mends}),
        };
        let mut fields = vec![
            ("service", json!(lane.service)),
            ("environment", json!(lane.environment)),
            ("intent", intent),
            ("reason", json!(entered.reason)),
        ];
        if let Self::RollForward { release, .. } = self {
            fields.push((
                "release",
                json!(Release::from(&known(app, at_least, lane, release).await?)),
            ));
        }
        if !shown.is_empty() {
            let shown: Vec<_> =
                shown.into_iter().take(MAX_SHOWN).map(IrreversibleShape::from).collect();
            fields.push(("acknowledged", json!(shown)));
        }
        if !entered.overrides.is_empty() {
            let reason = &entered.override_reason;
            fields.push(("override", json!({"rails": entered.overrides, "reason": reason})));
        }
        let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        body::parse(Value::Object(fields).to_string().as_bytes())
    }
}

/// A release as it is known.
async fn known(
    app: &App,
    at_least: &AtLeast,
    lane: &LaneId,
    version: &Version,
) -> Result<Manifest, Problem> {
    at_least.seen_by(&app.models.releases).await?;
    let id = ReleaseId { service: lane.service.clone(), version: version.clone() };
    let ask = move |view: &View<'_>| releases::one(view, &id);
    let found = app.models.releases.query(ask).await?.value;
    found.map(|row| row.manifest).ok_or_else(|| {
        let service = &lane.service;
        ProblemKind::NotFound.because(format!("there is no release `{version}` of `{service}`"))
    })
}

/// What somebody has filled in, and what is wrong with it.
#[derive(Default)]
pub(super) struct Entered {
    pub(super) actor: String,
    pub(super) reason: String,
    pub(super) confirm: String,
    /// The guard rails to cross, by their words.
    pub(super) overrides: Vec<String>,
    pub(super) override_reason: String,
    pub(super) errors: Vec<FieldError>,
}

impl Entered {
    pub(super) fn of(fields: &mut Query) -> Self {
        let text = |name| {
            let text = fields.peek(name).unwrap_or_default().replace("\r\n", "\n");
            text.trim().to_owned()
        };
        Self {
            actor: text("actor"),
            reason: text("reason"),
            confirm: text("confirm"),
            override_reason: text("override_reason"),
            overrides: fields.all("override"),
            errors: Vec::new(),
        }
    }

    /// Whether a guard rail is to be crossed.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass references")]
    pub(super) fn crosses(&self, rail: &Rail) -> bool {
        self.overrides.iter().any(|word| word == rail.as_str())
    }
}
