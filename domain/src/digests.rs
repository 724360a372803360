//! Digests by name, side by side.

use std::collections::BTreeMap;

/// Digests by the name of what they prove: before, and now.
pub type Digests<'d> = BTreeMap<&'d str, (Option<&'d str>, Option<&'d str>)>;

/// Puts digests by name beside those of an earlier time.
pub(crate) fn beside<'d>(
    earlier: impl IntoIterator<Item = (&'d String, &'d String)>,
    now: impl IntoIterator<Item = (&'d String, &'d String)>,
) -> Digests<'d> {
    let mut beside = Digests::new();
    for (name, digest) in earlier {
        beside.entry(name).or_default().0 = Some(digest);
    }
    for (name, digest) in now {
        beside.entry(name).or_default().1 = Some(digest);
    }
    beside
}
