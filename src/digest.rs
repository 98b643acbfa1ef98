//! SHA-256 and HMAC, from the crates with which the AWS SDK signs requests. They add no dependency.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::encoding::hex_encode;

/// Returns the SHA-256 in hexadecimal digits.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex_encode(&Sha256::digest(bytes))
}

/// Returns the HMAC-SHA-256 in hexadecimal digits.
pub(crate) fn hmac_hex(key: &[u8], bytes: &[u8]) -> String {
    hex_encode(&keyed(key, bytes).finalize().into_bytes())
}

/// Verifies an HMAC-SHA-256 in hexadecimal digits, in constant time.
pub(crate) fn verify_hmac_hex(key: &[u8], bytes: &[u8], mac: &str) -> bool {
    let mac: Option<Vec<u8>> =
        (0..mac.len()).step_by(2).map(|i| u8::from_str_radix(mac.get(i..i + 2)?, 16).ok()).collect();
    mac.is_some_and(|mac| keyed(key, bytes).verify_slice(&mac).is_ok())
}

fn keyed(key: &[u8], bytes: &[u8]) -> Hmac<Sha256> {
    // HMAC hashes a key that is longer than a block, and pads one that is shorter (RFC 2104).
    const BLOCK: usize = 64;
    let mut block = [0; BLOCK];
    if key.len() > BLOCK {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let mut mac = <Hmac<Sha256> as KeyInit>::new(&block.into());
    mac.update(bytes);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_match_the_published_vectors() {
        // FIPS 180-2, and test cases 2 and 6 of RFC 4231.
        assert_eq!(sha256_hex(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        for (key, text, mac) in [
            (
                &b"Jefe"[..],
                &b"what do ya want for nothing?"[..],
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ] {
            assert_eq!(hmac_hex(key, text), mac);
            assert!(verify_hmac_hex(key, text, mac));
            assert!(!verify_hmac_hex(key, text, &mac.replace('5', "6")));
            assert!(!verify_hmac_hex(key, text, &mac[2..]));
            assert!(!verify_hmac_hex(key, text, "é"));
        }
    }
}
