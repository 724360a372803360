//! Which known word somebody meant who typed another one.

/// The known word that is nearest, if it is near enough to be meant.
pub fn nearest<'k>(typed: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    // Of a short word, nothing is left when most of its letters are changed.
    let most = (2 * typed.chars().count()).div_euclid(3).clamp(1, 3);
    closest(typed, known).filter(|word| distance(typed, word) <= most)
}

/// The known word that is nearest, however far it is; none if none is known.
pub fn closest<'k>(typed: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    known.into_iter().min_by_key(|word| distance(typed, word))
}

/// How many characters have to be put in, taken out or changed to get from one to the other.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<_> = (0..=other.chars().count()).collect();
    for (line, from) in one.chars().enumerate() {
        let mut diagonal = line;
        let mut left = line + 1;
        let mut next = vec![left];
        for (to, above) in other.chars().zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(from != to)).min(left + 1).min(above + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_levenshteins() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("same", "same"), 0);
        assert_eq!(distance("sever", "server"), 1);
        assert_eq!(distance("tz", "server"), 6);
    }

    #[test]
    fn a_short_word_has_to_be_nearer() {
        let known = ["env", "is", "service"];
        assert_eq!(nearest("srevice", known), Some("service"));
        assert_eq!(nearest("evn", known), Some("env"));
        assert_eq!(nearest("foo", known), None);
        assert_eq!(nearest("foo", []), None);
    }
}
