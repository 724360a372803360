//! Deleting a stream: softly, which hides what it had, or for ever, which buries its name.

use bytes::Bytes;

use super::{
    append::{Expected, Refused},
    log::Log,
    record::Content,
};

impl Log {
    /// Gives the position of the record that says so.
    pub(super) fn delete(
        &mut self,
        stream: &str,
        expected: Expected,
        for_ever: bool,
    ) -> Result<Option<u64>, Refused> {
        self.check(stream, expected)?;
        let number = self.open(stream);
        if for_ever {
            let position = self.write_system(stream, "$streamDeleted", "");
            if let Some(stream) = self.stream_mut(number) {
                stream.buried = true;
            }
            return Ok(Some(position));
        }
        if self.stream(number).is_some_and(|stream| stream.last().is_none()) {
            return Err(Refused::WrongVersion(None));
        }
        let meta = format!("$${stream}");
        let position = self.write_system(&meta, "$metadata", r#"{"$tb":9223372036854775807}"#);
        if let Some(stream) = self.stream_mut(number) {
            stream.truncated = u64::MAX;
        }
        Ok(Some(position))
    }

    /// Lets a deleted stream go on after the last event that it had.
    pub(super) fn revive(&mut self, number: usize) {
        let Some(stream) = self.stream_mut(number).filter(|stream| stream.is_deleted()) else {
            return;
        };
        stream.truncated = stream.next();
        let (meta, from) = (format!("$${}", stream.name), stream.truncated);
        self.write_system(&meta, "$metadata", &format!(r#"{{"$tb":{from}}}"#));
    }

    /// Writes an event of the server's own. Gives its position.
    pub(super) fn write_system(&mut self, stream: &str, kind: &str, json: &str) -> u64 {
        let number = self.open(stream);
        let content = Content {
            id: self.next_id(),
            kind: self.kind(kind),
            json: !json.is_empty(),
            data: json.to_owned().into(),
            metadata: Bytes::new(),
        };
        self.write(number, content)
    }
}
