//! Settings → Users → Inactive Users: what people who cannot log in still hold.

use std::collections::{HashMap, HashSet};

use crate::domain::access::Sees;
use crate::domain::ids::UserId;
use crate::domain::inbox::{Assignee, Filter, Statuses, Waiting};
use crate::domain::text::{counted, grouped};
use crate::domain::users::Status;
use crate::failure::Failure;
use crate::store::counts::Counts;
use crate::store::users::Brief;
use crate::store::{self, Rx};

/// How many people are named.
const NAMED: usize = 3;

/// The alert above the list.
pub(super) struct Held {
    pub heading: String,
    pub text: String,
}

/// What is held, and how much of it a contact waits for; nothing if it is nothing.
pub(super) fn find(rx: &mut Rx, counts: &Counts) -> Result<Option<Held>, Failure> {
    let people = store::users::list_by_status(rx, &[Status::Inactive])?;
    let inactive: HashSet<UserId> = people.iter().map(|one| one.id).collect();
    let filter = Filter { assignee: Some(Assignee::Inactive), ..Filter::of(Statuses::OpenAndSnoozed) };
    let held = counts.matching_by_person(&filter, &inactive);
    let waiting = Filter { waiting: Some(Waiting::OnUs), ..filter };
    let waiting = store::inbox::count(rx, &waiting, &Sees::All)?;
    Ok(write(&people, &held, waiting))
}

fn write(people: &[Brief], held: &HashMap<UserId, i64>, waiting: i64) -> Option<Held> {
    let mut holders: Vec<(&str, i64)> = people
        .iter()
        .filter_map(|one| held.get(&one.id).filter(|held| **held > 0).map(|held| (one.name.full.as_str(), *held)))
        .collect();
    holders.sort_by_key(|(_, held)| -held);
    let total: i64 = holders.iter().map(|(_, held)| held).sum();
    if total == 0 {
        return None;
    }
    let mut parts: Vec<String> =
        holders.iter().take(NAMED).map(|(name, held)| format!("{name} holds {}", grouped(*held))).collect();
    let others = holders.get(NAMED..).unwrap_or_default();
    if !others.is_empty() {
        let who = counted(i64::try_from(others.len()).unwrap_or(0), "other holds", "others hold");
        parts.push(format!("{who} {}", grouped(others.iter().map(|(_, held)| held).sum())));
    }
    let last = parts.pop().unwrap_or_default();
    let who = if parts.is_empty() { last } else { format!("{} and {last}", parts.join(", ")) };
    let waits = match waiting {
        0 => String::new(),
        1 => " A customer is waiting on 1 of them.".to_owned(),
        many => format!(" Customers are waiting on {} of them.", grouped(many)),
    };
    Some(Held {
        heading: format!(
            "{} still held by people who can’t log in",
            counted(total, "conversation is", "conversations are")
        ),
        text: format!("{who}.{waits}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::users::Name;
    use uuid::Uuid;

    #[test]
    fn those_who_hold_most_are_named_and_the_others_counted() {
        let id = |n: u128| UserId(Uuid::from_u128(n));
        let person = |n: u128, name: &str| Brief {
            id: id(n),
            name: Name { full: name.to_owned(), display: name.to_owned() },
            status: Status::Inactive,
            since: chrono::DateTime::UNIX_EPOCH,
        };
        let people: Vec<Brief> =
            (1..).zip(["Ada", "Ben", "Cy", "Dee", "Eve"]).map(|(n, name)| person(n, name)).collect();
        let say = |numbers: &[i64], waiting| {
            let held = (1..).zip(numbers).map(|(n, held)| (id(n), *held)).collect();
            write(&people, &held, waiting).map(|held| format!("{}. {}", held.heading, held.text))
        };
        assert_eq!(say(&[], 0), None);
        let one =
            "1 conversation is still held by people who can’t log in. Ada holds 1. A customer is waiting on 1 of them.";
        assert_eq!(say(&[1], 1).as_deref(), Some(one));
        let two = "16 conversations are still held by people who can’t log in. Ben holds 12 and Ada holds 4. Customers are waiting on 5 of them.";
        assert_eq!(say(&[4, 12], 5).as_deref(), Some(two));
        let many = "1,015 conversations are still held by people who can’t log in. Eve holds 1,000, Ada holds 5, Ben holds 4 and 2 others hold 6.";
        assert_eq!(say(&[5, 4, 3, 3, 1_000], 0).as_deref(), Some(many));
    }
}
