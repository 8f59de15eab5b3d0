//! Whether the database says of a workspace what the model says of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use baton::domain::assignment::may_receive;
use baton::domain::audit_filter::Filter;
use baton::domain::ids::UserId;
use baton::domain::users::Status;
use baton::store::audit_log::Place as At;
use baton::store::users::{Filter as All, Sort};
use baton::store::{self, Db, Rx};
use proptest::test_runner::TestCaseError;

use super::drive::who_can_log_in;
use super::place::{Noted, Person, Place, Power};

/// Holds everything that is said of people against the model; and the trail against what was to be noted.
pub fn check(db: &Db, place: &mut Place, noted: &[Noted]) -> Result<(), TestCaseError> {
    check_unchanged(db, place, noted)?;
    let let_in = who_can_log_in(db, place)?;
    let active = ids(place, |one| one.is_active());
    same("who can log in", &let_in, &active)?;
    db.read_now(place.workspace, |rx| Ok(the_pickers(rx, place).and_then(|()| the_people(rx, place))))?
}

/// The same in few statements, for a workspace where nothing was to happen.
pub fn check_unchanged(db: &Db, place: &mut Place, noted: &[Noted]) -> Result<(), TestCaseError> {
    db.read_now(place.workspace, |rx| Ok(look(rx, place, noted)))?
}

fn same<T: PartialEq + Debug>(what: &str, found: &T, expected: &T) -> Result<(), TestCaseError> {
    if found == expected {
        return Ok(());
    }
    Err(TestCaseError::fail(format!("{what}: {found:?}, but it was to be {expected:?}")))
}

fn ids(place: &Place, which: impl Fn(&Person) -> bool) -> Vec<UserId> {
    let mut ids: Vec<UserId> = place.people.iter().filter(|one| which(one)).map(|one| one.id).collect();
    ids.sort_unstable();
    ids
}

fn sorted(mut ids: Vec<UserId>) -> Vec<UserId> {
    ids.sort_unstable();
    ids
}

fn look(rx: &mut Rx, place: &mut Place, noted: &[Noted]) -> Result<(), TestCaseError> {
    the_trail(rx, place, noted)?;
    the_owners(rx, place)?;
    the_tabs(rx, place)?;
    the_rows(rx, place)
}

fn the_trail(rx: &mut Rx, place: &mut Place, noted: &[Noted]) -> Result<(), TestCaseError> {
    let new = store::audit::count(rx)? - place.events;
    place.events += new;
    let page = store::audit_log::list(rx, &Filter::default(), At::Newest, usize::try_from(new).unwrap_or(0))?;
    let name =
        |(name, who): (&str, Option<UserId>)| format!("{name} {}", who.map(|who| who.to_string()).unwrap_or_default());
    let mut found: Vec<String> = page.rows.iter().map(|one| name((&one.event.name, one.subject.map(UserId)))).collect();
    let mut expected: Vec<String> = noted.iter().map(|one| name(*one)).collect();
    found.sort_unstable();
    expected.sort_unstable();
    same("what is on record", &found, &expected)
}

fn the_owners(rx: &mut Rx, place: &mut Place) -> Result<(), TestCaseError> {
    let owners = sorted(store::users::list_active_owners(rx)?.iter().map(|one| one.id).collect());
    if owners.is_empty() {
        return Err(TestCaseError::fail("there is no active Owner"));
    }
    same("the active Owners", &owners, &ids(place, |one| one.is_active() && one.is_owner()))?;
    same("their number", &store::users::count_active_owners(rx)?, &owners.len())?;
    // Which of them is asked next when the one to ask is gone is the product's choice.
    let contact = store::workspaces::this(rx)?.support_contact;
    let chosen = place.people.iter().any(|one| one.is_active() && one.is_owner() && one.email == contact);
    if contact != place.contact && !chosen {
        return Err(TestCaseError::fail(format!("{contact} is to be asked, who is no active Owner")));
    }
    place.contact = contact;
    Ok(())
}

/// The numbers on the tabs of Settings → Users, and who is listed under them.
fn the_tabs(rx: &mut Rx, place: &Place) -> Result<(), TestCaseError> {
    let counts = store::users::count_by_status(rx)?;
    for status in Status::ALL {
        let listed = store::users::list(rx, &[status], &All::default(), (Sort::Name, false), (100, 0))?;
        let expected = ids(place, |one| one.status == status);
        let number = i64::try_from(expected.len()).unwrap_or(0);
        same(&format!("who is {status:?}"), &sorted(listed.0.iter().map(|one| one.id).collect()), &expected)?;
        same("how many are listed", &listed.1, &number)?;
        same("the number on the tab", &counts.get(&status).copied().unwrap_or(0), &number)?;
    }
    let pending = store::invites::list(rx, None)?.iter().map(|one| one.user).collect();
    same("the pending invites", &sorted(pending), &ids(place, |one| one.status == Status::Invited))
}

/// Who is offered for conversations, and who can be given some.
fn the_pickers(rx: &mut Rx, place: &Place) -> Result<(), TestCaseError> {
    let expected = ids(place, |one| one.is_active() && one.may(Power::Answer));
    let able = store::users::list_assignable_ids(rx)?.into_iter().collect();
    same("who can get conversations", &sorted(able), &expected)?;
    let offered = store::users::list_assignable(rx)?.iter().map(|one| one.id).collect();
    same("who is offered", &sorted(offered), &expected)?;
    let mut given = Vec::new();
    for one in &place.people {
        let candidate = store::users::find_candidate(rx, one.id)?;
        given.extend(candidate.filter(|candidate| may_receive(candidate).is_ok()).map(|_| one.id));
    }
    same("who is given some", &sorted(given), &expected)
}

fn who<'a>(one: &'a Person) -> impl Fn(&str) -> String + 'a {
    move |what| format!("{what} of {} {:?} {}", one.email, one.status, one.id)
}

fn the_rows(rx: &mut Rx, place: &Place) -> Result<(), TestCaseError> {
    let all: Vec<UserId> = place.people.iter().map(|one| one.id).collect();
    let users = store::users::list_these(rx, &all)?;
    let roles = store::roles::list_of_users(rx, &all)?;
    let channels = store::channels::list_of_users(rx, &all)?;
    for (one, user) in place.people.iter().zip(&users) {
        let who = who(one);
        same(&who("id"), &user.id, &one.id)?;
        same(&who("address"), &user.email, &one.email)?;
        let dates = (user.reason, user.absence.starts_at, user.absence.returns_at, user.absence.refused_at.is_some());
        same(&who("dates"), &dates, &(one.reason, one.starts_at, one.returns_at, one.refused))?;
        let held: BTreeSet<_> = roles.get(&one.id).into_iter().flatten().copied().collect();
        same(&who("roles"), &held, &one.roles.iter().map(|role| place.roles[role]).collect())?;
        let theirs: BTreeSet<_> = channels.get(&one.id).into_iter().flatten().copied().collect();
        same(&who("channels"), &theirs, &one.channels)?;
        let past = one.seen && one.status != Status::Deleted;
        same(&who("past"), &user.last_seen_at.is_some(), &past)?;
    }
    Ok(())
}

fn the_people(rx: &mut Rx, place: &Place) -> Result<(), TestCaseError> {
    for one in &place.people {
        let who = who(one);
        let teams: BTreeMap<_, _> = store::removal::list_memberships(rx, one.id)?.into_iter().collect();
        same(&who("teams"), &teams, &one.teams)?;
        let sessions = store::sessions::count_of_user(rx, one.id)?;
        same(&who("sessions"), &sessions, &if one.is_active() { one.sessions } else { 0 })?;
        same(&who("password"), &store::users::find_password(rx, one.id)?.is_some(), &one.password)?;
        let sealed = store::removal::find_sealed(rx, one.id)?.map(|seal| seal.email);
        let expected = place.sealed.iter().find(|seal| seal.user == one.id).map(|seal| seal.email.clone());
        same(&who("seal"), &sealed, &expected)?;
    }
    Ok(())
}
