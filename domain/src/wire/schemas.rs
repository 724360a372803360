//! What each event is called on the wire, and which schema is its newest.
//!
//! A step that lifts an older schema goes into the family's `upcasters`.

use super::{Upcaster, wire_events};
use crate::{environment, lane, projection, release};

wire_events! {
    lane::Event {
        Requested = "DeploymentRequested", schema 3, readable from 1, essential;
        Approved = "DeploymentApproved", schema 1, readable from 1, ignorable;
        Rejected = "DeploymentRejected", schema 1, readable from 1, essential;
        Started = "DeploymentStarted", schema 1, readable from 1, essential;
        TargetStarted = "TargetStarted", schema 1, readable from 1, ignorable;
        TargetSucceeded = "TargetSucceeded", schema 1, readable from 1, ignorable;
        TargetFailed = "TargetFailed", schema 1, readable from 1, ignorable;
        Succeeded = "DeploymentSucceeded", schema 1, readable from 1, essential;
        Failed = "DeploymentFailed", schema 1, readable from 1, essential;
        Cancelled = "DeploymentCancelled", schema 1, readable from 1, essential;
        Health = "HealthReported", schema 1, readable from 1, ignorable;
        Annotated = "DeploymentAnnotated", schema 1, readable from 1, ignorable;
        Corrected = "DeploymentCorrected", schema 1, readable from 1, essential;
        Removed = "ServiceRemoved", schema 1, readable from 1, essential;
    }
    // Schema 2 added `approvals`, `crosses` and `acknowledged`; 3 added `configuration`, and to
    // artifacts `mediaType`.
    upcasters &[
        Upcaster { event_type: "DeploymentRequested", from: 1, lift: None },
        Upcaster { event_type: "DeploymentRequested", from: 2, lift: None },
    ]
}

wire_events! {
    release::Event {
        Registered = "ReleaseRegistered", schema 2, readable from 1, ignorable;
        Blocked = "ReleaseBlocked", schema 1, readable from 1, ignorable;
        Unblocked = "ReleaseUnblocked", schema 1, readable from 1, ignorable;
    }
    // Schema 2 added `mediaType` to artifacts.
    upcasters &[Upcaster { event_type: "ReleaseRegistered", from: 1, lift: None }]
}

wire_events! {
    environment::Event {
        Declared = "EnvironmentDeclared", schema 1, readable from 1, ignorable;
        Frozen = "EnvironmentFrozen", schema 1, readable from 1, ignorable;
        Unfrozen = "EnvironmentUnfrozen", schema 1, readable from 1, ignorable;
        Retired = "EnvironmentRetired", schema 1, readable from 1, ignorable;
    }
    upcasters &[]
}

wire_events! {
    projection::Event {
        Defined = "ProjectionDefined", schema 1, readable from 1, ignorable;
        Paused = "ProjectionPaused", schema 1, readable from 1, ignorable;
        Resumed = "ProjectionResumed", schema 1, readable from 1, ignorable;
        Dropped = "ProjectionDropped", schema 1, readable from 1, ignorable;
    }
    upcasters &[]
}
