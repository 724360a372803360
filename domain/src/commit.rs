//! Commits, as people and pipelines write them.

/// The fewest digits by which a commit is abbreviated.
const ABBREVIATED: usize = 7;

/// Whether two texts name one commit: the digits of its hash, in any case, whole or abbreviated.
pub(crate) fn same(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    if short.len() == long.len() {
        return short.eq_ignore_ascii_case(long);
    }
    let is_hash = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    short.len() >= ABBREVIATED
        && is_hash(short)
        && is_hash(long)
        && long.get(..short.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(short))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_abbreviated_commit_is_the_commit_in_any_case() {
        assert!(same("3f2c9ab", "3F2C9AB1d0"));
        assert!(same("3F2C9AB", "3f2c9ab"));
        assert!(!same("3f2c9ab", "3f2c9ac1d0"));
        assert!(!same("3f2c", "3f2c9ab1d0"), "too short to be an abbreviation");
        assert!(!same("release", "release-7"), "no hashes");
    }
}
