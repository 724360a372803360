//! How far a deployment has come that has not ended, in the words that everybody uses for it.

/// How far a deployment has come that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It was asked for, and nothing keeps it from beginning.
    Requested,
    /// People have to agree before it may begin.
    WaitingForApproval {
        /// How many have agreed.
        given: u8,
        /// How many have to.
        needed: u8,
    },
    /// Another one of its lane has begun and not ended.
    Queued,
    /// It has begun.
    Running,
}

impl Progress {
    /// Of one that has not begun: with its approvals, and whether another one has begun.
    pub(super) fn of_waiting(approvals: Option<(u8, u8)>, is_behind: bool) -> Self {
        match approvals {
            Some((given, needed)) if given < needed => Self::WaitingForApproval { given, needed },
            Some(_) | None if is_behind => Self::Queued,
            Some(_) | None => Self::Requested,
        }
    }

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::WaitingForApproval { .. } => "waiting for approval",
            Self::Queued => "queued",
            Self::Running => "running",
        }
    }
}

impl std::fmt::Display for Progress {
    /// `waiting for approval (0 of 1)`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::WaitingForApproval { given, needed } => {
                write!(f, "{} ({given} of {needed})", self.as_str())
            }
            Self::Requested | Self::Queued | Self::Running => f.write_str(self.as_str()),
        }
    }
}
