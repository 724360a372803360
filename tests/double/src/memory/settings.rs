//! The settings of a stream ("metadata"): which of its events can be read.

use serde_json::Value;

use super::log::Log;

impl Log {
    /// Has a stream obey the settings that were written for it; those that are left out are none.
    pub(super) fn set(&mut self, stream: &str, settings: &[u8]) {
        let settings: Value = serde_json::from_slice(settings).unwrap_or_default();
        let number = |name: &str| settings.get(name).and_then(Value::as_u64);
        let place = self.open(stream);
        if let Some(stream) = self.stream_mut(place) {
            stream.truncated = match number("$tb") {
                Some(from) if from >= i64::MAX.unsigned_abs() => u64::MAX,
                from => from.unwrap_or_default(),
            };
            stream.max_count = number("$maxCount");
        }
    }
}
