//! Long lists that are sorted by name, a page at a time.

use std::{fmt, str::FromStr};

use super::{CursorError, Question};

/// Where a page of a list that is sorted by name ended. Opaque to callers; stays valid while entries
/// come and go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameCursor {
    name: String,
    question: Question,
}

/// Which page is wanted of a list that is sorted by name.
#[derive(Clone, Debug)]
pub struct PageByName {
    /// How many entries, at least 1.
    pub limit: usize,
    /// After which name.
    pub after: Option<String>,
    /// Of which list; what the next cursor is given out for.
    pub question: Question,
}

/// One page of a list that is sorted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedByName<T> {
    /// The entries, by name.
    pub items: Vec<T>,
    /// Where the next page starts, if there is one.
    pub next: Option<NameCursor>,
}

impl NameCursor {
    /// The name after which to go on, if a page of this list ended there.
    ///
    /// # Errors
    ///
    /// It was given out for another one.
    pub fn within(self, question: Question) -> Result<String, CursorError> {
        if self.question == question { Ok(self.name) } else { Err(CursorError::OtherQuestion) }
    }
}

impl fmt::Display for NameCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, question: Question(question) } = self;
        write!(f, "a{question:08x}")?;
        name.bytes().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for NameCursor {
    type Err = CursorError;
    fn from_str(text: &str) -> Result<Self, CursorError> {
        read(text).ok_or_else(|| CursorError::Unknown(text.into()))
    }
}

fn read(text: &str) -> Option<NameCursor> {
    let digits = text.strip_prefix('a')?;
    if !digits.bytes().all(|one| one.is_ascii_hexdigit()) {
        return None;
    }
    let (question, name) = digits.split_at_checked(8)?;
    let question = Question(u32::from_str_radix(question, 16).ok()?);
    let pairs = name.as_bytes().chunks(2).map(|pair| {
        let pair = str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
        u8::from_str_radix(pair, 16).ok()
    });
    let name = String::from_utf8(pairs.collect::<Option<_>>()?).ok()?;
    Some(NameCursor { name, question })
}

impl PageByName {
    /// The first page.
    pub fn first(limit: usize) -> Self {
        Self { limit, after: None, question: Question::default() }
    }

    /// One more than wanted: whether there is one tells whether there is a next page.
    pub(crate) fn probe(&self) -> usize {
        self.limit.saturating_add(1)
    }

    /// The cursor after a name.
    pub fn cursor(&self, name: &str) -> NameCursor {
        NameCursor { name: name.into(), question: self.question }
    }

    /// Cuts what a probe found to the page.
    pub(crate) fn cut<T>(&self, mut items: Vec<T>, name: impl Fn(&T) -> &str) -> ListedByName<T> {
        let more = items.len() > self.limit;
        items.truncate(self.limit);
        let next = items.last().filter(|_| more).map(|last| self.cursor(name(last)));
        ListedByName { items, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_whatever_its_name() {
        for name in ["checkout", "", "ü/👩\u{200D}🚀", "a"] {
            let question = Question::of("lanes", [("name", "production")]);
            let cursor = NameCursor { name: name.into(), question };
            let read: NameCursor = cursor.to_string().parse().unwrap();
            assert_eq!(read.clone().within(question).unwrap(), name);
            assert_eq!(read.within(Question::default()), Err(CursorError::OtherQuestion));
        }
    }

    #[test]
    fn other_texts_are_no_cursors() {
        for text in ["", "a", "a0000000", "a000000001", "a00000000ff", "a00000000üü", "cn00000000"]
        {
            let read = text.parse::<NameCursor>();
            assert_eq!(read, Err(CursorError::Unknown(text.into())), "{text}");
        }
    }
}
