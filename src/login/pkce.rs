//! The secrets of one sign-in with a browser: Proof Key for Code Exchange, and the state.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;

use crate::endpoint::random_token;
use crate::secret::Secret;

/// The secrets that tie the browser's answer to this process.
#[derive(Debug)]
pub(super) struct Pkce {
    /// The verifier, which proves to the service that this process began the sign-in. The browser gets only
    /// its hash.
    pub(super) verifier: Secret,
    /// The hash of the verifier.
    pub(super) challenge: String,
    /// The state, which the browser's answer must contain.
    pub(super) state: Secret,
}

impl Pkce {
    /// Creates new secrets.
    ///
    /// # Errors
    /// The system's random number generator fails.
    pub(super) fn new() -> io::Result<Self> {
        // 32 bytes make 43 characters, the minimum. Source: RFC 7636 section 4.1.
        let verifier = random_token::<32>()?;
        let challenge = challenge(&verifier);
        Ok(Self { verifier: Secret::new(verifier), challenge, state: Secret::new(random_token::<32>()?) })
    }
}

/// Returns the challenge of a verifier. Source: RFC 7636 section 4.2, method S256.
fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_rfc_7636() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        let pkce = Pkce::new().expect("randomness");
        assert_eq!(pkce.verifier.expose().len(), 43);
        assert_ne!(pkce.verifier, pkce.state);
    }
}
