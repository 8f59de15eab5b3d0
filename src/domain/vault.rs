//! Passwords of other servers, sealed as long as they are stored: whoever reads the table, or a copy of it, learns none of them
//! without the key, and a sealed password put into another row opens there nowhere.

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

const NONCE: usize = 12;

/// Seals and opens with the key of an installation.
#[derive(Clone)]
pub struct Vault {
    key: [u8; 32],
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault(…)")
    }
}

impl Vault {
    /// A vault whose key is made from a secret text.
    #[must_use]
    pub fn new(secret: &str) -> Self {
        let key = Sha256::new().chain_update(b"baton vault\n").chain_update(secret.as_bytes()).finalize();
        Self { key: key.into() }
    }

    /// Seals a text that belongs to something; never twice with the same random bits.
    #[must_use]
    pub fn seal(&self, random: &[u8; 32], belongs_to: &str, text: &str) -> Option<String> {
        let nonce = random.get(..NONCE)?;
        let payload = Payload { msg: text.as_bytes(), aad: belongs_to.as_bytes() };
        let sealed = Aes256Gcm::new_from_slice(&self.key).ok()?.encrypt(Nonce::from_slice(nonce), payload).ok()?;
        Some(STANDARD.encode([nonce, &sealed].concat()))
    }

    /// Opens what was sealed for the same thing with the same key.
    #[must_use]
    pub fn open(&self, belongs_to: &str, sealed: &str) -> Option<String> {
        let bytes = STANDARD.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE)?;
        let payload = Payload { msg: sealed, aad: belongs_to.as_bytes() };
        let text = Aes256Gcm::new_from_slice(&self.key).ok()?.decrypt(Nonce::from_slice(nonce), payload).ok()?;
        String::from_utf8(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_the_same_key_for_the_same_thing_only() {
        let vault = Vault::new("key");
        let sealed = vault.seal(&[7; 32], "smtp of a", "pässword").unwrap();
        assert!(!sealed.contains("word"));
        assert_eq!(vault.open("smtp of a", &sealed).as_deref(), Some("pässword"));
        assert_eq!(vault.open("smtp of b", &sealed), None);
        assert_eq!(Vault::new("other").open("smtp of a", &sealed), None);
        for broken in ["", "x", "AAAA", &sealed[..sealed.len() - 4]] {
            assert_eq!(vault.open("smtp of a", broken), None, "{broken}");
        }
        assert_ne!(vault.seal(&[8; 32], "smtp of a", "pässword").unwrap(), sealed);
        assert_eq!(format!("{vault:?}"), "Vault(…)");
    }
}
