//! Why TLS rejected the certificate of a server.

use std::error::Error;
#[cfg(feature = "cli")]
use std::io;
#[cfg(feature = "cli")]
use std::time::{Duration, SystemTime};

#[cfg(feature = "cli")]
use rustls::CertificateError;

#[cfg(feature = "cli")]
use crate::encoding::rfc3339;

/// What is wrong with the certificate of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateFault {
    /// No trusted authority has issued it.
    UnknownIssuer,
    /// It is the certificate of an authority, not of a server.
    IsAuthority,
    /// It is valid for other names.
    WrongName,
    /// It has expired, or is not valid yet, by this host's clock.
    WrongTime,
    /// Something else.
    Other,
}

/// Returns why TLS rejected the certificate of the server, if it did. The text says when the certificate is
/// valid, if that is the reason.
#[cfg(feature = "cli")]
pub(super) fn certificate_fault<'a>(
    causes: impl Iterator<Item = &'a (dyn Error + 'static)>,
) -> Option<(CertificateFault, Option<String>)> {
    causes.filter_map(tls_error).find_map(|error| match error {
        rustls::Error::NoCertificatesPresented => Some((CertificateFault::Other, None)),
        rustls::Error::InvalidCertificate(error) => Some((kind(error), validity(error))),
        _ => None,
    })
}

/// Without the CLI, the program supplies the TLS library, whose error types arl does not know.
#[cfg(not(feature = "cli"))]
pub(super) fn certificate_fault<'a>(
    _: impl Iterator<Item = &'a (dyn Error + 'static)>,
) -> Option<(CertificateFault, Option<String>)> {
    None
}

#[cfg(feature = "cli")]
fn kind(error: &CertificateError) -> CertificateFault {
    use CertificateError as Fault;
    match error {
        Fault::UnknownIssuer => CertificateFault::UnknownIssuer,
        Fault::NotValidForName | Fault::NotValidForNameContext { .. } => CertificateFault::WrongName,
        Fault::Expired
        | Fault::ExpiredContext { .. }
        | Fault::NotValidYet
        | Fault::NotValidYetContext { .. } => CertificateFault::WrongTime,
        // rustls has no variant of its own for this error of its verifier.
        Fault::Other(other) if other.0.downcast_ref() == Some(&webpki::Error::CaUsedAsEndEntity) => {
            CertificateFault::IsAuthority
        }
        _ => CertificateFault::Other,
    }
}

/// rustls writes these times in seconds since 1970.
#[cfg(feature = "cli")]
fn validity(error: &CertificateError) -> Option<String> {
    // The last second of the year 9999, in which the times of a certificate end.
    const LAST: u64 = 253_402_300_799;
    let time = |seconds: u64| rfc3339(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.min(LAST)));
    match error {
        CertificateError::ExpiredContext { not_after, .. } => {
            Some(format!("the server's certificate expired at {}", time(not_after.as_secs())))
        }
        CertificateError::NotValidYetContext { not_before, .. } => {
            Some(format!("the server's certificate is not valid before {}", time(not_before.as_secs())))
        }
        _ => None,
    }
}

/// Returns the TLS error in a cause. For an I/O error, [`Error::source`] does not return the error inside it.
#[cfg(feature = "cli")]
fn tls_error<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    match cause.downcast_ref::<io::Error>() {
        Some(error) => tls_error(error.get_ref()?),
        None => cause.downcast_ref(),
    }
}
