//! The beginning of what may be long, and how much more there is.

/// The most entries of a list within a page that has other lists.
pub(super) const ENTRIES: usize = 100;

/// The most characters of a text of which a page has many.
pub(super) const CHARACTERS: usize = 2_000;

/// The beginning of a list.
#[derive(Clone, Debug)]
pub(super) struct Excerpt<T> {
    pub(super) items: Vec<T>,
    /// How many entries there are besides.
    pub(super) more: usize,
}

impl<T> Excerpt<T> {
    /// The first entries of a list.
    pub(super) fn first(entries: impl IntoIterator<Item = T>) -> Self {
        let mut entries = entries.into_iter();
        let items: Vec<_> = entries.by_ref().take(ENTRIES).collect();
        Self { items, more: entries.count() }
    }
}

/// The beginning of a text, with a sign where it was cut.
pub(super) fn clipped(text: &str) -> String {
    match text.char_indices().nth(CHARACTERS) {
        Some((at, _)) => format!("{}…", text.split_at(at).0),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_says_so() {
        let excerpt = Excerpt::first(0..103);
        assert_eq!((excerpt.items.len(), excerpt.more), (100, 3));
        assert_eq!(Excerpt::first(0..3).more, 0);
        let long = clipped(&"ü".repeat(2_001));
        assert_eq!((long.chars().count(), long.ends_with('…')), (2_001, true));
        assert_eq!(clipped("short"), "short");
    }
}
