//! The password rule, and hashing (S-1, S-9).

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};

/// Longer ones are refused: hashing takes time, and nobody types them.
const MAX_LENGTH: usize = 256;
/// From this length on any password is taken.
const LONG_ENOUGH: usize = 12;

/// What is wrong with a new password, in words that say what to do. `about` are words that a guesser would try first:
/// the person's name, address, the workspace.
///
/// # Errors
/// A sentence for the field.
pub fn check(password: &str, about: &[&str]) -> Result<(), String> {
    let length = password.chars().count();
    if password.is_empty() {
        return Err("Enter a password".to_owned());
    }
    if length > MAX_LENGTH {
        return Err(format!("Use at most {MAX_LENGTH} characters"));
    }
    // zxcvbn looks at the first 100 characters anyway.
    let start: String = password.chars().take(100).collect();
    let estimate = zxcvbn::zxcvbn(&start, about);
    let strong = estimate.score() >= zxcvbn::Score::Three;
    if length < 8 {
        return Err("Use at least 12 characters, for example four unrelated words".to_owned());
    }
    let trivial = estimate.score() <= zxcvbn::Score::One;
    if strong || (length >= LONG_ENOUGH && !trivial) {
        return Ok(());
    }
    let why = estimate.feedback().and_then(|feedback| feedback.warning()).map(|warning| warning.to_string());
    let missing = if length < LONG_ENOUGH {
        format!("Use {} more characters, or unrelated words", LONG_ENOUGH - length)
    } else {
        "This is easy to guess. Use unrelated words".to_owned()
    };
    Err(why.map_or(missing.clone(), |why| format!("{missing}. {why}")))
}

/// The OWASP minimum for Argon2id: 19 MiB, two passes.
fn hasher() -> Argon2<'static> {
    let params = Params::new(19 * 1024, 2, 1, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// The hash under which a password is stored. Takes some 60 ms; not to be called inside a transaction.
///
/// # Errors
/// If the operating system gives no randomness.
pub fn hash(password: &str) -> Result<String, argon2::password_hash::Error> {
    Ok(hasher().hash_password(password.as_bytes())?.to_string())
}

/// A hash of no password, to be compared with when there is no account, so that the answer takes as long (S-1).
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Whether the password is the one behind the hash. Without a hash the answer is no, after the same work.
#[must_use]
pub fn verify(password: &str, stored: Option<&str>) -> bool {
    let Ok(parsed) = PasswordHash::new(stored.unwrap_or(NOBODY)) else {
        return false;
    };
    let short: &str = if password.chars().count() > MAX_LENGTH { "" } else { password };
    hasher().verify_password(short.as_bytes(), &parsed).is_ok() && stored.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_or_strong_passwords_pass() {
        for good in ["correct horse battery staple", "x7#Kq9!vLm2$", "tundra-violin-84-harbour"] {
            assert_eq!(check(good, &[]), Ok(()), "{good}");
        }
    }

    #[test]
    fn weak_ones_get_a_sentence() {
        for bad in ["", "short", "password1234", "aaaaaaaaaaaaaaaa", "dana1234"] {
            let said = check(bad, &["dana", "weiss", "fernhill"]);
            assert!(said.is_err_and(|sentence| !sentence.is_empty()), "{bad}");
        }
        assert!(check(&"x".repeat(300), &[]).is_err());
    }

    #[test]
    fn only_the_right_password_fits_its_hash() {
        let stored = hash("correct horse battery staple").unwrap();
        assert!(verify("correct horse battery staple", Some(&stored)));
        assert!(!verify("correct horse battery stable", Some(&stored)));
        assert!(!verify("correct horse battery staple", None));
        assert!(!verify("", Some(&stored)));
    }

    #[test]
    fn the_hash_of_nobody_is_well_formed() {
        assert!(PasswordHash::new(NOBODY).is_ok());
    }
}
