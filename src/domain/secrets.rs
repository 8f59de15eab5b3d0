//! One-time links and session keys: the secret is handed out once, and only its hash is kept.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// A secret of 256 bits as it stands in a link.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Makes the text of a secret from random bits.
    #[must_use]
    pub fn from_bits(bits: &[u8; 32]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(bits))
    }

    /// The text to be put into a link. Not to be logged or stored.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is stored.
    #[must_use]
    pub fn hash(&self) -> String {
        hash(&self.0)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The hash under which a secret is stored and looked up. A plain hash is enough for 256 random bits: there is nothing
/// to guess, and the look-up by hash leaks no timing of the secret.
#[must_use]
pub fn hash(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(secret.as_bytes()))
}

/// The SHA-256 of some bytes as lower-case hex: names of stored files.
#[must_use]
pub fn file_hash(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
