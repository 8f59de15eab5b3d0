//! The chain that makes tampering with the audit trail evident: each event is sealed with a number and a hash over itself
//! and the hash before it. Whoever changes, takes out or swaps events breaks it.
//!
//! The network address and the id of the request are left out: they are erased when a person is deleted.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::text::{counted, grouped};

/// What a chain begins with.
pub const BEGINNING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Stands before every event, so that another way of writing them down can be told from this one.
const FORM: &str = "baton-audit-1";

/// Everything of an event that must not change, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Its row.
    pub id: i64,
    /// The workspace.
    pub workspace: Uuid,
    /// When.
    pub at: DateTime<Utc>,
    /// What kind of actor.
    pub actor_kind: String,
    /// Who, if it was a person.
    pub actor: Option<Uuid>,
    /// Why.
    pub cause: Option<String>,
    /// The bulk job that it belongs to.
    pub job: Option<Uuid>,
    /// What.
    pub name: String,
    /// What kind of thing it is about.
    pub subject_kind: String,
    /// What it is about.
    pub subject: Option<Uuid>,
    /// The conversation that it is about.
    pub conversation: Option<i64>,
    /// Holder before: a person, a team.
    pub from: (Option<Uuid>, Option<Uuid>),
    /// Holder after: a person, a team.
    pub to: (Option<Uuid>, Option<Uuid>),
    /// Everything else, as JSON.
    pub details: String,
}

/// The order of fields is part of the hash. A list of JSON values can be read in one way only.
#[derive(Serialize)]
struct Written<'a>(
    &'static str,
    i64,
    i64,
    &'a Uuid,
    i64,
    &'a str,
    &'a Option<Uuid>,
    &'a Option<String>,
    &'a Option<Uuid>,
    &'a str,
    &'a str,
    &'a Option<Uuid>,
    &'a Option<i64>,
    &'a (Option<Uuid>, Option<Uuid>),
    &'a (Option<Uuid>, Option<Uuid>),
    &'a str,
);

impl Content {
    /// The hash of this event as number `seq` of a chain whose hash before it is `previous`.
    #[must_use]
    pub fn seal(&self, seq: i64, previous: &str) -> String {
        let written = Written(
            FORM,
            seq,
            self.id,
            &self.workspace,
            self.at.timestamp_micros(),
            &self.actor_kind,
            &self.actor,
            &self.cause,
            &self.job,
            &self.name,
            &self.subject_kind,
            &self.subject,
            &self.conversation,
            &self.from,
            &self.to,
            &self.details,
        );
        // Plain values cannot fail to become JSON; were it so, no seal would match, which is the safe side.
        let json = serde_json::to_vec(&written).unwrap_or_default();
        let mut hash = Sha256::new();
        hash.update(previous.as_bytes());
        hash.update(b"\n");
        hash.update(&json);
        hex(&hash.finalize())
    }
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// An event with its seal, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Its number in the chain, from 1.
    pub seq: i64,
    /// Its hash.
    pub hash: String,
    /// The event.
    pub content: Content,
}

/// Where a chain ends: how many events are sealed, and the hash of the last. Whoever keeps one outside of the database
/// can tell later that the trail up to there is still the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// The number of the last event.
    pub seq: i64,
    /// Its hash.
    pub hash: String,
}

impl Seal {
    /// The end of a chain without events.
    #[must_use]
    pub fn beginning() -> Self {
        Self { seq: 0, hash: BEGINNING.to_owned() }
    }

    /// Reads `1234:9f3c…`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (seq, hash) = text.trim().split_once(':')?;
        let seq: i64 = seq.parse().ok().filter(|seq| *seq > 0)?;
        let is_hash = hash.len() == BEGINNING.len() && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hash.then(|| Self { seq, hash: hash.to_ascii_lowercase() })
    }
}

impl fmt::Display for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash)
    }
}

/// Something that is wrong with a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// An event does not match its seal.
    Changed {
        /// Its number in the chain.
        seq: i64,
        /// Its row.
        id: i64,
        /// When it says that it happened.
        at: DateTime<Utc>,
        /// What it says that happened.
        name: String,
    },
    /// Events are gone from the middle.
    Missing {
        /// The first of them.
        first: i64,
        /// The last of them.
        last: i64,
    },
    /// Events are gone from the end.
    TailMissing {
        /// The first of them.
        first: i64,
        /// The last of them.
        last: i64,
    },
    /// The last event has another hash than the end of the chain on record.
    OtherEnd {
        /// Its number.
        seq: i64,
    },
    /// There are numbers after the end of the chain.
    Beyond {
        /// Where the chain ends.
        sealed: i64,
        /// The highest number.
        last: i64,
    },
    /// It is not on record any more where the chain ends.
    NoEnd,
    /// An event has another hash than was kept outside.
    OtherSeal {
        /// Its number.
        seq: i64,
    },
    /// New events could not be sealed.
    Unsealed {
        /// What the database says.
        why: String,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed { seq, id, at, name } => write!(
                f,
                "Event {} (row {id}, {}, {name}) was changed: it does not match its seal.",
                grouped(*seq),
                at.format("%Y-%m-%d %H:%M:%S UTC"),
            ),
            Self::Missing { first, last } if first == last => write!(f, "Event {} is missing.", grouped(*first)),
            Self::Missing { first, last } => write!(f, "Events {} to {} are missing.", grouped(*first), grouped(*last)),
            Self::TailMissing { first, last } => write!(
                f,
                "The last {} missing: {} were sealed, and the chain ends at {}.",
                if first == last {
                    "event is".to_owned()
                } else {
                    format!("{} are", counted(last - first + 1, "event", "events"))
                },
                grouped(*last),
                grouped(first - 1),
            ),
            Self::OtherEnd { seq } => {
                write!(f, "Event {} is the last, but another one was sealed as such.", grouped(*seq))
            }
            Self::Beyond { sealed, last } => write!(
                f,
                "Events after number {} up to {} were numbered by somebody else.",
                grouped(*sealed),
                grouped(*last)
            ),
            Self::NoEnd => f.write_str("The record of where the chain ends is missing."),
            Self::OtherSeal { seq } => write!(f, "Event {} does not have the seal that you kept.", grouped(*seq)),
            Self::Unsealed { why } => write!(f, "New events cannot be sealed: {why}"),
        }
    }
}

/// Goes along a chain, event by event, and keeps nothing but the last seal.
#[derive(Debug)]
pub struct Walk {
    at: Seal,
    /// Whether the hash before the next event is known.
    linked: bool,
}

impl Default for Walk {
    fn default() -> Self {
        Self { at: Seal::beginning(), linked: true }
    }
}

impl Walk {
    /// The seal that was reached.
    #[must_use]
    pub const fn at(&self) -> &Seal {
        &self.at
    }

    /// Takes the next event in order of numbers; says what is wrong with it.
    pub fn step(&mut self, next: &Sealed) -> Vec<Finding> {
        let mut found = Vec::new();
        if next.seq > self.at.seq + 1 {
            found.push(Finding::Missing { first: self.at.seq + 1, last: next.seq - 1 });
            self.linked = false;
        }
        // After a gap the hash before is gone, so the event can only be taken as it is. What follows is held to it.
        let fits = next.seq > self.at.seq && (!self.linked || next.content.seal(next.seq, &self.at.hash) == next.hash);
        if !fits {
            let content = &next.content;
            found.push(Finding::Changed { seq: next.seq, id: content.id, at: content.at, name: content.name.clone() });
        }
        self.at = Seal { seq: next.seq, hash: next.hash.clone() };
        self.linked = true;
        found
    }

    /// Compares where the walk ended with where the chain ends.
    #[must_use]
    pub fn end(&self, end: &Seal) -> Option<Finding> {
        if self.at.seq < end.seq {
            return Some(Finding::TailMissing { first: self.at.seq + 1, last: end.seq });
        }
        (self.at != *end).then_some(Finding::OtherEnd { seq: self.at.seq })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn content(id: i64) -> Content {
        Content {
            id,
            workspace: Uuid::from_u128(1),
            at: DateTime::UNIX_EPOCH,
            actor_kind: "user".to_owned(),
            actor: Some(Uuid::from_u128(2)),
            cause: None,
            job: None,
            name: "user.deactivated".to_owned(),
            subject_kind: "user".to_owned(),
            subject: Some(Uuid::from_u128(3)),
            conversation: None,
            from: (None, None),
            to: (None, None),
            details: r#"{"reason":"left"}"#.to_owned(),
        }
    }

    fn chain(length: i64) -> Vec<Sealed> {
        let mut previous = BEGINNING.to_owned();
        (1..=length)
            .map(|seq| {
                let content = content(seq * 10);
                previous = content.seal(seq, &previous);
                Sealed { seq, hash: previous.clone(), content }
            })
            .collect()
    }

    fn walk(chain: &[Sealed], end: &Seal) -> Vec<Finding> {
        let mut walk = Walk::default();
        let mut found: Vec<Finding> = chain.iter().flat_map(|one| walk.step(one)).collect();
        found.extend(walk.end(end));
        found
    }

    fn end_of(chain: &[Sealed]) -> Seal {
        chain.last().map_or_else(Seal::beginning, |last| Seal { seq: last.seq, hash: last.hash.clone() })
    }

    #[test]
    fn a_seal_stays_what_it_is() {
        // Written down once: a change of this would break every chain that there is.
        let seal = content(10).seal(1, BEGINNING);
        assert_eq!(seal, "59276b49f5adf45ec64a96d61bfd7c074472c8c385582695a1e5bad65d500435");
        assert_eq!(Seal::parse(&format!("1:{seal}")), Some(Seal { seq: 1, hash: seal }));
        for bad in ["", "1", "0:aa", "x:aa", "1:zz", "1:abc"] {
            assert_eq!(Seal::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_was_done_to_a_chain_is_said() {
        let whole = chain(9);
        let end = end_of(&whole);
        assert_eq!(walk(&whole, &end), []);
        assert_eq!(walk(&[], &Seal::beginning()), []);

        let mut gone = whole.clone();
        gone.remove(4);
        assert_eq!(walk(&gone, &end), [Finding::Missing { first: 5, last: 5 }]);
        assert_eq!(walk(&whole[..7], &end), [Finding::TailMissing { first: 8, last: 9 }]);
        assert_eq!(walk(&[], &end), [Finding::TailMissing { first: 1, last: 9 }]);

        let mut resealed = whole.clone();
        resealed[8].content.details = "{}".to_owned();
        resealed[8].hash = resealed[8].content.seal(9, &whole[7].hash);
        assert_eq!(walk(&resealed, &end), [Finding::OtherEnd { seq: 9 }]);
        assert_eq!(
            Finding::TailMissing { first: 8, last: 9 }.to_string(),
            "The last 2 events are missing: 9 were sealed, and the chain ends at 7."
        );
    }

    proptest! {
        #[test]
        fn one_change_names_one_event(length in 2_i64..30, which in 0_usize..30, field in 0_u8..12) {
            let mut chain = chain(length);
            let end = end_of(&chain);
            let place = which % chain.len();
            let seq = chain[place].seq;
            let one = &mut chain[place].content;
            match field {
                0 => one.id += 1,
                1 => one.workspace = Uuid::from_u128(9),
                2 => one.at += chrono::TimeDelta::microseconds(1),
                3 => one.actor_kind = "system".to_owned(),
                4 => one.actor = None,
                5 => one.cause = Some(String::new()),
                6 => one.job = Some(Uuid::nil()),
                7 => one.name.push('x'),
                8 => one.subject = None,
                9 => one.from = (Some(Uuid::nil()), None),
                10 => one.to = (None, Some(Uuid::nil())),
                _ => one.details.push(' '),
            }
            let found = walk(&chain, &end);
            prop_assert!(matches!(found.as_slice(), [Finding::Changed { seq: named, .. }] if *named == seq), "{:?}", found);
        }

        #[test]
        fn swapped_events_are_noticed(length in 2_i64..30, one in 0_usize..30, other in 0_usize..30) {
            let whole = chain(length);
            let end = end_of(&whole);
            let (one, other) = (one % whole.len(), other % whole.len());
            prop_assume!(one != other);
            let mut swapped = whole.clone();
            swapped[one].content = whole[other].content.clone();
            swapped[other].content = whole[one].content.clone();
            prop_assert_eq!(walk(&swapped, &end).len(), 2);
            let mut renumbered = whole.clone();
            renumbered[one].seq = whole[other].seq;
            renumbered[other].seq = whole[one].seq;
            renumbered.sort_by_key(|event| event.seq);
            prop_assert!(walk(&renumbered, &end).len() >= 2);
        }
    }
}
