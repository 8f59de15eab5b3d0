//! How guessing passwords is slowed down (S-6), and how long sessions live (S-2).

use std::net::{IpAddr, Ipv6Addr};

use chrono::{DateTime, TimeDelta, Utc};

use super::ids::{UserId, WorkspaceId};
use super::secrets::hash;
use super::text::key;

/// Failures count for this long.
pub const WINDOW: TimeDelta = TimeDelta::minutes(15);
/// So many failures of one account, or from one address, are let through.
pub const FAILURES: usize = 10;
/// One address may stand for a whole office.
pub const FAILURES_OF_AN_ADDRESS: usize = 50;

/// So many links for a forgotten password can be asked for with one email within [`WINDOW`].
pub const LINKS: usize = 5;
/// So many from one network address.
pub const LINKS_OF_AN_ADDRESS: usize = 20;

/// How long a session lives without being used.
pub const IDLE: TimeDelta = TimeDelta::days(14);
/// How long a session lives at the most.
pub const ABSOLUTE: TimeDelta = TimeDelta::days(30);
/// How long a link for a forgotten password is valid.
pub const RESET: TimeDelta = TimeDelta::hours(1);

/// Under which an address's attempts are counted: a hash, because an unknown address may be somebody's.
#[must_use]
pub fn account(workspace: WorkspaceId, email: &str) -> String {
    hash(&format!("{workspace} {}", key(email)))
}

/// Under which an address is counted: an IPv4 address is itself; of IPv6 everybody who has one address has the 2^64 beside
/// it as well, so that the network counts.
#[must_use]
pub fn network(address: &str) -> String {
    let Ok(IpAddr::V6(v6)) = address.parse() else { return address.to_owned() };
    match v6.to_ipv4_mapped() {
        Some(v4) => v4.to_string(),
        None => format!("{}/64", Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
    }
}

/// What is counted under a name, and how much of it is let through within [`WINDOW`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The hash of the name.
    pub key_hash: String,
    /// So much is let through.
    pub allowed: usize,
}

/// What limits asking for links for a forgotten password: by the email that is typed, be it somebody's or nobody's, and
/// by the network that they come from.
#[must_use]
pub fn limits_of_links(email: &str, address: &str) -> [Limit; 2] {
    [
        Limit { key_hash: hash(&format!("link for {}", key(email))), allowed: LINKS },
        Limit { key_hash: hash(&format!("link from {}", network(address))), allowed: LINKS_OF_AN_ADDRESS },
    ]
}

/// What limits typing one's password again, to change it or to delete the account.
#[must_use]
pub fn limit_of_reentry(user: UserId) -> Limit {
    Limit { key_hash: hash(&format!("again {user}")), allowed: FAILURES }
}

/// How long one has to wait before the next try, given the instants of past failures within [`WINDOW`], oldest first.
#[must_use]
pub fn wait(failures: &[DateTime<Utc>], allowed: usize, now: DateTime<Utc>) -> Option<TimeDelta> {
    let first_that_counts = failures.len().checked_sub(allowed)?;
    let oldest = failures.get(first_that_counts)?;
    let until = *oldest + WINDOW;
    (until > now).then(|| until - now)
}

/// Whether a session still lives.
#[must_use]
pub fn session_lives(created: DateTime<Utc>, seen: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now - created < ABSOLUTE && now - seen < IDLE
}

/// A "no" to logging in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginRefusal {
    /// S-1: says nothing about which.
    #[error("That email and password don’t match.")]
    NoMatch,
    /// S-1: said only to who knows the password.
    #[error("This account is deactivated. Ask {0} to reactivate it.")]
    Deactivated(String),
    /// S-6.
    #[error("Too many tries. Wait {0} and try again, or reset your password.")]
    TooMany(String),
    /// S-6.
    #[error("Too many links were asked for. Wait {0}; the links that were sent before still work for an hour.")]
    TooManyLinks(String),
    /// S-6.
    #[error("Too many tries with a wrong password. Wait {0} and try again.")]
    TooManyAgain(String),
    /// S-5.
    #[error("This link was used, or its hour is over. Ask for a new one.")]
    DeadResetLink,
    /// U-15.
    #[error("That isn’t your present password.")]
    WrongPassword,
}

/// A wait in words: "3 minutes".
#[must_use]
pub fn wait_in_words(wait: TimeDelta) -> String {
    let minutes = (wait.num_seconds() + 59) / 60;
    if minutes <= 1 { "a minute".to_owned() } else { format!("{minutes} minutes") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whoever_stops_failing_gets_in_again(mut failures in proptest::collection::vec(0_i64..900, 0..30)) {
            failures.sort_unstable();
            let at = |s| DateTime::UNIX_EPOCH + TimeDelta::seconds(s);
            let failures: Vec<_> = failures.into_iter().map(at).collect();
            let now = at(900);
            let waiting = wait(&failures, FAILURES, now);
            if failures.len() < FAILURES {
                prop_assert_eq!(waiting, None);
            }
            if let Some(waiting) = waiting {
                prop_assert!(waiting <= WINDOW);
                let later = now + waiting;
                let still: Vec<_> = failures.iter().copied().filter(|f| *f + WINDOW > later).collect();
                prop_assert_eq!(wait(&still, FAILURES, later), None);
            }
        }
    }

    #[test]
    fn one_customer_of_ipv6_is_one_whatever_address_they_take() {
        assert_eq!(network("2001:db8:1:2::1"), "2001:db8:1:2::/64");
        assert_eq!(network("2001:db8:1:2:ffff:ffff:ffff:ffff"), network("2001:db8:1:2::1"));
        assert_ne!(network("2001:db8:1:3::1"), network("2001:db8:1:2::1"));
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!((network("192.0.2.7"), network("")), ("192.0.2.7".to_owned(), String::new()));
        assert_eq!(limits_of_links("a@b.example", "2001:db8::1"), limits_of_links("a@b.example", "2001:db8::2"));
    }

    #[test]
    fn sessions_end_by_idling_and_by_age() {
        let start = DateTime::UNIX_EPOCH;
        let day = TimeDelta::days(1);
        assert!(session_lives(start, start, start + day * 13));
        assert!(!session_lives(start, start, start + day * 14));
        assert!(session_lives(start, start + day * 20, start + day * 29));
        assert!(!session_lives(start, start + day * 29, start + day * 30));
    }
}
