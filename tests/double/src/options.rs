//! What a double is to be like.

/// What a double is to be like. The default is one node as it comes out of the box: no TLS,
/// nobody has to log in, and its own projections run.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "tests name what they want and take the rest")]
pub struct Options {
    /// How many nodes there are.
    pub nodes: usize,
    /// The name or the address that the nodes listen on, and that they tell clients.
    pub host: String,
    /// Where the first node listens, the others on the ports that follow; 0: wherever it is free.
    pub port: u16,
    /// Whether `$ce-<category>` and `$et-<type>` streams are kept.
    pub projections: bool,
    /// The version that the server says it is of. Messages that later versions brought are left
    /// out: caught up (23.10), fell behind (25.1).
    pub version: String,
    /// Who may come in, and the password. Then everybody has to say so.
    pub login: Option<(String, String)>,
    /// Whether a follower passes writes on to the leader, as a real one does, unless the caller
    /// requires the leader. If not, it always says who leads.
    pub forwards_writes: bool,
    /// With TLS.
    pub tls: Option<Tls>,
}

/// What a server shows its clients, in PEM.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a pair")]
pub struct Tls {
    /// The certificate, and those that lead from it to the authority.
    pub certificates: String,
    /// Its private key.
    pub key: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            nodes: 1,
            host: "127.0.0.1".to_owned(),
            port: 0,
            projections: true,
            version: "24.10.6".to_owned(),
            login: None,
            forwards_writes: true,
            tls: None,
        }
    }
}
