//! Chance that repeats itself: the same seed, the same history.

use jiff::SignedDuration;

/// A source of numbers that look random and follow from the seed alone.
///
/// # Source
///
/// `SplitMix64`: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators" (2014).
#[derive(Clone, Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    /// Starts from a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `bound`; 0 if that is 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let product = u128::from(self.number()) * (bound as u128);
        usize::try_from(product >> 64).unwrap_or_default()
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn range(&mut self, low: u32, high: u32) -> u32 {
        let width = usize::try_from(high.saturating_sub(low)).unwrap_or(usize::MAX);
        let above = self.below(width.saturating_add(1));
        low.saturating_add(u32::try_from(above).unwrap_or_default())
    }

    /// Whether something comes true that does so `permille` times in a thousand.
    pub(crate) fn comes_true(&mut self, permille: u32) -> bool {
        self.range(0, 999) < permille
    }

    /// One of several; the default if there are none.
    pub(crate) fn pick<T: Copy + Default>(&mut self, from: &[T]) -> T {
        let index = self.below(from.len());
        from.get(index).copied().unwrap_or_default()
    }

    /// So many hexadecimal digits.
    pub(crate) fn hex(&mut self, digits: usize) -> String {
        let mut text = String::with_capacity(digits + 16);
        while text.len() < digits {
            let digits = format!("{:016x}", self.number());
            text.push_str(&digits);
        }
        text.truncate(digits);
        text
    }

    /// A length between two numbers of seconds, to the millisecond.
    pub(crate) fn seconds(&mut self, low: u32, high: u32) -> SignedDuration {
        let millis = self.range(low.saturating_mul(1_000), high.saturating_mul(1_000));
        SignedDuration::from_millis(millis.into())
    }

    /// A length between two numbers of minutes, to the millisecond.
    pub(crate) fn minutes(&mut self, low: u32, high: u32) -> SignedDuration {
        self.seconds(low.saturating_mul(60), high.saturating_mul(60))
    }

    /// A part of a length, between two numbers of percent.
    pub(crate) fn part(&mut self, of: SignedDuration, low: u32, high: u32) -> SignedDuration {
        let share = self.range(low.saturating_mul(1_000), high.saturating_mul(1_000));
        let millis = of.as_millis() * i128::from(share) / 100_000;
        SignedDuration::from_millis(i64::try_from(millis).unwrap_or(i64::MAX / 4))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_numbers_of_the_paper() {
        let mut chance = Chance::new(1_234_567);
        let numbers = [chance.number(), chance.number()];
        assert_eq!(numbers, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn what_is_drawn_stays_within_its_bounds_and_reaches_them() {
        let mut chance = Chance::new(7);
        let drawn: Vec<_> = (0..1_000).map(|_| chance.range(3, 6)).collect();
        assert_eq!((drawn.iter().min(), drawn.iter().max()), (Some(&3), Some(&6)));
        assert_eq!(chance.below(0), 0);
        assert_eq!(chance.pick::<u8>(&[]), 0);
        assert_eq!(chance.hex(40).len(), 40);
    }
}
