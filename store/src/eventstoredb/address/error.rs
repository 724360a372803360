//! Why a text is no connection string.

/// Why a text is no connection string.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It does not begin as one.
    #[error("a connection string begins with `esdb://`, `kurrentdb://` or either `+discover://`")]
    Scheme,
    /// It names no node.
    #[error("it names no host")]
    NoHost,
    /// What should be a host is none.
    #[error("`{found}` is not a host with or without a port")]
    Host {
        /// What stands in its place.
        found: String,
    },
    /// With discovery there is one name to look behind.
    #[error("with `+discover` it names one host, not `{found}`")]
    Discover {
        /// How many it names.
        found: usize,
    },
    /// There is something between the hosts and the parameters.
    #[error("it has a path, `{found}`")]
    Path {
        /// The path.
        found: String,
    },
    /// A percent-encoded part is not UTF-8.
    #[error("its {part} is not UTF-8 once it is decoded")]
    Encoding {
        /// Which part.
        part: &'static str,
    },
    /// A parameter is unknown.
    #[error("it has no parameter `{name}`")]
    Parameter {
        /// The name.
        name: String,
    },
    /// A parameter is given twice.
    #[error("the parameter `{name}` is given twice")]
    Twice {
        /// The name.
        name: String,
    },
    /// A parameter has a value that it cannot have.
    #[error("the parameter `{name}` takes {wants}, not `{found}`")]
    Value {
        /// The name.
        name: &'static str,
        /// What would do.
        wants: &'static str,
        /// What is given.
        found: String,
    },
    /// A certificate comes without its key, or a key without its certificate.
    #[error("`userCertFile` and `userKeyFile` go together")]
    HalfACertificate,
    /// A file that a parameter names cannot be used.
    #[error("the file `{path}` of `{name}` {problem}")]
    File {
        /// The parameter.
        name: &'static str,
        /// The file.
        path: String,
        /// Why not.
        problem: String,
    },
}
