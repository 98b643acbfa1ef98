//! A certificate authority for 127.0.0.1.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// The authority's certificate as PEM, and three servers: one with a valid certificate from it, one whose
/// certificate expired in 2020, and one that shows the authority's own certificate.
pub(crate) fn servers() -> (String, [Arc<ServerConfig>; 3]) {
    let ca_key = KeyPair::generate().expect("a key");
    let mut ca = CertificateParams::new(Vec::new()).expect("no names");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let ca_certificate = ca.self_signed(&ca_key).expect("a certificate");
    let authority = config(ca_certificate.der().clone(), &ca_key);
    let issuer = Issuer::new(ca, ca_key);
    let names = ["127.0.0.1", "127.0.0.2", "localhost", "*.arl.test"].map(str::to_owned);
    let mut leaf = CertificateParams::new(names).expect("names");
    let good = serve(&leaf, &issuer);
    leaf.not_before = rcgen::date_time_ymd(2019, 1, 1);
    leaf.not_after = rcgen::date_time_ymd(2020, 1, 1);
    (ca_certificate.pem(), [good, serve(&leaf, &issuer), authority])
}

fn serve(leaf: &CertificateParams, issuer: &Issuer<'_, KeyPair>) -> Arc<ServerConfig> {
    let key = KeyPair::generate().expect("a key");
    let leaf = leaf.signed_by(&key, issuer).expect("a certificate");
    config(leaf.der().clone(), &key)
}

fn config(certificate: CertificateDer<'static>, key: &KeyPair) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .expect("a chain");
    Arc::new(config)
}
