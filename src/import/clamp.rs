//! Keeps the times of each lane in the order of its lines.

use std::collections::HashMap;

use jiff::Timestamp;

/// The latest time of each lane so far.
///
/// A function of the lines before, so that a file gives the same times however often it is read.
#[derive(Debug, Default)]
pub(super) struct Clamp {
    latest: HashMap<String, HashMap<String, Timestamp>>,
}

impl Clamp {
    /// The time that counts: never before that of an earlier line of the lane.
    pub(super) fn settle(
        &mut self,
        service: &str,
        environment: &str,
        time: Timestamp,
    ) -> Timestamp {
        if !self.latest.contains_key(environment) {
            self.latest.insert(environment.into(), HashMap::new());
        }
        let lanes = self.latest.entry(environment.into()).or_default();
        if let Some(latest) = lanes.get_mut(service) {
            *latest = time.max(*latest);
            return *latest;
        }
        lanes.insert(service.into(), time);
        time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_lane_never_goes_backwards() {
        let mut clamp = Clamp::default();
        let at = |minute: i64| Timestamp::from_second(minute * 60).unwrap();
        let mut settle = |service: &str, minute| clamp.settle(service, "production", at(minute));
        assert_eq!(settle("a", 5), at(5));
        assert_eq!(settle("a", 3), at(5));
        assert_eq!(settle("a", 4), at(5));
        assert_eq!(settle("b", 1), at(1));
        assert_eq!(settle("a", 6), at(6));
    }
}
