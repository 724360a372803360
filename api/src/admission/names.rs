//! Names that are new: how they are kept, and which known ones they look like.

use shiplog_domain::{
    lane::{Asked, Command, DeploymentNumber, Happened, LaneId, State},
    names::{EnvironmentName, NameError, ServiceName, Version},
    release::{Manifest, ReleaseId},
};
use shiplog_projections::{
    current::{self, KnownNames},
    models::Model,
    releases,
    view::View,
};

use super::{
    Admission,
    similar::{ENVIRONMENT, REMEDY, SERVICE, similar, similar_to},
    warning::Warning,
};
use crate::{problem::Problem, views::PATIENCE};

/// How a name is used, and so what is made of one that is new and looks like a known one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// Something is asked for: it is refused.
    Asked,
    /// Something is asked for, and the caller says that the name is meant.
    Meant,
    /// Something is reported: it is recorded, and warned of.
    Reported,
}

impl Use {
    /// Something is asked for by a caller who says so much of the name.
    pub(crate) fn of(new_name: Option<bool>) -> Self {
        if new_name == Some(true) { Self::Meant } else { Self::Asked }
    }
}

impl Admission {
    /// The lane as it is recorded, and what is to be warned of.
    ///
    /// A lane that is there is meant as it is written, whatever is in its names. Of one that is not, names
    /// that nobody recorded yet are kept as [`ServiceName::as_new`] says.
    pub(crate) async fn name_lane(
        &self,
        lane: LaneId,
        used: Use,
    ) -> Result<(LaneId, Vec<Warning>), Problem> {
        if self.is_there(&lane).await? {
            return Ok((lane, Vec::new()));
        }
        let known = self.known_names(used, |known| known.has(&lane)).await;
        self.name_lane_among(lane, used, &known).await
    }

    /// The same, where these names are known.
    pub(crate) async fn name_lane_among(
        &self,
        lane: LaneId,
        used: Use,
        known: &KnownNames,
    ) -> Result<(LaneId, Vec<Warning>), Problem> {
        if known.has(&lane) || self.is_there(&lane).await? {
            return Ok((lane, Vec::new()));
        }
        let lane = settled(lane, known)?;
        if used == Use::Meant || self.is_there(&lane).await? {
            return Ok((lane, Vec::new()));
        }
        let mut warnings = similar_to(&lane, known);
        match used {
            Use::Asked if !warnings.is_empty() => Err(warnings.remove(0).refused(REMEDY)),
            Use::Asked | Use::Meant | Use::Reported => Ok((lane, warnings)),
        }
    }

    async fn is_there(&self, lane: &LaneId) -> Result<bool, Problem> {
        Ok(self.lanes.read(&lane.stream(), |_, version| version.is_some()).await?)
    }

    /// As [`Self::name_lane`], for an environment by itself.
    pub(crate) async fn name_environment(
        &self,
        name: EnvironmentName,
        used: Use,
    ) -> Result<EnvironmentName, Problem> {
        let stream = shiplog_domain::environment::stream(&name);
        if self.environments.read(&stream, |_, version| version.is_some()).await? {
            return Ok(name);
        }
        let is_old = |known: &KnownNames| known.environments.contains(name.as_str());
        let known = self.known_names(used, is_old).await;
        let name = settled_environment(name, &known).map_err(|error| unfit("{name}", &error))?;
        match (used, known.environments.like(name.as_str())) {
            (Use::Asked, Some(known)) => {
                Err(similar(("{name}", "environment"), name.as_str(), known).refused(REMEDY))
            }
            (Use::Asked | Use::Meant | Use::Reported, _) => Ok(name),
        }
    }

    /// As [`Self::name_lane`], for a release. Only its service is compared: versions differ by little.
    pub(crate) async fn name_release(
        &self,
        id: ReleaseId,
        used: Use,
    ) -> Result<ReleaseId, Problem> {
        if self.releases.read(&id.stream(), |_, version| version.is_some()).await? {
            return Ok(id);
        }
        let is_old = |known: &KnownNames| known.services.contains(id.service.as_str());
        let known = self.known_names(used, is_old).await;
        let ReleaseId { service, version } = id;
        let service =
            settled_service(service, &known).map_err(|error| unfit("{service}", &error))?;
        match (used, known.services.like(service.as_str())) {
            (Use::Asked, Some(known)) => {
                return Err(
                    similar(("{service}", "service"), service.as_str(), known).refused(REMEDY)
                );
            }
            (Use::Asked | Use::Meant | Use::Reported, _) => {}
        }
        let version = self.settled_version(&service, version, "{version}").await?;
        Ok(ReleaseId { service, version })
    }

    /// Has a report about a target name it as it is recorded.
    pub(crate) async fn name_target(
        &self,
        lane: &LaneId,
        number: DeploymentNumber,
        happened: &mut Happened,
    ) -> Result<(), Problem> {
        let (Happened::TargetStarted(target)
        | Happened::TargetSucceeded(target)
        | Happened::TargetFailed { target, .. }) = happened
        else {
            return Ok(());
        };
        let new = target.as_new();
        if new.as_ref() == Ok(target) {
            return Ok(());
        }
        let is_known = |state: &State, _: Option<_>| {
            state.deployment(number).is_some_and(|one| one.targets.contains_key(target))
        };
        if !self.lanes.read(&lane.stream(), is_known).await? {
            *target = new.map_err(|error| unfit("/target", &error))?;
        }
        Ok(())
    }

    /// Has a command carry the version as it is recorded.
    pub(crate) async fn name_version(
        &self,
        service: &ServiceName,
        command: &mut Command,
    ) -> Result<(), Problem> {
        let Some(release) = brought(command) else { return Ok(()) };
        let version = release.version.clone();
        release.version = self.settled_version(service, version, "/release/version").await?;
        Ok(())
    }

    async fn settled_version(
        &self,
        service: &ServiceName,
        version: Version,
        pointer: &str,
    ) -> Result<Version, Problem> {
        let new = version.as_new();
        if new.as_ref() == Ok(&version) || self.is_known(service, &version).await? {
            return Ok(version);
        }
        new.map_err(|error| unfit(pointer, &error))
    }

    async fn is_known(&self, service: &ServiceName, version: &Version) -> Result<bool, Problem> {
        let Some(models) = &self.models else { return Ok(false) };
        let id = ReleaseId { service: service.clone(), version: version.clone() };
        self.level(&models.releases).await;
        let ask = move |view: &View<'_>| releases::one(view, &id);
        Ok(models.releases.query(ask).await?.value.is_some())
    }

    /// The names that are recorded.
    ///
    /// What is asked for waits, for a while, until the read model knows all of them, unless those it
    /// already knows are `enough`. What is reported is recorded anyway, and does not wait. A read model that
    /// is behind or fails keeps nobody from recording: what it knows is what names are compared with.
    pub(crate) async fn known_names(
        &self,
        used: Use,
        enough: impl Fn(&KnownNames) -> bool,
    ) -> KnownNames {
        let Some(models) = &self.models else { return KnownNames::default() };
        let known = read(&models.current).await;
        match used {
            Use::Asked if !enough(&known) => {
                self.level(&models.current).await;
                read(&models.current).await
            }
            Use::Asked | Use::Meant | Use::Reported => known,
        }
    }

    /// Waits, for a while, until a read model knows of all that is recorded.
    async fn level(&self, model: &Model) {
        if let Ok(Some(head)) = self.log.head().await {
            // Being behind is no error: see `known_names`.
            let _ = model.at_least(head, PATIENCE).await;
        }
    }
}

async fn read(model: &Model) -> KnownNames {
    model.query(current::known_names).await.map(|known| known.value).unwrap_or_default()
}

/// Knows the names of a lane from now on.
pub(crate) fn learn(known: &mut KnownNames, LaneId { service, environment }: &LaneId) {
    known.services.insert(service.as_str());
    known.environments.insert(environment.as_str());
}

/// A lane whose names are as they are recorded.
fn settled(lane: LaneId, known: &KnownNames) -> Result<LaneId, Problem> {
    let LaneId { service, environment } = lane;
    let service = settled_service(service, known).map_err(|error| unfit(SERVICE, &error))?;
    let environment = settled_environment(environment, known);
    let environment = environment.map_err(|error| unfit(ENVIRONMENT, &error))?;
    Ok(LaneId { service, environment })
}

fn settled_service(name: ServiceName, known: &KnownNames) -> Result<ServiceName, NameError> {
    if known.services.contains(name.as_str()) { Ok(name) } else { name.as_new() }
}

fn settled_environment(
    name: EnvironmentName,
    known: &KnownNames,
) -> Result<EnvironmentName, NameError> {
    if known.environments.contains(name.as_str()) { Ok(name) } else { name.as_new() }
}

/// The release that a command brings along.
fn brought(command: &mut Command) -> Option<&mut Manifest> {
    let asked = match command {
        Command::Request { request, .. } => &mut request.asked,
        Command::Report(report) => &mut report.request.asked,
        Command::Deployment { .. } | Command::Remove { .. } => return None,
    };
    match asked {
        Asked::Deploy(release)
        | Asked::Unknown(release)
        | Asked::RollForward { release, .. }
        | Asked::Rollback { release: Some(release), .. } => Some(release),
        Asked::Rollback { release: None, .. } | Asked::Retry { .. } => None,
    }
}

fn unfit(pointer: &str, error: &NameError) -> Problem {
    Problem::at(pointer, error.to_string())
}
