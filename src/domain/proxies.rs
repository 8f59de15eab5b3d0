//! Whose word is taken for where a request comes from: the proxies in front of Baton, and what they say of a client.

use std::net::IpAddr;

use ipnet::IpNet;

/// The proxies that are trusted; none unless they are set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Reads addresses and networks, separated by commas.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn parse(text: &str) -> Result<Self, String> {
        let one = |word: &str| {
            let address = word.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
            address.or_else(|_| word.parse::<IpNet>()).map_err(|_| word.to_owned())
        };
        text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(one).collect::<Result<_, _>>().map(Self)
    }

    /// Whether none is trusted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As they were set, in one line.
    #[must_use]
    pub fn in_words(&self) -> String {
        let words = |net: &IpNet| {
            if net.prefix_len() == net.max_prefix_len() { net.addr().to_string() } else { net.to_string() }
        };
        self.0.iter().map(words).collect::<Vec<_>>().join(", ")
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|net| net.contains(&address))
    }

    /// Where a request comes from. `forwarded` are the values of `X-Forwarded-For` in their order: each proxy appends
    /// whom it heard from, so they are read from the right, for as long as a proxy that is trusted says them. What a
    /// client wrote there itself stands further to the left and is never reached.
    pub fn client<'a>(&self, peer: IpAddr, forwarded: impl DoubleEndedIterator<Item = &'a str>) -> IpAddr {
        let mut client = peer.to_canonical();
        for word in forwarded.rev().flat_map(|line| line.rsplit(',')) {
            if !self.trusts(client) {
                break;
            }
            // Of a word that is no address nobody knows what it means: the proxy that said it is the last one known.
            let Some(before) = read_address(word.trim()) else { break };
            client = before;
        }
        client
    }
}

/// An address, with or without a port.
fn read_address(word: &str) -> Option<IpAddr> {
    let plain = word.strip_prefix('[').and_then(|word| word.strip_suffix(']')).unwrap_or(word);
    let address = plain.parse::<IpAddr>().or_else(|_| word.parse::<std::net::SocketAddr>().map(|with| with.ip()));
    address.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn client(trusted: &str, peer: &str, forwarded: &[&str]) -> String {
        let trusted = TrustedProxies::parse(trusted).unwrap();
        trusted.client(peer.parse().unwrap(), forwarded.iter().copied()).to_string()
    }

    #[test]
    fn without_trust_only_the_peer_counts() {
        assert_eq!(client("", "192.0.2.1", &["203.0.113.9"]), "192.0.2.1");
        assert_eq!(client("10.0.0.0/8", "192.0.2.1", &["203.0.113.9"]), "192.0.2.1");
    }

    #[test]
    fn of_a_trusted_proxy_the_right_most_address_that_is_not_one_counts() {
        let trusted = "10.0.0.0/8, 192.0.2.7, 2001:db8::/32";
        let cases: [(&str, &[&str], &str); 11] = [
            ("10.1.2.3", &[], "10.1.2.3"),
            ("10.1.2.3", &["203.0.113.9"], "203.0.113.9"),
            ("192.0.2.7", &["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
            ("192.0.2.8", &["203.0.113.9"], "192.0.2.8"),
            ("10.1.2.3", &["203.0.113.9, 10.9.9.9"], "203.0.113.9"),
            ("10.1.2.3", &["198.51.100.1", "203.0.113.9", " 10.9.9.9 "], "203.0.113.9"),
            ("10.1.2.3", &["10.5.5.5,10.9.9.9"], "10.5.5.5"),
            ("10.1.2.3", &["203.0.113.9:4711"], "203.0.113.9"),
            ("::ffff:10.1.2.3", &["[2001:db9::5]:4711"], "2001:db9::5"),
            ("2001:db8::1", &["::ffff:203.0.113.9"], "203.0.113.9"),
            ("10.1.2.3", &["198.51.100.1, unknown"], "10.1.2.3"),
        ];
        for (peer, forwarded, said) in cases {
            assert_eq!(client(trusted, peer, forwarded), said, "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn what_is_no_address_is_named() {
        for (text, wrong) in [("proxy.example", "proxy.example"), ("10.0.0.0/8, 10.0.0.0/40", "10.0.0.0/40")] {
            assert_eq!(TrustedProxies::parse(text), Err(wrong.to_owned()));
        }
        let parsed = TrustedProxies::parse("10.0.0.0/8,,127.0.0.1, ::1").unwrap();
        assert_eq!(parsed.in_words(), "10.0.0.0/8, 127.0.0.1, ::1");
        assert!(TrustedProxies::parse(" ").unwrap().is_empty());
    }

    proptest! {
        #[test]
        fn nothing_that_a_client_writes_changes_where_it_is(written in ".{0,60}", last in 0_u8..255) {
            let seen = format!("203.0.113.{last}");
            let line = format!("{written},{seen}");
            prop_assert_eq!(client("10.0.0.0/8", "10.0.0.1", &[&line]), seen.as_str());
            prop_assert_eq!(client("10.0.0.0/8", "10.0.0.1", &[&written, &seen]), seen.as_str());
            prop_assert_eq!(client("10.0.0.0/8", &seen, &[&written]), seen);
        }
    }
}
