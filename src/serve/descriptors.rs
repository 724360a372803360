//! How many connections the system has descriptors for.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What connections leave to the log, the read models and the processes of scripts.
const KEPT: u64 = 256;

/// The most connections, unless somebody says otherwise.
const MOST: u64 = 4_096;

/// Raises how many descriptors there are as far as the system lets, and says how many connections that is
/// good for.
pub(super) fn connections() -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: maximum, maximum };
    let raised = setrlimit(Resource::Nofile, wanted).is_ok();
    let descriptors = if raised { maximum } else { current };
    let most = descriptors.map_or(MOST, good_for);
    usize::try_from(most).unwrap_or(usize::MAX)
}

/// All but what is kept, or half of them if there are few.
fn good_for(descriptors: u64) -> u64 {
    descriptors.saturating_sub(KEPT).max(descriptors / 2).clamp(1, MOST)
}

#[cfg(test)]
mod tests {
    use super::good_for;

    #[test]
    fn connections_leave_descriptors_for_the_log() {
        let found = [0, 64, 256, 400, 1_024, 1_048_576].map(good_for);
        assert_eq!(found, [1, 32, 128, 200, 768, 4_096]);
    }
}
