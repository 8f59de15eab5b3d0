//! Addresses that mail comes to: a channel's own, and the same with an extension that says which conversation is
//! answered (`support+c42.k3…@company.example`). The extension is signed, so that nobody writes into a conversation whose
//! mails they never got (K-3).

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use super::ids::ConversationNumber;
use super::text::key;

/// RFC 5321 allows no longer part before the `@`.
const MAX_LOCAL: usize = 64;
/// Bytes of the signature: 80 bits are beyond guessing, and sixteen letters still fit into an address.
const SIGNATURE: usize = 10;

/// The address without its extension, and the extension: `support@x` and `c42.k3` of `support+c42.k3@x`.
#[must_use]
pub fn without_extension(address: &str) -> Option<(String, &str)> {
    let (local, domain) = address.rsplit_once('@')?;
    let (base, extension) = local.split_once('+')?;
    (!base.is_empty()).then(|| (format!("{base}@{domain}"), extension))
}

/// The keys of the channels that a mail to this address can be for, the best first.
#[must_use]
pub fn keys_of(recipient: &str) -> Vec<String> {
    let base = without_extension(recipient).map(|(base, _)| key(&base));
    std::iter::once(key(recipient)).chain(base).collect()
}

/// Where an answer in this conversation goes, if the channel's address has room for it.
#[must_use]
pub fn reply_address(channel: &str, number: ConversationNumber, secret: &str) -> Option<String> {
    let (local, domain) = channel.rsplit_once('@')?;
    let extended = format!("{local}+c{number}.{}", signature(number, secret)?);
    (extended.len() <= MAX_LOCAL).then(|| format!("{extended}@{domain}"))
}

/// The conversation that a recipient names, if it is an address that this channel gave out itself.
#[must_use]
pub fn conversation_of(recipient: &str, channel: &str, secret: &str) -> Option<ConversationNumber> {
    let (recipient, channel) = (key(recipient), key(channel));
    let (local, domain) = channel.rsplit_once('@')?;
    let (tag, at) = recipient.strip_prefix(local)?.strip_prefix("+c")?.rsplit_once('@')?;
    let (number, signed) = tag.split_once('.').filter(|_| at == domain)?;
    let number: i64 = number.parse().ok().filter(|_| number.bytes().all(|byte| byte.is_ascii_digit()))?;
    let number = ConversationNumber(number);
    let same: bool = signature(number, secret)?.as_bytes().ct_eq(signed.as_bytes()).into();
    same.then_some(number)
}

/// In letters that survive a change of case, which mail servers make.
fn signature(number: ConversationNumber, secret: &str) -> Option<String> {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok().filter(|_| !secret.is_empty())?;
    mac.update(format!("answer to {number}").as_bytes());
    let bytes = mac.finalize().into_bytes();
    let (mut text, mut bits, mut held) = (String::new(), 0_u32, 0_u32);
    for byte in bytes.iter().take(SIGNATURE) {
        bits = (bits << 8) | u32::from(*byte);
        held += 8;
        while held >= 5 {
            held -= 5;
            let letter = usize::try_from((bits >> held) & 31).ok().and_then(|at| LETTERS.get(at))?;
            text.push(char::from(*letter));
        }
        bits &= (1 << held) - 1;
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CHANNEL: &str = "Support@company.example";

    #[test]
    fn an_extension_is_what_stands_between_the_first_plus_and_the_at() {
        assert_eq!(without_extension("a+b@x.org"), Some(("a@x.org".to_owned(), "b")));
        assert_eq!(without_extension("a+b+c@x.org"), Some(("a@x.org".to_owned(), "b+c")));
        for none in ["a@x.org", "+b@x.org", "a+b", ""] {
            assert_eq!(without_extension(none), None, "{none}");
        }
        assert_eq!(keys_of("A+b@X.org"), ["a+b@x.org", "a@x.org"]);
    }

    #[test]
    fn an_answer_finds_the_conversation_that_gave_the_address_out() {
        let number = ConversationNumber(42);
        let address = reply_address(CHANNEL, number, "secret").unwrap();
        assert!(address.starts_with("Support+c42.") && address.ends_with("@company.example"), "{address}");
        for written in [address.clone(), address.to_lowercase(), address.to_uppercase()] {
            assert_eq!(conversation_of(&written, CHANNEL, "secret"), Some(number), "{written}");
        }
        assert_eq!(conversation_of(&address, CHANNEL, "other"), None, "another channel’s secret");
        assert_eq!(conversation_of(&address, "sales@company.example", "secret"), None, "another channel");
        assert_eq!(conversation_of(&address.replace("c42.", "c43."), CHANNEL, "secret"), None, "another number");
        for forged in ["Support+c42@company.example", "Support+c42.@company.example", "Support+c+42.x@company.example"]
        {
            assert_eq!(conversation_of(forged, CHANNEL, "secret"), None, "{forged}");
        }
    }

    #[test]
    fn a_channel_with_an_extension_of_its_own_has_answers_too() {
        let channel = "desk+support@company.example";
        let address = reply_address(channel, ConversationNumber(7), "secret").unwrap();
        assert_eq!(conversation_of(&address, channel, "secret"), Some(ConversationNumber(7)), "{address}");
    }

    #[test]
    fn an_address_without_room_gets_none() {
        let long = format!("{}@x.org", "a".repeat(50));
        assert_eq!(reply_address(&long, ConversationNumber(1), "secret"), None);
        assert_eq!(reply_address("no address", ConversationNumber(1), "secret"), None);
        assert_eq!(reply_address(CHANNEL, ConversationNumber(1), ""), None, "no secret, no signature");
    }

    proptest! {
        #[test]
        fn nothing_that_is_guessed_opens_a_conversation(tag in "[a-z0-9.+]{0,40}", number in 1_i64..100_000) {
            let guessed = format!("support+c{number}.{tag}@company.example");
            prop_assert_eq!(conversation_of(&guessed, CHANNEL, "secret"), None);
        }

        #[test]
        fn no_text_is_too_odd(text in ".{0,80}") {
            let _ = (conversation_of(&text, CHANNEL, "secret"), keys_of(&text), without_extension(&text));
        }
    }
}
