//! TLS, with an authority of the test's own.

use std::fs;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use shiplog_double::{Double, Options, Tls};

use crate::support::{begin, client, read};

/// An authority's certificate, and what a server that it vouches for shows.
fn authority() -> (String, Tls) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    (issuer.pem(), Tls { certificates: certificate.pem(), key: key.serialize_pem() })
}

#[tokio::test]
async fn a_client_that_knows_the_authority_is_served() {
    let (authority, tls) = authority();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    fs::write(&file, authority).unwrap();
    let options = Options { host: "localhost".to_owned(), tls: Some(tls), ..Options::default() };
    let double = Double::start(options).unwrap();
    let known = client(&double.uri_with(&format!("tlsCaFile={}", file.display())));
    begin(&known, "lane-a", 0..3).await;
    assert_eq!(read(&known, "lane-a").await.unwrap().len(), 3);
    // One that knows other authorities, and one that speaks no TLS.
    read(&client(&double.uri()), "lane-a").await.unwrap_err();
    read(&client(&double.uri().replace("tls=true", "tls=false")), "lane-a").await.unwrap_err();
}
