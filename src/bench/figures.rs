//! Rates, ratios and percentiles.

use std::time::Duration;

/// How many times `other` goes into `one`, to the thousandth; 0 where `other` is 0.
pub(super) fn ratio(one: u64, other: u64) -> f64 {
    thousandths((u128::from(one) * 1_000).checked_div(other.into()).unwrap_or_default())
}

/// A time in seconds, to the thousandth.
pub(super) fn seconds(time: Duration) -> f64 {
    thousandths(time.as_millis())
}

/// A time in milliseconds, to the thousandth.
pub(super) fn milliseconds(time: Duration) -> f64 {
    thousandths(time.as_micros())
}

fn thousandths(count: u128) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / 1_000.0
}

/// The nearest-rank percentile: the least sample that so many percent do not exceed.
///
/// `None` if there are no samples. They have to be sorted.
pub(super) fn percentile(sorted: &[Duration], percent: usize) -> Option<Duration> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn milliseconds_to(last: u64) -> Vec<Duration> {
        (1..=last).map(Duration::from_millis).collect()
    }

    #[test]
    fn a_percentile_is_the_sample_of_the_nearest_rank() {
        for (samples, percent, expected) in [
            (1, 50, 1),
            (1, 99, 1),
            (2, 50, 1),
            (3, 50, 2),
            (10, 99, 10),
            (100, 99, 99),
            (1_000, 50, 500),
            (1_000, 99, 990),
            (1_000, 100, 1_000),
        ] {
            let found = percentile(&milliseconds_to(samples), percent);
            assert_eq!(found, Some(Duration::from_millis(expected)), "{percent} of {samples}");
        }
        assert_eq!(percentile(&[], 50), None);
    }

    #[test]
    fn a_ratio_has_three_decimals_and_is_0_where_there_is_nothing_to_compare_with() {
        let shown = [(1, 3), (2, 1), (7, 0)].map(|(one, other)| ratio(one, other).to_string());
        assert_eq!(shown, ["0.333", "2", "0"]);
    }

    #[test]
    fn times_are_cut_to_the_thousandth() {
        let time = Duration::from_nanos(1_234_567_890);
        assert_eq!(
            [seconds(time), milliseconds(time)].map(|it| it.to_string()),
            ["1.234", "1234.567"]
        );
    }
}
