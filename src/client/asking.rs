//! Questions that are too long for a path.

use serde_json::Value;
use ureq::http::Method;

use super::{Client, Path};
use crate::exit::Failure;

/// A question that the server did not answer.
pub(crate) struct Unanswered {
    /// How a run ends that leaves it at that.
    pub(crate) failure: Failure,
    /// Whether what would answer it is not as far as it has to be.
    pub(crate) is_behind: bool,
}

impl Client {
    /// Asks something, to be answered in this media type.
    pub(crate) fn ask(
        &self,
        path: &Path,
        body: &Value,
        accept: &str,
    ) -> Result<String, Box<Unanswered>> {
        let asked = |failure, is_behind| Box::new(Unanswered { failure, is_behind });
        let request = self.request(Method::POST, path).header("Accept", accept);
        let request = self.at_least(request).header("Content-Type", "application/json");
        let response = self
            .run(request, Some(body.to_string().into_bytes()))
            .map_err(|lost| asked(self.unreachable(&lost.error), false))?;
        if response.status().is_success() {
            return self.text(response).map_err(|failure| asked(failure, false));
        }
        let (failure, code) = self.explained(response, None);
        Err(asked(failure, code.as_deref() == Some("projection-behind")))
    }
}
