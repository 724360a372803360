//! An answer that says how far it is behind.

use std::{collections::BTreeMap, mem};

use axum::{
    body::{Body, to_bytes},
    http::{
        HeaderName, HeaderValue,
        header::{CONTENT_LENGTH, CONTENT_TYPE},
    },
    response::{IntoResponse as _, Response},
};
use serde_json::value::RawValue;

use super::{Behind, Lag};
use crate::{
    problem::{Problem, ProblemKind, internal},
    receipt::POSITION,
};

/// By how many events an answer is behind.
pub(crate) const BEHIND: HeaderName = HeaderName::from_static("shiplog-behind");

/// The fields of an answer that say "there is nothing" if they are empty.
const LISTS: [&str; 4] = ["items", "lanes", "rows", "state"];

/// Completes the answer to a request: unchanged if every read model was level.
pub(crate) async fn mark(lag: &Lag, response: Response) -> Response {
    let Some(behind) = lag.behind() else { return response };
    let mut response = said(&behind, response).await;
    let headers = response.headers_mut();
    headers.insert(BEHIND, HeaderValue::from(behind.events));
    if headers.contains_key(POSITION)
        && let Ok(position) = HeaderValue::try_from(behind.position.as_str())
    {
        headers.insert(POSITION, position);
    }
    response
}

/// The answer with what it is behind by, or the problem that takes its place.
async fn said(behind: &Behind, mut response: Response) -> Response {
    if let Some(problem) = response.extensions_mut().get_mut::<Problem>() {
        // Who knows what is recorded would perhaps have said something else.
        if matches!(problem.kind, ProblemKind::NotFound | ProblemKind::Refused) {
            *problem = behind.problem();
        }
        return response;
    }
    if !response.status().is_success() {
        return response;
    }
    let kind = response.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let is_json = kind.starts_with(b"application/json");
    if !is_json && !kind.starts_with(b"text/csv") {
        return response;
    }
    let written = match to_bytes(mem::take(response.body_mut()), usize::MAX).await {
        Ok(written) => written,
        Err(error) => return internal(&error).into_response(),
    };
    let is_empty = if is_json { is_nothing(&written) } else { is_heading(&written) };
    if is_empty {
        return behind.problem().into_response();
    }
    let body = if is_json { with(behind, &written) } else { written.to_vec() };
    response.headers_mut().remove(CONTENT_LENGTH);
    *response.body_mut() = Body::from(body);
    response
}

/// Whether an answer of JSON says that there is nothing.
fn is_nothing(json: &[u8]) -> bool {
    let Ok(fields) = serde_json::from_slice::<BTreeMap<String, &RawValue>>(json) else {
        return false;
    };
    LISTS
        .into_iter()
        .filter_map(|list| fields.get(list))
        .any(|value| matches!(value.get(), "[]" | "null"))
}

/// Whether a table has a heading and no row.
fn is_heading(csv: &[u8]) -> bool {
    csv::Reader::from_reader(csv).records().next().is_none()
}

/// The same object with one more field; what is no object stays as it is.
fn with(behind: &Behind, json: &[u8]) -> Vec<u8> {
    let Some(fields) = json.strip_suffix(b"}").filter(|fields| fields.len() > 1) else {
        return json.to_vec();
    };
    // Our own struct has string keys and finite numbers, so nothing can fail.
    let behind = serde_json::to_vec(behind).unwrap_or_default();
    [fields, b",\"behind\":", &behind, b"}"].concat()
}

#[cfg(test)]
mod tests {
    use axum::Json;
    use jiff::Timestamp;
    use serde_json::{Value, json};
    use shiplog_store::position::GlobalPosition;

    use super::*;
    use crate::{csv_text, shapes::Moment};

    fn behind() -> Behind {
        Behind {
            events: 3,
            position: "00000001:7".into(),
            since: Moment(Timestamp::UNIX_EPOCH),
            checkpoint: Some(GlobalPosition(7)),
            why: "`history` is at position 7: ask again shortly".into(),
        }
    }

    async fn marked(response: Response) -> (u16, String, String) {
        let lag = Lag::default();
        *lag.noted() = Some(behind());
        let mut response = mark(&lag, response).await;
        let header = response.headers().get(BEHIND).unwrap().to_str().unwrap().to_owned();
        let code = response.extensions_mut().remove::<Problem>().map(|problem| problem.code);
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        (status, header, code.map_or(body, ToOwned::to_owned))
    }

    #[tokio::test]
    async fn what_there_is_is_answered_with_how_much_is_missing() {
        let list = json!({"items": [{"items": []}], "next": null});
        let (status, header, body) = marked(Json(list.clone()).into_response()).await;
        assert_eq!((status, header.as_str()), (200, "3"));
        let mut body: Value = serde_json::from_str(&body).unwrap();
        let said = body.as_object_mut().unwrap().remove("behind").unwrap();
        assert_eq!(body, list);
        let since = "1970-01-01T00:00:00Z";
        assert_eq!(said, json!({"events": 3, "position": "00000001:7", "since": since}));
        let rows = csv_text::table(["a"], [["1".to_owned()]]).unwrap();
        assert_eq!(marked(rows).await, (200, "3".into(), "a\r\n1\r\n".into()));
    }

    #[tokio::test]
    async fn that_there_is_nothing_is_never_said() {
        let nothing = [
            Json(json!({"items": [], "next": null})).into_response(),
            Json(json!({"columns": ["a"], "rows": [], "truncated": false})).into_response(),
            Json(json!({"environment": "production", "lanes": []})).into_response(),
            Json(json!({"state": null, "position": 7})).into_response(),
            csv_text::table(["a"], [] as [[String; 1]; 0]).unwrap(),
            ProblemKind::NotFound.because("there is no such thing").into_response(),
        ];
        for response in nothing {
            let (_, header, code) = marked(response).await;
            assert_eq!((header.as_str(), code.as_str()), ("3", "projection-behind"));
        }
        let malformed = Problem::at("?limit", "it is no number").into_response();
        assert_eq!(marked(malformed).await.2, "malformed");
    }
}
