//! What is wrong with the people of a list, one by one (I-1).

use std::collections::HashMap;

use super::ids::{RoleId, TeamId};
use super::invite_list::Entry;
use super::roles::Role;
use super::teams::Team;
use super::text::{key, one_line};
use super::users::{Name, parse_email, parse_name};

/// What people of the list are checked against.
pub struct Known<'a> {
    /// The roles of the workspace.
    pub roles: &'a [Role],
    /// The teams of the workspace.
    pub teams: &'a [Team],
    /// Whether the inviter may give a role.
    pub may_give: &'a dyn Fn(&Role) -> bool,
    /// Addresses that are somebody's already, by key, with the sentence that says whose state.
    pub taken: &'a HashMap<String, String>,
    /// The roles of those whose line names none.
    pub usual_roles: &'a [RoleId],
    /// The teams of those whose line names none.
    pub usual_teams: &'a [TeamId],
    /// Who is left out, by their places in the list: nobody else is their duplicate.
    pub struck: &'a Places,
}

/// Somebody who can be invited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Their address.
    pub email: String,
    /// Their names; made up of the address if the list has none.
    pub name: Name,
    /// As what.
    pub roles: Vec<RoleId>,
    /// Into which teams.
    pub teams: Vec<TeamId>,
}

/// Somebody in the list with the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The place among all people of the list, from 1: a line may name several.
    pub place: u64,
    /// The line, from 1.
    pub line: u64,
    /// What stands there, to be recognised by.
    pub shown: String,
    /// The person, or everything that is wrong.
    pub answer: Result<Person, Vec<String>>,
}

/// Checks every person of a list (I-1).
#[must_use]
pub fn check(entries: &[Entry], known: &Known) -> Vec<Checked> {
    let mut seen: HashMap<String, u64> = HashMap::new();
    (1..)
        .zip(entries)
        .map(|(place, entry)| {
            let shown = if entry.email.is_empty() { &entry.full_name } else { &entry.email };
            let shown = super::text::shorten(shown, 120);
            let answer = check_one(entry, known, &mut seen, known.struck.has(place));
            Checked { place, line: entry.line, shown, answer }
        })
        .collect()
}

fn check_one(
    entry: &Entry,
    known: &Known,
    seen: &mut HashMap<String, u64>,
    struck: bool,
) -> Result<Person, Vec<String>> {
    let mut wrong: Vec<String> = Vec::new();
    let mut note = |sentence: &dyn std::fmt::Display| wrong.push(sentence.to_string());
    if entry.more {
        note(&"There is more in this line than fits. Write one person a line, or name the columns in the first line.");
    }
    let email = parse_email(&entry.email).map_err(|sentence| note(&sentence)).unwrap_or_default();
    if !email.is_empty() {
        let address = key(&email);
        if let Some(line) = seen.get(&address) {
            if *line == entry.line {
                note(&"This line has this address already");
            } else {
                note(&format!("Line {line} has this address already"));
            }
        } else if let Some(sentence) = known.taken.get(&address) {
            note(sentence);
        }
        if !struck {
            seen.entry(address).or_insert(entry.line);
        }
    }
    let guessed = if entry.full_name.is_empty() { name_of(&email) } else { entry.full_name.clone() };
    let full = match parse_name(&guessed, "Enter their full name") {
        Ok(full) => full,
        Err(sentence) => {
            if !email.is_empty() || !entry.full_name.is_empty() {
                note(&format!("Full name: {sentence}"));
            }
            String::new()
        }
    };
    let display = if entry.display_name.is_empty() {
        full.split(' ').next().unwrap_or_default().to_owned()
    } else {
        parse_name(&entry.display_name, "").map_err(|said| note(&format!("Display name: {said}"))).unwrap_or_default()
    };
    let roles = named(&entry.roles, |name| known.roles.iter().find(|role| key(&role.name) == *name));
    let mut given = Vec::new();
    for role in roles {
        match role {
            Ok(role) if (known.may_give)(role) => given.push(role.id),
            Ok(role) => note(&format!("You can’t give the role {}", role.name)),
            Err(name) => note(&format!("There is no role called “{name}”")),
        }
    }
    let mut joined = Vec::new();
    for team in named(&entry.teams, |name| known.teams.iter().find(|team| key(&team.name) == *name)) {
        match team {
            Ok(team) => joined.push(team.id),
            Err(name) => note(&format!("There is no team called “{name}”")),
        }
    }
    if entry.roles.is_empty() {
        given = known.usual_roles.to_vec();
    }
    if entry.teams.is_empty() {
        joined = known.usual_teams.to_vec();
    }
    if given.is_empty() && wrong.is_empty() {
        wrong.push("Choose at least one role".to_owned());
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    distinct(&mut given);
    distinct(&mut joined);
    Ok(Person { email, name: Name { full, display }, roles: given, teams: joined })
}

fn distinct<T: Ord>(ids: &mut Vec<T>) {
    ids.sort_unstable();
    ids.dedup();
}

/// What a cell names: itself whole, or its parts between semicolons, commas and bars.
fn named<'a, T>(cell: &str, find: impl Fn(&String) -> Option<&'a T>) -> Vec<Result<&'a T, String>> {
    if cell.is_empty() {
        return Vec::new();
    }
    if let Some(found) = find(&key(cell)) {
        return vec![Ok(found)];
    }
    cell.split([';', ',', '|'])
        .map(one_line)
        .filter(|name| !name.is_empty())
        .map(|name| find(&key(&name)).ok_or_else(|| super::text::shorten(&name, 60)))
        .collect()
}

/// `amara.nwosu+desk@…` is called "Amara Nwosu" until she says otherwise.
fn name_of(email: &str) -> String {
    let local = email.split('@').next().unwrap_or_default();
    let plain = local.split('+').next().unwrap_or_default();
    let words: Vec<String> = plain
        .split(['.', '_', '-'])
        .filter(|word| !word.is_empty())
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
        })
        .collect();
    if words.is_empty() { local.to_owned() } else { words.join(" ") }
}

/// Places as they are kept in a form: `2,4-7`.
#[must_use]
pub fn print_places(places: &[u64]) -> String {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for place in places {
        match ranges.last_mut() {
            Some((_, last)) if *place == *last || *place == *last + 1 => *last = *place,
            _ => ranges.push((*place, *place)),
        }
    }
    let range = |(first, last): &(u64, u64)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    ranges.iter().map(range).collect::<Vec<_>>().join(",")
}

/// Places in a list, as [`print_places`] writes them.
#[derive(Clone, Debug, Default)]
pub struct Places(Vec<(u64, u64)>);

impl Places {
    /// Reads them; what cannot be read is as if it were not there.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let range = |range: &str| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            Some((first.parse::<u64>().ok()?, last.parse::<u64>().ok()?))
        };
        let mut ranges: Vec<(u64, u64)> =
            text.split(',').filter_map(range).filter(|(first, last)| first <= last).collect();
        ranges.sort_unstable();
        // Joined, so that the last one that begins before a place is the one that can hold it.
        let mut joined: Vec<(u64, u64)> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match joined.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
                _ => joined.push((first, last)),
            }
        }
        Self(joined)
    }

    /// Whether a place is among them.
    #[must_use]
    pub fn has(&self, place: u64) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= place);
        after.checked_sub(1).and_then(|at| self.0.get(at)).is_some_and(|(_, last)| place <= *last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::access::PermissionSet;
    use crate::domain::invite_list::read;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn role(id: u128, name: &str) -> Role {
        Role {
            id: RoleId(Uuid::from_u128(id)),
            standard: None,
            name: name.to_owned(),
            description: String::new(),
            permissions: PermissionSet::NONE,
            version: 1,
        }
    }

    fn team(id: u128, name: &str) -> Team {
        Team { id: TeamId(Uuid::from_u128(id)), name: name.to_owned(), description: String::new(), version: 1 }
    }

    fn checked(text: &str, struck: &str) -> Vec<Checked> {
        let (roles, teams) = ([role(1, "Agent"), role(2, "Owner")], [team(1, "Returns"), team(2, "Night; late")]);
        let taken = HashMap::from([("bob@f.example".to_owned(), "Bob is already a user.".to_owned())]);
        let known = Known {
            roles: &roles,
            teams: &teams,
            may_give: &|role| role.name != "Owner",
            taken: &taken,
            usual_roles: &[roles[0].id],
            usual_teams: &[],
            struck: &Places::parse(struck),
        };
        check(&read(text).unwrap().entries, &known)
    }

    #[test]
    fn each_line_says_what_is_wrong_with_it() {
        let all = checked(
            "email,full_name,roles,teams\namara.nwosu@f.example,,,\nAMARA.nwosu@f.example,,,\nBOB@f.example,,,\nbad,,,\n\
             c@f.example,,Owner,\nd@f.example,,Boss,Nights\ne@f.example,,agent,night; LATE\nf@f.example,,\"Agent,agent\",returns",
            "",
        );
        let said: Vec<String> =
            all.iter().map(|one| one.answer.as_ref().err().map(|all| all.join(" + ")).unwrap_or_default()).collect();
        assert_eq!(
            said,
            [
                "",
                "Line 2 has this address already",
                "Bob is already a user.",
                "Enter a full email address, like name@company.example",
                "You can’t give the role Owner",
                "There is no role called “Boss” + There is no team called “Nights”",
                "",
                "",
            ]
        );
        let first = all[0].answer.as_ref().unwrap();
        assert_eq!((first.name.full.as_str(), first.name.display.as_str()), ("Amara Nwosu", "Amara"));
        assert_eq!(all[6].answer.as_ref().unwrap().teams, [TeamId(Uuid::from_u128(2))]);
        assert_eq!(all[7].answer.as_ref().unwrap().roles, [RoleId(Uuid::from_u128(1))]);
    }

    #[test]
    fn who_is_struck_makes_nobody_a_duplicate() {
        let said = |text: &str, struck: &str| -> Vec<(u64, u64, String)> {
            let all = checked(text, struck).into_iter();
            all.map(|one| (one.place, one.line, one.answer.err().unwrap_or_default().join(" + "))).collect()
        };
        let text = "a@f.example, b@f.example, A@f.example\nc@f.example\nb@f.example";
        let row = |place, line, sentence: &str| (place, line, sentence.to_owned());
        let twice = |line: u64| format!("Line {line} has this address already");
        let expected = [
            row(1, 1, ""),
            row(2, 1, ""),
            row(3, 1, "This line has this address already"),
            row(4, 2, ""),
            row(5, 3, &twice(1)),
        ];
        assert_eq!(said(text, ""), expected);
        let expected = [row(1, 1, ""), row(2, 1, ""), row(3, 1, ""), row(4, 2, ""), row(5, 3, "")];
        assert_eq!(said(text, "1-2"), expected);
    }

    proptest! {
        #[test]
        fn whoever_passes_can_be_invited(text in "(?s).{0,300}") {
            let Ok(list) = read(&text) else { return Ok(()) };
            let all = checked(&text, "");
            prop_assert_eq!(all.len(), list.entries.len());
            for one in all.iter().filter_map(|one| one.answer.as_ref().ok()) {
                prop_assert!(parse_email(&one.email).is_ok() && !one.name.full.is_empty() && !one.roles.is_empty());
            }
        }

        #[test]
        fn places_are_found_again(mut places in proptest::collection::vec(1_u64..60, 0..30), asked in 1_u64..60) {
            places.sort_unstable();
            places.dedup();
            prop_assert_eq!(Places::parse(&print_places(&places)).has(asked), places.contains(&asked));
        }

        #[test]
        fn ranges_in_any_order_are_the_lines_of_each(
            ranges in proptest::collection::vec((0_u64..40, 0_u64..40), 0..12), asked in 0_u64..45,
        ) {
            let text: Vec<String> = ranges.iter().map(|(first, last)| format!("{first}-{last}")).collect();
            let expected = ranges.iter().any(|(first, last)| (*first..=*last).contains(&asked));
            prop_assert_eq!(Places::parse(&format!("x,{},7-", text.join(","))).has(asked), expected);
        }
    }
}
