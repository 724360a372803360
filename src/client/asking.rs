//! Questions that may have to be asked again, because what answers them is behind.

use serde_json::Value;
use ureq::http::{Method, Response};

use super::{Answer, Client, Lacking, Path};
use crate::exit::Failure;

/// A question that the server did not answer.
pub(crate) struct Unanswered {
    /// How a run ends that leaves it at that.
    pub(crate) failure: Failure,
    /// Whether what would answer it is not as far as it has to be.
    pub(crate) is_behind: bool,
}

impl Unanswered {
    /// A question that another try does not help.
    fn of(failure: Failure) -> Self {
        Self { failure, is_behind: false }
    }
}

impl Client {
    /// Asks something, to be answered in this media type.
    pub(crate) fn ask(
        &self,
        path: &Path,
        body: &Value,
        accept: &str,
    ) -> Result<String, Box<Unanswered>> {
        let request = self.request(Method::POST, path).header("Accept", accept);
        let request = self.at_least(request).header("Content-Type", "application/json");
        let response = self
            .run(request, Some(body.to_string().into_bytes()))
            .map_err(|lost| Unanswered::of(self.unreachable(&lost.error)))?;
        if response.status().is_success() {
            self.warn(Lacking::of(response.headers()));
            return self.text(response).map_err(|failure| Unanswered::of(failure).into());
        }
        Err(self.unanswered(response).into())
    }

    /// Reads something; the answer tells whether it is behind.
    pub(crate) fn look(&self, path: &Path) -> Result<Answer, Box<Unanswered>> {
        let request = self.request(Method::GET, path).header("Accept", "application/json");
        let response = self
            .run(self.at_least(request), None)
            .map_err(|lost| Unanswered::of(self.unreachable(&lost.error)))?;
        if response.status().is_success() {
            return self.read(response, None).map_err(|failure| Unanswered::of(failure).into());
        }
        Err(self.unanswered(response).into())
    }

    fn unanswered(&self, response: Response<ureq::Body>) -> Unanswered {
        let (failure, code) = self.explained(response, None);
        Unanswered { failure, is_behind: code.as_deref() == Some("projection-behind") }
    }
}
