//! Links: what the server's own projections `$by_category` and `$by_event_type` write.

use std::{str, sync::Arc};

use super::{
    log::Log,
    record::{Content, LINK},
};

/// What a link's data says: the name of a stream, and a revision in it.
pub(super) fn target(data: &[u8]) -> Option<(&str, u64)> {
    let (revision, stream) = str::from_utf8(data).ok()?.split_once('@')?;
    Some((stream, revision.parse().ok()?))
}

impl Log {
    /// Writes the links to a record that is no link.
    ///
    /// A real server does so a moment later; here they follow at once.
    pub(super) fn project(&mut self, number: usize) {
        let Some(record) = self.record(number) else { return };
        let Some(stream) = self.stream(record.stream) else { return };
        let data = format!("{}@{}", record.revision, stream.name);
        let (at, cause) = (record.position, record.id);
        let caused = format!(r#"{{"$v":"1:-1:1:4","$c":{at},"$p":{at},"$causedBy":"{cause}"}}"#);
        let category = category(&stream.name).map(|category| format!("$ce-{category}"));
        let kind = format!("$et-{}", record.kind);
        for index in category.into_iter().chain([kind]) {
            let index = self.open(&index);
            let link = Content {
                id: self.next_id(),
                kind: self.kind(LINK),
                json: false,
                data: data.clone().into(),
                metadata: caused.clone().into(),
            };
            self.write(index, link);
        }
    }
}

/// What stands before the first hyphen. System streams have no category.
fn category(stream: &Arc<str>) -> Option<&str> {
    let (category, _) = stream.split_once('-')?;
    (!category.is_empty() && !category.starts_with('$')).then_some(category)
}
