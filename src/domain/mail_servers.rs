//! Mail servers of a channel: where replies leave, where mail is fetched, and how a reply is signed.

use std::net::IpAddr;

use super::text::{lines, one_line};

/// How the connection to a server is kept private.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Security {
    /// TLS from the first byte.
    #[default]
    Tls,
    /// TLS after a greeting in the open; without it nothing more is said.
    StartTls,
    /// Not at all: for a server in the same network.
    None,
}

impl Security {
    /// All of them, the best first.
    pub const ALL: [Self; 3] = [Self::Tls, Self::StartTls, Self::None];

    /// The name under which it is stored and posted.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::StartTls => "starttls",
            Self::None => "none",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == name)
    }

    /// What people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Tls => "TLS",
            Self::StartTls => "STARTTLS",
            Self::None => "None (own network only)",
        }
    }
}

/// A server and who logs in there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Server {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is kept private.
    pub security: Security,
    /// Who logs in; empty for nobody.
    pub user: String,
}

impl Server {
    /// Reads what was typed. `None` if no host was.
    ///
    /// # Errors
    /// The end of the field's name and a sentence.
    pub fn parse(host: &str, port: &str, security: &str, user: &str) -> Result<Option<Self>, (&'static str, String)> {
        let host = one_line(host);
        if host.is_empty() {
            return Ok(None);
        }
        let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']' | '_');
        if host.len() > 253 || !host.chars().all(named) {
            return Err(("host", "Enter the name of a server, like mail.company.example".to_owned()));
        }
        let port = port.trim().parse::<u16>().ok().filter(|port| *port > 0);
        let port = port.ok_or(("port", "Enter a port between 1 and 65535".to_owned()))?;
        let security = Security::parse(security).ok_or(("security", "Choose one from the list".to_owned()))?;
        if security == Security::None && !is_near(&host) {
            return Err(("security", "Without encryption only a server of your own network can be used".to_owned()));
        }
        let user = one_line(user);
        if user.chars().count() > 254 {
            return Err(("user", "Enter at most 254 characters".to_owned()));
        }
        Ok(Some(Self { host, port, security, user }))
    }
}

/// Whether a server is on this machine or in its own network, as far as its name says: what is said to it unprotected does not go over
/// the Internet.
#[must_use]
pub fn is_near(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        Ok(IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
        Err(_) => {
            let own = ["localhost", "internal", "local", "lan", "home.arpa"];
            !host.contains(['.', ':']) || own.iter().any(|end| host.ends_with(&format!(".{end}")))
        }
    }
}

/// How a channel's replies look and leave, and where its mail is fetched. Passwords are not among it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ChannelMail {
    /// From whom replies come; empty for whoever wrote them. May have places to fill in.
    pub from_name: String,
    /// From which address, if not the channel's.
    pub from_address: Option<String>,
    /// What stands below each reply. May have places to fill in.
    pub signature: String,
    /// Whether replies carry an address that answers find their conversation by.
    pub reply_by_address: bool,
    /// Whether replies repeat the message that they answer.
    pub quotes: bool,
    /// Where replies leave, if not by the installation's server.
    pub smtp: Option<Server>,
    /// Where mail is fetched.
    pub imap: Option<Server>,
    /// From which folder there.
    pub imap_folder: String,
}

/// The longest signature.
pub const MAX_SIGNATURE: usize = 2000;

/// What was typed as a signature.
///
/// # Errors
/// A sentence.
pub fn parse_signature(text: &str) -> Result<String, String> {
    let text = lines(text);
    if text.chars().count() > MAX_SIGNATURE {
        return Err(format!("Shorten it to {MAX_SIGNATURE} characters"));
    }
    Ok(text)
}

/// Fills in who writes and where: `{agent}`, `{workspace}`.
#[must_use]
pub fn filled(text: &str, agent: &str, workspace: &str) -> String {
    // In one pass, so that a name which looks like a place stays a name.
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let known = [("{agent}", agent), ("{workspace}", workspace)];
        match known.iter().find_map(|(place, value)| Some((from.strip_prefix(place)?, *value))) {
            Some((after, value)) => {
                out.push_str(value);
                rest = after;
            }
            None => {
                out.push('{');
                rest = from.get(1..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_read_or_refused_at_its_field() {
        let good = Server::parse(" mail.x.org ", "993", "tls", "ann@x.org").unwrap().unwrap();
        assert_eq!((good.host.as_str(), good.port, good.security), ("mail.x.org", 993, Security::Tls));
        assert_eq!(Server::parse("  ", "x", "y", "z"), Ok(None));
        let cases = [
            (("imap://x", "1", "tls"), "host"),
            (("a b", "1", "tls"), "host"),
            (("x", "0", "tls"), "port"),
            (("x", "70000", "tls"), "port"),
            (("x", "1", ""), "security"),
            (("mail.company.example", "1", "none"), "security"),
            (("8.8.8.8", "1", "none"), "security"),
            (("[2001:db8::1]", "1", "none"), "security"),
        ];
        for ((host, port, security), field) in cases {
            assert_eq!(Server::parse(host, port, security, "").unwrap_err().0, field, "{host}");
        }
    }

    #[test]
    fn a_server_near_by_may_go_without_encryption() {
        for host in [
            "localhost",
            "127.0.0.1",
            "[::1]",
            "10.1.2.3",
            "192.168.1.9",
            "fd00::1",
            "dovecot",
            "mail.lan",
            "Mail.Localhost.",
        ] {
            assert!(Server::parse(host, "143", "none", "").is_ok(), "{host}");
        }
        for host in ["mail.company.example", "172.32.0.1", "localhost.company.example", "mylan", "2001:db8::1"] {
            assert_eq!(is_near(host), host == "mylan", "{host}");
        }
    }

    #[test]
    fn places_are_filled_in_once() {
        assert_eq!(filled("{agent}, {workspace} {x} {", "Bob", "Fernhill"), "Bob, Fernhill {x} {");
        assert_eq!(filled("{agent}", "{workspace}", "Fernhill"), "{workspace}");
        assert_eq!(filled("", "Bob", "Fernhill"), "");
    }
}
