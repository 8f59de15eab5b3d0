//! What the model decides is asked of the product.

use baton::actions::absences::{self, Leave};
use baton::actions::removal::{self, Request};
use baton::actions::users::{self, Edit, Plan, RoleChange};
use baton::actions::{invites, sessions, teams, throttle, users_bulk};
use baton::domain::access::{Can, Cause, Scope};
use baton::domain::ids::UserId;
use baton::domain::removal::REMOVED_NAME;
use baton::domain::users::{Name, Status};
use baton::failure::Failure;
use baton::store::{self, Db, Recorded, Tx};
use proptest::test_runner::TestCaseError;

use super::place::{Person, Place};
use super::rules::{Attempt, REASON, Verdict, dates, midnight};
use super::steps::{Deed, Said};
use crate::support::world::{base, password_hash, scope_of};

/// What came of it, with the user and the link that were made.
type Made = Option<(UserId, String)>;

/// What the product says to it.
pub struct Answer {
    pub verdict: Verdict,
    pub made: Made,
}

/// Asks the product for it, as the person who tries it, with what they may do now.
pub fn ask(db: &Db, place: &Place, other: &Place, ask: &Attempt) -> Result<Answer, TestCaseError> {
    let events = count(db, place);
    let (verdict, made) = match attempt(db, place, other, ask) {
        Ok(None) => (Verdict::Barred, None),
        Ok(Some(made)) => (if count(db, place) == events { Verdict::Same } else { Verdict::Done }, made),
        Err(Failure::Refused(_)) => (Verdict::Refused, None),
        Err(Failure::NotFound) => (Verdict::Missing, None),
        Err(failure) => return Err(TestCaseError::fail(format!("{:?}: {failure:?}", ask.deed))),
    };
    Ok(Answer { verdict, made })
}

fn count(db: &Db, place: &Place) -> i64 {
    db.read_now(place.workspace, store::audit::count).expect("to count")
}

fn link(invited: &invites::Invited) -> Made {
    Some((invited.user, invited.link.rsplit('/').next().expect("a token").to_owned()))
}

fn new_invite(place: &Place, said: &Said, left: bool) -> invites::New {
    let email = place.address_of(said, left);
    let name = format!("Person {}", said.address);
    invites::New {
        email,
        name: Name { full: name.clone(), display: name },
        roles: said.roles.iter().map(|role| place.roles[role]).collect(),
        teams: said.team.map(|at| place.team(at)).into_iter().collect(),
        channels: said.channel.map(|at| place.channel(at)).into_iter().collect(),
        send: true,
    }
}

/// `None` if the person may not even ask.
fn attempt(db: &Db, place: &Place, other: &Place, ask: &Attempt) -> Result<Option<Made>, Failure> {
    let scope = db.read_now(place.workspace, |rx| scope_of(rx, ask.actor))?;
    let who = ask.who.unwrap_or(ask.actor);
    let known = place.get(who).or_else(|| other.get(who));
    macro_rules! may {
        () => {
            match Can::check(&scope) {
                Some(can) => can,
                None => return Ok(None),
            }
        };
    }
    let made = match ask.deed {
        Deed::Invite(said) => {
            let (can, new) = (may!(), new_invite(place, said, false));
            link(&db.write_now(&scope, |tx| invites::create(tx, &can, &base(), &new))?)
        }
        Deed::StartFresh(said) => {
            let (can, new) = (may!(), new_invite(place, said, true));
            link(&db.write_now(&scope, |tx| invites::start_fresh(tx, &can, &base(), &new))?)
        }
        Deed::Restore { said, as_before } => {
            let (can, new) = (may!(), new_invite(place, said, true));
            link(&db.write_now(&scope, |tx| invites::restore(tx, &can, &base(), &new, *as_before))?)
        }
        Deed::Accept { with_an_old_link, .. } => {
            let token = token(known, *with_an_old_link);
            let link_of = Scope::system(place.workspace, None);
            db.write_now(&link_of, |tx| invites::accept(tx, &token, "Somebody New", password_hash()))?;
            None
        }
        Deed::Resend(_) => {
            let can = may!();
            link(&db.write_now(&scope, |tx| invites::resend(tx, &can, &base(), who))?)
        }
        Deed::CopyLink(_) => {
            let can = may!();
            link(&db.write_now(&scope, |tx| invites::copy_link(tx, &can, &base(), who))?)
        }
        Deed::Cancel(_) => {
            let can = may!();
            nothing(db.write_now(&scope, |tx| invites::cancel(tx, &can, who))?)
        }
        Deed::Role { role, give, .. } => {
            let (can, role) = (may!(), place.roles[role]);
            let change = if *give { RoleChange::Give(role) } else { RoleChange::Take(role) };
            nothing(db.write_now(&scope, |tx| users::change_role(tx, &can, who, change))?)
        }
        Deed::Join { team, .. } | Deed::Leave { team, .. } | Deed::Lead { team, .. } => {
            let (can, team) = (may!(), place.team(*team));
            let change = match ask.deed {
                Deed::Join { .. } => teams::Change { add: vec![who], ..teams::Change::default() },
                Deed::Leave { .. } => teams::Change { remove: vec![who], ..teams::Change::default() },
                _ => teams::Change { leads: Some(vec![who]), ..teams::Change::default() },
            };
            nothing(db.write_now(&scope, |tx| teams::change_members(tx, &can, team, &change))?)
        }
        Deed::Email { address, .. } if known.is_some_and(|one| one.status == Status::Invited) => {
            let can = may!();
            let email = place.address(*address);
            let edited = db.write_now(&scope, |tx| {
                let user = store::users::find(tx, who)?.ok_or(Failure::NotFound)?;
                let edit = invites::Edit {
                    version: user.version,
                    email: email.clone(),
                    name: user.name,
                    roles: store::roles::list_of_users(tx, &[who])?.remove(&who).unwrap_or_default(),
                    teams: store::teams::list_of_users(tx, &[who])?.remove(&who).unwrap_or_default(),
                    channels: store::channels::list_of_users(tx, &[who])?.remove(&who).unwrap_or_default(),
                    send: true,
                };
                invites::edit(tx, &can, &base(), who, &edit)
            })?;
            edited.renewed.as_ref().and_then(link)
        }
        Deed::Email { address, .. } => {
            let can = may!();
            let email = place.address(*address);
            nothing(db.write_now(&scope, |tx| {
                let user = store::users::find(tx, who)?.ok_or(Failure::NotFound)?;
                let edit = Edit {
                    version: user.version,
                    email: email.clone(),
                    name: user.name,
                    beta_access: user.beta_access,
                    roles: None,
                    teams: None,
                    channels: None,
                    leaves_channels: true,
                };
                users::update(tx, &can, who, &edit)
            })?)
        }
        Deed::Deactivate { in_days, away_for, .. } => {
            let can = may!();
            let [starts_at, returns_at] = dates(place, ask.now, *in_days, *away_for);
            let leave = Leave { reason: Some(REASON), starts_at, returns_at, ..Leave::default() };
            let run = Can::check(&scope);
            nothing(db.write_now(&scope, |tx| absences::begin(tx, &can, run.as_ref(), who, &leave))?)
        }
        Deed::DeactivateInBulk(_) => {
            let change = users_bulk::Change::Deactivate { can: may!(), reason: None, plan: None };
            nothing(db.write_now(&scope, |tx| users_bulk::apply(tx, &change, who))?)
        }
        Deed::Return { in_days, .. } => {
            let can = may!();
            let why = known.map_or((None, None), |one| (one.reason, None));
            let back = in_days.map(|days| midnight(place, ask.now, days));
            nothing(db.write_now(&scope, |tx| absences::change(tx, &can, who, None, why.clone(), back))?)
        }
        Deed::Withdraw(_) => {
            let can = may!();
            nothing(db.write_now(&scope, |tx| absences::withdraw(tx, &can, who))?)
        }
        Deed::Reactivate(_) => {
            let can = may!();
            nothing(db.write_now(&scope, |tx| users::reactivate(tx, &can, who))?)
        }
        Deed::Remove(_) => {
            let (can, run) = (may!(), Can::check(&scope));
            let plan = run.as_ref().map(|run| (Plan::default(), run));
            nothing(db.write_now(&scope, |tx| removal::remove(tx, &can, who, plan))?)
        }
        Deed::Delete { typed_right, at_once, .. } => {
            let can = may!();
            let confirm = if *typed_right { what_confirms(place, known) } else { "somebody@else.example".to_owned() };
            let request = Request { confirm, deactivate: *at_once, reason: None };
            nothing(db.write_now(&scope, |tx| removal::delete(tx, &can, who, None, &request))?)
        }
        Deed::DeleteOwnAccount => nothing(db.write_now(&scope, |tx| removal::delete_own(tx, &base()))?),
        Deed::LogIn(_) => {
            log_in(db, place, who)?;
            None
        }
        Deed::EndSessions(_) => {
            let can = may!();
            nothing(db.write_now(&scope, |tx| users::end_sessions(tx, &can, who, None))?)
        }
    };
    Ok(Some(made))
}

fn nothing<T>(_answer: T) -> Made {
    None
}

fn token(one: Option<&Person>, old: bool) -> String {
    let one = one.expect("somebody");
    let live = one.link.as_ref().map(|(token, _)| token.clone());
    let old_link = one.old_links.last().cloned();
    let token = if old { old_link } else { live.or(old_link) };
    token.unwrap_or_else(|| "no such link".to_owned())
}

fn what_confirms(place: &Place, one: Option<&Person>) -> String {
    let one = one.expect("somebody");
    if one.status != Status::Removed {
        return one.email.clone();
    }
    let seal = place.sealed.iter().find(|seal| seal.user == one.id);
    seal.map_or_else(|| REMOVED_NAME.to_owned(), |seal| seal.email.clone())
}

/// Lets somebody in whose password is right, as the log-in page does: the attempt is counted, the password is compared,
/// and who is let in has a session.
fn log_in(db: &Db, place: &Place, who: UserId) -> Result<(), Failure> {
    let stored = db.read_now(place.workspace, |rx| store::users::find_password(rx, who))?;
    let once = db.new_secret().hash();
    let new = store::logins::NewAttempt {
        workspace: Some(place.workspace),
        user: None,
        // Nobody is kept waiting here: who guesses is another test's question.
        account_hash: &once,
        address: &once,
        device: "Firefox",
        succeeded: false,
    };
    let attempt = db.anywhere_now(|ax| throttle::begin_login(ax, &new))?;
    let scope = Scope::on_behalf(place.workspace, who);
    let door = sessions::Door { address: "192.0.2.7".to_owned(), device: "Firefox".to_owned() };
    let opened = db.write_now(&scope, |tx| sessions::finish_login(tx, who, attempt, stored.as_deref(), &door))?;
    let found = db.look_anywhere_now(|ax| store::anywhere::find_session(ax, &opened.key.hash()))?;
    assert!(found.is_some_and(|one| one.id == opened.session), "let in, and has no session");
    Ok(())
}

/// Who could log in now with their address and password: tried with each, and taken back.
pub fn who_can_log_in(db: &Db, place: &Place) -> Result<Vec<UserId>, Failure> {
    let mut let_in = Vec::new();
    let scope = Scope::system(place.workspace, Some(Cause::Command));
    let taken_back = db.write_now(&scope, |tx: &mut Tx| -> Result<Recorded<()>, Failure> {
        for email in &place.addresses {
            let Some(user) = store::users::find_by_email(tx, email)? else { continue };
            if store::users::find_password(tx, user.id)?.is_none() {
                continue;
            }
            match sessions::log_in(tx, user.id) {
                Ok(_) => let_in.push(user.id),
                Err(Failure::Refused(_)) => {}
                Err(failure) => return Err(failure),
            }
        }
        Err(Failure::Stale)
    });
    let_in.sort_unstable();
    match taken_back {
        Err(Failure::Stale) => Ok(let_in),
        Err(failure) => Err(failure),
        Ok(()) => Ok(Vec::new()),
    }
}
