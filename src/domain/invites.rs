//! Invites: one-time links that make an account (I-1 … I-6).

use chrono::{DateTime, Utc};

/// Where an invite link stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkState {
    /// Waits to be used.
    Live,
    /// Was used.
    Used,
    /// A newer link was sent.
    Replaced,
}

impl LinkState {
    /// The name under which it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Used => "used",
            Self::Replaced => "replaced",
        }
    }

    /// The state of this stored name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Live, Self::Used, Self::Replaced].into_iter().find(|state| state.as_str() == name)
    }
}

/// Why an invite link leads nowhere (I-5).
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DeadLink {
    /// Its time ran out.
    #[error("This invite has expired.")]
    Expired,
    /// A newer one was sent.
    #[error("A newer invite was sent. Use the link in the latest email.")]
    Replaced,
    /// The account is made.
    #[error("This invite was already used. Log in with your password.")]
    Used,
    /// Cancelled, or never was.
    #[error("This invite was cancelled or never existed.")]
    Unknown,
}

/// Whether a link may be used at `now`.
///
/// # Errors
/// Which kind of dead it is.
pub fn usable(state: LinkState, expires_at: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), DeadLink> {
    match state {
        LinkState::Used => Err(DeadLink::Used),
        LinkState::Replaced => Err(DeadLink::Replaced),
        LinkState::Live if expires_at <= now => Err(DeadLink::Expired),
        LinkState::Live => Ok(()),
    }
}

/// A "no" about an invite.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InviteRefusal {
    /// I-2.
    #[error("{0} is already a user.")]
    AlreadyUser(String),
    /// I-2.
    #[error("{email} was invited on {on}. Resend that invite instead.")]
    AlreadyInvited {
        /// The address.
        email: String,
        /// The day, as people write it.
        on: String,
    },
    /// I-2.
    #[error("{email} was deactivated on {on}. Reactivate that account instead.")]
    Deactivated {
        /// The address.
        email: String,
        /// The day, as people write it.
        on: String,
    },
    /// I-2, U-10.
    #[error("{email} was removed on {on}. Restore them, or start fresh.")]
    Removed {
        /// The address.
        email: String,
        /// The day, as people write it.
        on: String,
    },
    /// Someone was quicker.
    #[error("{0} is no longer among the removed users. Invite them anew.")]
    NotRemoved(String),
    /// I-5.
    #[error(transparent)]
    Dead(#[from] DeadLink),
    /// Someone was quicker.
    #[error("This invite was already accepted or cancelled.")]
    NotPending,
    /// O-3.
    #[error(
        "The link in this mail no longer works, so it isn’t sent again. Resend the invite in Settings → Users instead."
    )]
    MailOutdated,
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn only_a_live_link_in_time_can_be_used(state in 0_usize..3, expires in 0_i64..50, now in 0_i64..50) {
            let state = [LinkState::Live, LinkState::Used, LinkState::Replaced][state];
            let at = |s| DateTime::UNIX_EPOCH + TimeDelta::seconds(s);
            let fine = usable(state, at(expires), at(now)).is_ok();
            prop_assert_eq!(fine, state == LinkState::Live && now < expires);
            prop_assert_eq!(LinkState::parse(state.as_str()), Some(state));
        }
    }
}
