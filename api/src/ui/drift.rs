//! How two versions compare, where they can be compared.

use std::cmp::Ordering;

/// Compares two versions as semantic versioning does; none if one of them is no such version.
///
/// A leading `v` says nothing, and neither does what comes after a `+`: versions that are equal here
/// may well be different ones.
pub(super) fn compare(one: &str, other: &str) -> Option<Ordering> {
    let (one, other) = (Semver::read(one)?, Semver::read(other)?);
    Some(one.numbers.cmp(&other.numbers).then_with(|| one.compare_pre(&other)))
}

struct Semver<'t> {
    numbers: [u64; 3],
    /// Empty for a version that is no pre-release.
    pre: Vec<&'t str>,
}

impl<'t> Semver<'t> {
    fn read(text: &'t str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let text = text.split_once('+').map_or(text, |(version, _)| version);
        let (core, pre) =
            text.split_once('-').map_or((text, None), |(core, pre)| (core, Some(pre)));
        let mut parts = core.split('.').map(number);
        let numbers = [parts.next()??, parts.next()??, parts.next()??];
        if parts.next().is_some() {
            return None;
        }
        let pre: Vec<_> = pre.into_iter().flat_map(|pre| pre.split('.')).collect();
        pre.iter().all(|part| !part.is_empty()).then_some(Self { numbers, pre })
    }

    fn compare_pre(&self, other: &Self) -> Ordering {
        match (self.pre.is_empty(), other.pre.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => {
                let pairs = self.pre.iter().zip(&other.pre).map(|(one, other)| part(one, other));
                let first = pairs.into_iter().find(|order| *order != Ordering::Equal);
                first.unwrap_or_else(|| self.pre.len().cmp(&other.pre.len()))
            }
        }
    }
}

fn number(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

fn part(one: &str, other: &str) -> Ordering {
    match (number(one), number(other)) {
        (Some(one), Some(other)) => one.cmp(&other),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => one.cmp(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn semantic_versions_are_in_their_order() {
        let ascending = [
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "v1.0.1",
            "1.9.0",
            "1.10.0+5",
            "2.0.0",
        ];
        for pair in ascending.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Some(Ordering::Less), "{pair:?}");
        }
        assert_eq!(compare("1.0.0+1", "v1.0.0"), Some(Ordering::Equal));
    }

    #[test]
    fn others_are_only_different() {
        for text in ["build-1088", "1.0", "1.0.0.0", "1.+1.0", "", "2026-11-25", "1.0.0-"] {
            assert_eq!(compare(text, "1.0.0"), None, "{text}");
        }
    }
}
