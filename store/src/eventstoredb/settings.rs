//! The settings of a stream ("metadata" in the cluster's words): whether they cut it off.

use eventstore::RecordedEvent;
use serde::Deserialize;

/// Up to where a stream is cut off when it is deleted so that it can come back.
const DELETED: u64 = i64::MAX as u64;

/// The settings that take events out of a stream.
#[derive(Deserialize)]
struct Settings {
    #[serde(rename = "$tb")]
    truncate_before: Option<u64>,
    #[serde(rename = "$maxCount")]
    max_count: Option<u64>,
    #[serde(rename = "$maxAge")]
    max_age_seconds: Option<u64>,
}

/// Why a stream with these settings is not whole, or will not stay so; `None` if they leave it alone.
pub(super) fn problem(record: &RecordedEvent) -> Option<String> {
    // What cannot be read has no effect there either.
    let settings: Settings = serde_json::from_slice(&record.data).ok()?;
    let Settings { truncate_before, max_count, max_age_seconds } = settings;
    match (truncate_before, max_count, max_age_seconds) {
        (Some(DELETED), ..) => Some("somebody has deleted the stream".into()),
        (Some(before @ 1..), ..) => {
            Some(format!("its metadata cuts off what is before version `{before}` (`$tb`)"))
        }
        (_, Some(most), _) => {
            Some(format!("its metadata keeps the last `{most}` events alone (`$maxCount`)"))
        }
        (_, _, Some(seconds)) => {
            Some(format!("its metadata keeps events for `{seconds}` seconds (`$maxAge`)"))
        }
        (None | Some(0), None, None) => None,
    }
}
