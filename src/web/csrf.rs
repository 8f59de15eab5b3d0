//! Forms can only be posted from Baton's own pages (S-7): a token in each form, and the browser's word on where the
//! request comes from.

use actix_web::http::header::{HOST, HeaderMap, ORIGIN};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Bytes of the nonce in a token.
const NONCE: usize = 16;

fn mac(secret: &str, nonce: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(nonce);
    Some(mac)
}

/// A token for a form. It differs each time, so that compressed pages give nothing away.
#[must_use]
pub fn token(secret: &str, random: &[u8; 32]) -> String {
    let nonce: Vec<u8> = random.iter().take(NONCE).copied().collect();
    let Some(mac) = mac(secret, &nonce) else { return String::new() };
    let mut bytes = nonce;
    bytes.extend_from_slice(&mac.finalize().into_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Whether the token was made with the secret. Compared in constant time.
#[must_use]
pub fn fits(secret: &str, token: &str) -> bool {
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(token) else { return false };
    let Some((nonce, tag)) = bytes.split_at_checked(NONCE) else { return false };
    mac(secret, nonce).is_some_and(|mac| mac.verify_slice(tag).is_ok())
}

/// Whether the browser says that the request comes from one of our own pages. Browsers that say nothing pass: the
/// token decides. `public` is where people open Baton, if that was set: then the whole origin has to be that one, and a
/// page that came over plain HTTP is none of ours behind `https`. Without it, the host that was asked is all that is known.
#[must_use]
pub fn is_same_origin(headers: &HeaderMap, public: Option<&url::Url>) -> bool {
    if let Some(site) = text(headers, "sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = headers.get(ORIGIN).and_then(|value| value.to_str().ok()) else { return true };
    if let Some(public) = public {
        return origin == public.origin().ascii_serialization();
    }
    let host = headers.get(HOST).and_then(|value| value.to_str().ok());
    url::Url::parse(origin).is_ok_and(|origin| {
        let with_port = match (origin.host_str(), origin.port()) {
            (Some(name), Some(port)) => format!("{name}:{port}"),
            (Some(name), None) => name.to_owned(),
            (None, _) => return false,
        };
        host == Some(with_port.as_str())
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(public: Option<&str>, headers: &[(&'static str, &'static str)]) -> bool {
        use actix_web::http::header::{HeaderName, HeaderValue};
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        is_same_origin(&headers, public.map(|url| url::Url::parse(url).unwrap()).as_ref())
    }

    #[test]
    fn the_whole_origin_is_compared_where_it_is_known() {
        let public = Some("https://baton.example/");
        assert!(same(public, &[("origin", "https://baton.example")]));
        for foreign in ["http://baton.example", "https://baton.example:8443", "https://evil.example", "null"] {
            assert!(!same(public, &[("origin", foreign), ("host", "baton.example")]), "{foreign}");
        }
        assert!(same(None, &[("origin", "http://10.0.0.5:8080"), ("host", "10.0.0.5:8080")]));
        assert!(!same(None, &[("origin", "http://10.0.0.5:8081"), ("host", "10.0.0.5:8080")]));
        assert!(same(public, &[]), "the token decides");
    }

    #[test]
    fn what_the_browser_itself_says_of_the_page_goes_first() {
        let public = Some("https://baton.example/");
        assert!(same(public, &[("sec-fetch-site", "same-origin"), ("origin", "https://baton.example")]));
        for site in ["cross-site", "same-site"] {
            assert!(!same(public, &[("sec-fetch-site", site), ("origin", "https://baton.example")]), "{site}");
        }
    }

    #[test]
    fn a_token_fits_its_secret_only() {
        let made = token("secret", &[7; 32]);
        assert!(fits("secret", &made));
        assert!(!fits("other", &made));
        assert!(!fits("secret", ""));
        assert!(!fits("secret", &made[1..]));
        assert!(!fits("secret", "AAAA"));
    }
}
