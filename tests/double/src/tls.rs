//! TLS, with a certificate and a key in PEM.

use std::{io, sync::Arc};

use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

use crate::options::Tls;

/// What takes TLS connections. It asks no process-wide provider of cryptography, as clients in the
/// same process may want to install their own.
pub(crate) fn acceptor(tls: &Tls) -> io::Result<TlsAcceptor> {
    let Tls { certificates, key } = tls;
    let certificates = CertificateDer::pem_slice_iter(certificates.as_bytes());
    let certificates = certificates.collect::<Result<Vec<_>, _>>().map_err(io::Error::other)?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(io::Error::other)?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(certificates, key);
    let mut config = config.map_err(io::Error::other)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
