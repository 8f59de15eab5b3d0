//! Bytes of a part to what its author wrote: transfer encodings and character sets. Lenient: a broken encoding loses the broken
//! characters, not the message.

use std::borrow::Cow;

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::charsets::map::charset_decoder;

/// The message with line feeds, if it came from a system that ends lines with a lone carriage return.
pub(super) fn line_feeds(raw: &[u8]) -> Cow<'_, [u8]> {
    if raw.contains(&b'\n') {
        return Cow::Borrowed(raw);
    }
    Cow::Owned(raw.iter().map(|byte| if *byte == b'\r' { b'\n' } else { *byte }).collect())
}

/// Undoes the transfer encoding that the part declares. Unknown ones are taken as none.
pub(super) fn transfer<'a>(encoding: Option<&str>, body: &'a [u8]) -> Cow<'a, [u8]> {
    let encoding = encoding.unwrap_or_default();
    let word = encoding.split(';').next().unwrap_or_default().trim();
    if word.eq_ignore_ascii_case("base64") {
        Cow::Owned(base64(body))
    } else if word.eq_ignore_ascii_case("quoted-printable") {
        Cow::Owned(quoted_printable(body))
    } else {
        Cow::Borrowed(body)
    }
}

fn base64(body: &[u8]) -> Vec<u8> {
    // Mailing lists put footers under encoded parts, old programs put stray characters into them.
    base64_decode(body).unwrap_or_else(|| {
        let letters: Vec<u8> = body
            .iter()
            .copied()
            .filter(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
            .collect();
        base64_decode(&letters).unwrap_or_default()
    })
}

fn quoted_printable(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        if *byte != b'=' {
            out.push(*byte);
        } else if let Some((value, tail)) = escaped(rest) {
            out.push(value);
            rest = tail;
        } else if let Some(tail) = soft_break(rest) {
            rest = tail;
        } else {
            out.push(b'=');
        }
    }
    out
}

fn escaped(rest: &[u8]) -> Option<(u8, &[u8])> {
    let ([high, low], tail) = rest.split_first_chunk()?;
    Some((hex(*high)? << 4 | hex(*low)?, tail))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

fn soft_break(rest: &[u8]) -> Option<&[u8]> {
    let blanks = rest.iter().take(80).take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r')).count();
    let rest = rest.get(blanks..)?;
    // The line end before a part's delimiter is not in the part.
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix(b"\n") }
}

/// Characters of the part. What is declared is believed unless the bytes contradict it.
pub(super) fn characters(charset: Option<&str>, bytes: &[u8]) -> String {
    let charset = charset.unwrap_or_default().trim();
    let is_unicode = ["", "utf-8", "utf8", "us-ascii", "ascii", "unknown-8bit", "x-unknown", "default"]
        .iter()
        .any(|name| charset.eq_ignore_ascii_case(name));
    // Text that programs or gateways converted without changing its label. Real Latin text is never UTF-8 by accident.
    let is_mislabelled = ["iso-8859-1", "latin1", "windows-1252"].iter().any(|name| charset.eq_ignore_ascii_case(name))
        && std::str::from_utf8(bytes).is_ok();
    let decoder = if is_unicode || is_mislabelled { None } else { charset_decoder(charset.as_bytes()) };
    match decoder {
        Some(decode) => decode(bytes),
        None => guessed(bytes),
    }
}

/// UTF-8 if that makes sense of at least one character, else what old Western programs send without saying so.
fn guessed(bytes: &[u8]) -> String {
    let unicode = String::from_utf8_lossy(bytes);
    let is_broken = unicode.contains(char::REPLACEMENT_CHARACTER);
    let has_sense = unicode.chars().any(|char| !char.is_ascii() && char != char::REPLACEMENT_CHARACTER);
    match charset_decoder(b"windows-1252") {
        Some(decode) if is_broken && !has_sense => decode(bytes),
        _ => unicode.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_printable_survives_mistakes() {
        assert_eq!(quoted_printable(b"a=3Db=\r\nc=  \nd =C3=A9"), "a=bcd é".as_bytes());
        assert_eq!(quoted_printable(b"50% = half =zz ="), b"50% = half =zz ");
    }

    #[test]
    fn base64_survives_footers() {
        assert_eq!(base64(b"SGVs\r\nbG8="), b"Hello");
        assert!(base64(b"SGVsbG8h\n** list footer **").starts_with(b"Hello!"));
    }

    #[test]
    fn encoding_words_may_carry_rubbish() {
        assert_eq!(transfer(Some(" Base64; x=1"), b"SGk="), b"Hi".as_slice());
        assert_eq!(transfer(Some("8bits"), b"SGk="), b"SGk=".as_slice());
    }

    #[test]
    fn missing_and_wrong_charsets_are_guessed() {
        assert_eq!(characters(None, "Grüße".as_bytes()), "Grüße");
        assert_eq!(characters(None, b"Gr\xfc\xdfe"), "Grüße");
        assert_eq!(characters(Some("utf-8"), b"Gr\xfc\xdfe"), "Grüße");
        assert_eq!(characters(Some("us-ascii"), "Grüße".as_bytes()), "Grüße");
        assert_eq!(characters(Some("no-such-set"), "Grüße".as_bytes()), "Grüße");
        assert_eq!(characters(Some("ISO-8859-1"), b"Gr\xfc\xdfe"), "Grüße");
        assert_eq!(characters(Some("ISO-8859-1"), "Grüße".as_bytes()), "Grüße");
        assert_eq!(characters(Some("utf-8"), b"Gr\xc3\xbc\xdfe"), "Grü\u{fffd}e");
        assert_eq!(characters(Some("ISO-8859-2"), b"\xb1"), "ą");
    }
}
