//! Requests that were not answered.

/// A request without an answer.
pub(super) struct Lost {
    /// Why.
    pub(super) error: ureq::Error,
    /// Whether it is certain that the server never saw it.
    pub(super) is_certain: bool,
}

impl From<ureq::Error> for Lost {
    fn from(error: ureq::Error) -> Self {
        let is_refused = matches!(&error, ureq::Error::Io(error)
            if error.kind() == std::io::ErrorKind::ConnectionRefused);
        let is_certain = is_refused
            || matches!(
                error,
                ureq::Error::HostNotFound | ureq::Error::ConnectionFailed | ureq::Error::Http(_)
            );
        Self { error, is_certain }
    }
}

/// The error without the name of its kind.
pub(super) fn reason(error: &ureq::Error) -> String {
    if let ureq::Error::Io(error) = error {
        return error.to_string();
    }
    if matches!(error, ureq::Error::Timeout(_)) {
        return "it took too long to answer; see --timeout".into();
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_connection_never_reached_the_server_and_a_timeout_may_have() {
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        assert!(Lost::from(ureq::Error::Io(refused)).is_certain);
        assert!(!Lost::from(ureq::Error::Timeout(ureq::Timeout::Global)).is_certain);
    }
}
