//! Time, ids and secrets come in through here, so that tests can hold them still.

use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use uuid::Uuid;

/// Where "now" comes from.
pub trait Clock: Send + Sync {
    /// The present instant in UTC, cut to microseconds: SQLite would keep nanoseconds and PostgreSQL would not.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock, moved by a fixed amount.
#[derive(Default)]
pub struct SystemClock {
    offset: TimeDelta,
}

impl SystemClock {
    /// A clock that runs ahead of the machine's by `offset`, so that timers can be tried without waiting.
    #[must_use]
    pub fn ahead_by(offset: TimeDelta) -> Self {
        Self { offset }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> DateTime<Utc> {
        (Utc::now() + self.offset).trunc_subsecs(6)
    }
}

/// A clock that stands still until it is moved.
pub struct ManualClock {
    now: Mutex<DateTime<Utc>>,
}

impl ManualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn at(now: DateTime<Utc>) -> Self {
        Self { now: Mutex::new(now.trunc_subsecs(6)) }
    }

    /// Moves the clock ahead.
    pub fn advance(&self, by: Duration) {
        let mut now = self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *now += TimeDelta::from_std(by).unwrap_or(TimeDelta::zero());
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        *self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Where ids and secrets come from.
pub trait Entropy: Send + Sync {
    /// A version 7 uuid made at `now`: ids of later rows sort after those of earlier ones.
    fn new_id(&self, now: DateTime<Utc>) -> Uuid;
    /// 256 random bits.
    fn secret(&self) -> [u8; 32];
}

/// The operating system's randomness.
pub struct SystemEntropy;

impl SystemEntropy {
    #[expect(clippy::expect_used, reason = "without randomness nothing may go on: no id and no secret could be made")]
    fn fill(bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system's randomness");
    }
}

impl Entropy for SystemEntropy {
    fn new_id(&self, now: DateTime<Utc>) -> Uuid {
        let mut random = [0; 10];
        Self::fill(&mut random);
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }

    fn secret(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        Self::fill(&mut bytes);
        bytes
    }
}
