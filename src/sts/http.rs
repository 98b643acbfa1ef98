//! HTTP for the SDK, and for the requests that the SDK does not make.
//!
//! TLS is set up when the first https request is made: loading the system's root certificates takes longer
//! than the rest of a call, and plain http does not need them. Responses have a maximum size. Proxies come
//! from the caller.

use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Connector, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt, Limited};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use zeroize::Zeroizing;

use super::error::{ResponseTooLarge, date_header};
use super::settings::{CONNECT_TIMEOUT, NetworkConfig};
use crate::files;

/// The largest response, in bytes. Those of STS are far smaller.
const MAX_RESPONSE: usize = 1024 * 1024;

/// The files in which distributions keep all root certificates. Reading one of them instead of the directory
/// beside it saves hundreds of system calls.
const SYSTEM_BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt", // Debian, Ubuntu, Arch, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",   // Fedora, Red Hat
    "/etc/ssl/ca-bundle.pem",             // openSUSE
    "/etc/ssl/cert.pem",                  // macOS, BSDs
];

/// An HTTP client that creates its connectors with the first requests that need them.
#[derive(Debug, Clone)]
pub(crate) struct LazyClient(Arc<LazyConnectors>);

#[derive(Debug)]
struct LazyConnectors {
    network: NetworkConfig,
    http: OnceLock<SharedHttpConnector>,
    https: OnceLock<Result<SharedHttpConnector, String>>,
    /// When the last response was sent, by the clock of the server.
    last_date: Mutex<Option<SystemTime>>,
}

impl LazyClient {
    pub(crate) fn new(network: NetworkConfig) -> Self {
        Self(Arc::new(LazyConnectors {
            network,
            http: OnceLock::new(),
            https: OnceLock::new(),
            last_date: Mutex::new(None),
        }))
    }

    /// Returns when the last response was sent, by the clock of the server.
    pub(crate) fn last_date(&self) -> Option<SystemTime> {
        *self.0.last_date.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gets a document and returns its HTTP status and body. It does not follow redirects.
    pub(crate) async fn get(&self, url: &str) -> Result<(u16, Zeroizing<Vec<u8>>), ConnectorError> {
        self.send(HttpRequest::get(url).map_err(|error| ConnectorError::user(error.into()))?).await
    }

    /// Sends a request and returns the HTTP status and body of the response. It does not follow redirects.
    pub(crate) async fn send(
        &self,
        request: HttpRequest,
    ) -> Result<(u16, Zeroizing<Vec<u8>>), ConnectorError> {
        // All clients share one connector, which gets its settings from the client that uses it first.
        let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build();
        let connector = LimitedConnector { connectors: Arc::clone(&self.0), settings };
        let response = connector.call(request).await?;
        let text = response.body().bytes().unwrap_or_default().to_vec();
        Ok((response.status().as_u16(), Zeroizing::new(text)))
    }
}

impl HttpClient for LazyClient {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(LimitedConnector {
            connectors: Arc::clone(&self.0),
            settings: settings.clone(),
        })
    }
}

/// The connector of one SDK client: it shares connections and has its own timeouts.
#[derive(Debug)]
struct LimitedConnector {
    connectors: Arc<LazyConnectors>,
    settings: HttpConnectorSettings,
}

impl HttpConnector for LimitedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let connector = if request.uri().starts_with("https:") {
            self.connectors.https.get_or_init(|| https(&self.connectors.network, &self.settings)).clone()
        } else if !self.connectors.network.allow_plain_http && !is_local_or_metadata(request.uri()) {
            Err("arl sends plain http only to this machine and to metadata services: anyone on the way could read it".to_owned())
        } else {
            Ok(self.connectors.http.get_or_init(|| SharedHttpConnector::new(http(&self.settings))).clone())
        };
        match connector {
            Ok(connector) => {
                let connectors = Arc::clone(&self.connectors);
                HttpConnectorFuture::new(async move {
                    let response = connector.call(request).await?;
                    *connectors.last_date.lock().unwrap_or_else(PoisonError::into_inner) =
                        date_header(&response);
                    limit_response(response).await
                })
            }
            Err(reason) => HttpConnectorFuture::ready(Err(ConnectorError::user(reason.into()))),
        }
    }
}

/// Whether a plain http request goes to this host, or to the metadata service of an instance or a container.
fn is_local_or_metadata(uri: &str) -> bool {
    let authority = uri.strip_prefix("http://").unwrap_or_default();
    let authority = authority.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    if authority.contains('@') {
        // What comes before the `@` is a name and a password, even if it looks like a host.
        return false;
    }
    let host = match authority.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    match host.parse() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_link_local(),
        // fd00:ec2::23 and fd00:ec2::254.
        Ok(IpAddr::V6(address)) => address.is_loopback() || address.segments()[..2] == [0xfd00, 0xec2],
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

/// Reads the body with a size limit. Reading it here puts it under the attempt's timeout.
async fn limit_response(response: HttpResponse) -> Result<HttpResponse, ConnectorError> {
    let status = response.status();
    let headers = response.headers().clone();
    let body = Limited::new(response.into_body(), MAX_RESPONSE)
        .collect()
        .await
        .map_err(|error| match error.downcast_ref::<http_body_util::LengthLimitError>() {
            Some(_) => ConnectorError::other(ResponseTooLarge.into(), None),
            None => ConnectorError::io(error),
        })?
        .to_bytes();
    let mut response = HttpResponse::new(status, SdkBody::from(body));
    *response.headers_mut() = headers;
    Ok(response)
}

fn http(settings: &HttpConnectorSettings) -> Connector {
    // Plain http uses no proxy: it is for loopback and for the metadata services.
    builder(settings).build_http()
}

fn https(network: &NetworkConfig, settings: &HttpConnectorSettings) -> Result<SharedHttpConnector, String> {
    let mut builder = builder(settings);
    if let Some(url) = &network.https_proxy {
        let mut proxy = ProxyConfig::https(url.as_str())
            .map_err(|error| format!("cannot use the https proxy: {error}"))?;
        if let Some(hosts) = &network.no_proxy {
            proxy = proxy.no_proxy(hosts);
        }
        builder = builder.proxy_config(proxy);
    }
    let context = TlsContext::builder()
        .with_trust_store(trust_store(network.ca_bundle.as_deref())?)
        .build()
        .map_err(|error| format!("cannot set up TLS: {error}"))?;
    let connector = builder.tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(context).build();
    Ok(SharedHttpConnector::new(connector))
}

fn builder(settings: &HttpConnectorSettings) -> ConnectorBuilder {
    Connector::builder().connector_settings(settings.clone()).enable_tcp_nodelay(true)
}

fn trust_store(ca_bundle: Option<&Path>) -> Result<TrustStore, String> {
    if let Some(path) = ca_bundle {
        let pem = files::read(path, files::MAX_CONFIG).map_err(|error| {
            let path = path.display();
            format!(
                "cannot read the CA bundle `{path}` (AWS_CA_BUNDLE, `ca_bundle`, REQUESTS_CA_BUNDLE or SSL_CERT_FILE): {error}"
            )
        })?;
        let pem = plain_pem(pem);
        if !is_bundle(&pem) {
            return Err(format!(
                "the CA bundle `{}` contains something other than PEM certificates",
                path.display()
            ));
        }
        return Ok(TrustStore::empty().with_pem_certificate(pem));
    }
    let system = SYSTEM_BUNDLES
        .iter()
        .find_map(|path| files::read(Path::new(path), files::MAX_CONFIG).ok().filter(|pem| is_bundle(pem)));
    Ok(match system {
        Some(pem) => TrustStore::empty().with_pem_certificate(pem),
        None => TrustStore::default(),
    })
}

/// Converts a PEM file to the form that the TLS library reads: without a byte order mark, and with plain
/// certificates instead of OpenSSL's `TRUSTED CERTIFICATE` blocks.
///
/// Such a block holds a certificate, followed by OpenSSL's list of the purposes that it is trusted for.
fn plain_pem(pem: Vec<u8>) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(&pem) else { return pem };
    const TRUSTED: &str = "-----BEGIN TRUSTED CERTIFICATE-----";
    if !text.starts_with('\u{feff}') && !text.contains(TRUSTED) {
        return pem;
    }
    let mut plain = String::new();
    let mut block: Option<String> = None;
    for line in text.trim_start_matches('\u{feff}').lines() {
        match (&mut block, line.trim()) {
            (None, TRUSTED) => block = Some(String::new()),
            (Some(base64), "-----END TRUSTED CERTIFICATE-----") => {
                let der = STANDARD.decode(base64.as_bytes()).ok();
                let der = der.as_deref().and_then(|der| der.get(..der_length(der)?)).unwrap_or_default();
                let certificate = STANDARD.encode(der);
                plain.push_str(&format!(
                    "-----BEGIN CERTIFICATE-----\n{certificate}\n-----END CERTIFICATE-----\n"
                ));
                block = None;
            }
            (Some(base64), line) => base64.push_str(line),
            (None, line) => {
                plain.push_str(line);
                plain.push('\n');
            }
        }
    }
    plain.into_bytes()
}

/// Returns how many bytes the first DER element takes.
fn der_length(der: &[u8]) -> Option<usize> {
    let first = usize::from(*der.get(1)?);
    if first < 0x80 {
        return Some(2 + first);
    }
    let digits = der.get(2..2 + (first & 0x7f)).filter(|digits| digits.len() <= 4)?;
    let length = digits.iter().fold(0, |length, &digit| length << 8 | usize::from(digit));
    Some(2 + digits.len() + length)
}

/// Whether every block is a valid certificate. The TLS library panics if one is not.
fn is_bundle(pem: &[u8]) -> bool {
    let mut certificates = CertificateDer::pem_slice_iter(pem).peekable();
    let is_root = |der: CertificateDer<'_>| webpki::anchor_from_trusted_cert(&der).is_ok();
    certificates.peek().is_some() && certificates.all(|der| der.is_ok_and(is_root))
}

#[cfg(test)]
mod tests {
    use super::is_local_or_metadata;

    #[test]
    fn plain_http_is_allowed_for_local_and_metadata_hosts() {
        for near in [
            "http://127.0.0.1:1/",
            "http://localhost",
            "http://[::1]:80/x",
            "http://169.254.169.254/latest",
            "http://169.254.170.2",
            "http://[fd00:ec2::254]/",
        ] {
            assert!(is_local_or_metadata(near), "{near}");
        }
        for far in [
            "http://10.0.0.1/",
            "http://sts.example.com",
            "http://127.0.0.1.example.com",
            "http://a@127.0.0.1",
            "http://127.0.0.1:80@sts.example.com",
            "http://localhost:x@sts.example.com",
            "http://",
        ] {
            assert!(!is_local_or_metadata(far), "{far}");
        }
    }
}
