//! The model's rules: whether something may be done, and what is so afterwards. They are written anew and simply, so that
//! the product's own are held against something.

use std::collections::{BTreeMap, BTreeSet};

use baton::domain::ids::{TeamId, UserId};
use baton::domain::roles::Standard;
use baton::domain::users::{Reason, Status};
use chrono::{DateTime, Days, TimeDelta, TimeZone as _, Utc};

use super::place::{Noted, Person, Place, Power, Seal};
use super::steps::{Deed, Said, Whom};

/// What comes of asking for something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It is done.
    Done,
    /// It is so already.
    Same,
    /// A sentence says why not.
    Refused,
    /// There is nobody of this id.
    Missing,
    /// Whoever asks lacks the permission and cannot even try.
    Barred,
}
use Verdict::{Barred, Done, Missing, Refused, Same};

/// Somebody tries something.
pub struct Attempt<'a> {
    pub now: DateTime<Utc>,
    pub actor: UserId,
    pub deed: &'a Deed,
    /// Whom it is about, if it is about anybody.
    pub who: Option<UserId>,
}

/// Why somebody is deactivated whenever the model does it.
pub const REASON: Reason = Reason::Leave;

/// So long an invite is good.
const VALID: TimeDelta = TimeDelta::days(7);

/// Midnight in so many days.
pub fn midnight(place: &Place, now: DateTime<Utc>, days: u64) -> DateTime<Utc> {
    let day = now.with_timezone(&place.zone).date_naive() + Days::new(days);
    let midnight = place.zone.from_local_datetime(&day.and_hms_opt(0, 0, 0).expect("midnight")).earliest();
    midnight.expect("a zone whose days begin at midnight").with_timezone(&Utc)
}

/// From when until when somebody is to be away.
pub fn dates(place: &Place, now: DateTime<Utc>, days: u64, away: Option<u64>) -> [Option<DateTime<Utc>>; 2] {
    [(days > 0).then(|| midnight(place, now, days)), away.map(|away| midnight(place, now, days + away))]
}

/// The person whom a deed is about.
pub fn target(deed: &Deed, place: &Place, other: &Place) -> Option<UserId> {
    use Status::{Active, Inactive, Invited, Removed};
    let (who, fitting): (&Whom, &[Status]) = match deed {
        Deed::Invite(_) | Deed::Restore { .. } | Deed::StartFresh(_) | Deed::DeleteOwnAccount => return None,
        Deed::Accept { who, .. } | Deed::Resend(who) | Deed::CopyLink(who) | Deed::Cancel(who) => (who, &[Invited]),
        Deed::Role { who, .. } | Deed::Leave { who, .. } | Deed::Lead { who, .. } | Deed::Email { who, .. } => {
            (who, &[Active, Active, Inactive, Invited])
        }
        Deed::Join { who, .. }
        | Deed::Deactivate { who, .. }
        | Deed::DeactivateInBulk(who)
        | Deed::LogIn(who)
        | Deed::EndSessions(who) => (who, &[Active]),
        Deed::Return { who, .. } | Deed::Reactivate(who) => (who, &[Inactive]),
        Deed::Withdraw(who) | Deed::Remove(who) => (who, &[Active, Inactive]),
        Deed::Delete { who, .. } => (who, &[Inactive, Removed, Active]),
    };
    let ids: Vec<UserId> = match who {
        Whom::Fit(_) if matches!(deed, Deed::Leave { .. } | Deed::Lead { .. }) => {
            place.people.iter().filter(|one| !one.teams.is_empty()).map(|one| one.id).collect()
        }
        Whom::Fit(_) => place.people.iter().filter(|one| fitting.contains(&one.status)).map(|one| one.id).collect(),
        Whom::Any(_) => Vec::new(),
        Whom::Foreign(_) => other.people.iter().map(|one| one.id).collect(),
    };
    let (Whom::Fit(at) | Whom::Any(at) | Whom::Foreign(at)) = who;
    let ids = if ids.is_empty() { place.people.iter().map(|one| one.id).collect() } else { ids };
    Some(ids[at % ids.len()])
}

/// Whether it may be done.
pub fn judge(place: &Place, ask: &Attempt) -> Verdict {
    let actor = place.get(ask.actor).expect("somebody who is here");
    let power = match ask.deed {
        Deed::Accept { .. } | Deed::LogIn(_) | Deed::DeleteOwnAccount => None,
        Deed::Join { .. }
        | Deed::Leave { .. }
        | Deed::Lead { .. }
        | Deed::Deactivate { .. }
        | Deed::DeactivateInBulk(_)
        | Deed::Return { .. }
        | Deed::Withdraw(_)
        | Deed::Reactivate(_) => Some(Power::LookAfterPeople),
        _ => Some(Power::ManageUsers),
    };
    if power.is_some_and(|power| !actor.may(power)) {
        return Barred;
    }
    match (ask.deed, ask.who.map(|who| place.get(who))) {
        (Deed::Accept { .. }, Some(None)) => Refused,
        (_, Some(None)) => Missing,
        (deed, Some(Some(one))) => judge_about(place, ask, actor, deed, one),
        (Deed::DeleteOwnAccount, None) => yes(!place.is_last_owner(actor)),
        (Deed::Invite(said), None) => {
            let email = place.address_of(said, false);
            let free = place.user_of(&email).is_none() && place.removed_with(&email).is_none();
            yes(free && grantable(actor, &said.roles))
        }
        (Deed::StartFresh(said), None) => {
            let email = place.address_of(said, true);
            let known = place.removed_with(&email).is_some() && place.user_of(&email).is_none();
            yes(known && grantable(actor, &said.roles))
        }
        (Deed::Restore { said, as_before }, None) => {
            let email = place.address_of(said, true);
            let Some(seal) = place.removed_with(&email) else { return Refused };
            let before: Vec<Standard> = seal.roles.iter().copied().collect();
            let roles = if *as_before { &before } else { &said.roles };
            yes(place.user_of(&email).is_none() && grantable(actor, roles))
        }
        (deed, None) => panic!("{deed:?} is about somebody"),
    }
}

fn yes(may: bool) -> Verdict {
    if may { Done } else { Refused }
}

/// Only Owners make Owners; all other roles are given by whoever gives roles.
fn grantable(actor: &Person, roles: &[Standard]) -> bool {
    !roles.is_empty() && (actor.is_owner() || !roles.contains(&Standard::Owner))
}

fn judge_about(place: &Place, ask: &Attempt, actor: &Person, deed: &Deed, one: &Person) -> Verdict {
    let changeable = !one.is_gone() && (actor.is_owner() || !one.is_owner());
    let stops = changeable && one.roles.iter().all(|role| actor.covers(*role));
    let leaves = stops && !place.is_last_owner(one) && one.id != actor.id;
    let here = matches!(one.status, Status::Active | Status::Inactive);
    match deed {
        Deed::Accept { with_an_old_link, .. } => {
            yes(!with_an_old_link && one.link.as_ref().is_some_and(|(_, until)| ask.now < *until))
        }
        Deed::Resend(_) | Deed::CopyLink(_) | Deed::Cancel(_) => yes(changeable && one.status == Status::Invited),
        Deed::Role { role, give, .. } => {
            if one.roles.contains(role) == *give {
                return Same;
            }
            let last = !give && (one.roles.len() == 1 || (*role == Standard::Owner && place.is_last_owner(one)));
            yes(changeable && !last && (actor.is_owner() || *role != Standard::Owner))
        }
        Deed::Join { team, .. } => match (one.is_active(), one.teams.contains_key(&place.team(*team))) {
            (false, _) => Refused,
            (true, true) => Same,
            (true, false) => Done,
        },
        Deed::Leave { team, .. } => {
            let team = place.team(*team);
            let Some(leads) = one.teams.get(&team) else { return Same };
            // Whoever alone leads a team stays as long as there is somebody to be led.
            let others = place.people.iter().filter(|other| other.id != one.id && other.is_active());
            let places: Vec<bool> = others.filter_map(|other| other.teams.get(&team).copied()).collect();
            yes(!(*leads && one.is_active()) || places.is_empty() || places.contains(&true))
        }
        Deed::Lead { team, .. } => {
            let members = members(place, place.team(*team));
            if !members.iter().any(|(member, _)| *member == one.id) {
                return Missing;
            }
            if members.iter().all(|(member, leads)| *leads == (*member == one.id)) { Same } else { Done }
        }
        Deed::Email { address, .. } => {
            let email = place.address(*address);
            if changeable && email == one.email {
                return Same;
            }
            // An invite never goes to the address of somebody who is gone: they come back, or begin anew.
            let free = one.status != Status::Invited || place.removed_with(&email).is_none();
            yes(changeable && free && place.user_of(&email).is_none())
        }
        Deed::Deactivate { in_days, away_for, .. } => {
            if !(leaves && one.is_active()) {
                return Refused;
            }
            let [starts_at, returns_at] = dates(place, ask.now, *in_days, *away_for);
            let planned = (one.starts_at, one.returns_at, one.refused, one.reason);
            let same = one.starts_at.is_some() && planned == (starts_at, returns_at, false, Some(REASON));
            if same { Same } else { Done }
        }
        Deed::DeactivateInBulk(_) => yes(leaves && one.is_active()),
        Deed::Return { in_days, .. } => {
            if !(stops && one.status == Status::Inactive) {
                return Refused;
            }
            let returns_at = in_days.map(|days| midnight(place, ask.now, days));
            if one.returns_at == returns_at { Same } else { Done }
        }
        Deed::Withdraw(_) => yes(stops && (one.starts_at.is_some() || one.returns_at.is_some())),
        Deed::Reactivate(_) => yes(stops && one.status == Status::Inactive),
        Deed::Remove(_) => yes(leaves && here),
        Deed::Delete { typed_right, at_once, .. } => {
            let may = (leaves && here) || one.status == Status::Removed;
            let used = one.is_active() && one.seen;
            yes(may && *typed_right && (!used || *at_once))
        }
        Deed::LogIn(_) => yes(one.is_active()),
        Deed::EndSessions(_) => yes(changeable),
        Deed::Invite(_) | Deed::Restore { .. } | Deed::StartFresh(_) | Deed::DeleteOwnAccount => {
            panic!("{deed:?} is about nobody")
        }
    }
}

/// Who is in a team, and who leads it; invited people are not, yet.
fn members(place: &Place, team: TeamId) -> Vec<(UserId, bool)> {
    let members = place.people.iter().filter(|one| one.status != Status::Invited);
    members.filter_map(|one| Some((one.id, *one.teams.get(&team)?))).collect()
}

/// What is so after it was done; and what is on record of it. `made` is the user and the link that came of it.
pub fn apply(place: &mut Place, ask: &Attempt, made: Option<(UserId, String)>) -> Vec<Noted> {
    let about = |name: &'static str| (name, ask.who);
    let made_with = |made: Option<(UserId, String)>| {
        let (id, token) = made.expect("a new link");
        (id, (token, ask.now + VALID))
    };
    match (ask.deed, ask.who) {
        (Deed::Invite(said), _) => {
            let (id, link) = made_with(made);
            let email = place.address_of(said, false);
            come(place, (id, &email), said, link);
            vec![("user.invited", Some(id))]
        }
        (Deed::StartFresh(said), _) => {
            let (id, link) = made_with(made);
            let email = place.address_of(said, true);
            let former = place.removed_with(&email).map(|seal| seal.user);
            place.sealed.retain(|seal| Some(seal.user) != former);
            if let Some(former) = former {
                place.get_mut(former).former.clear();
            }
            come(place, (id, &email), said, link);
            vec![("user.unlinked", former), ("user.invited", Some(id))]
        }
        (Deed::Restore { said, as_before }, _) => {
            let (id, link) = made_with(made);
            come_back(place, id, said, *as_before, link)
        }
        (Deed::DeleteOwnAccount, _) => delete(place, ask.actor),
        (deed, Some(who)) => {
            let team = |place: &Place, at: usize| place.team(at);
            match deed {
                Deed::Accept { .. } => {
                    let one = place.get_mut(who);
                    (one.status, one.password) = (Status::Active, true);
                    one.old_links.extend(one.link.take().map(|(token, _)| token));
                    place.sealed.retain(|seal| seal.user != who);
                    vec![about("invite.accepted")]
                }
                Deed::Resend(_) | Deed::CopyLink(_) => {
                    let (_, (token, until)) = made_with(made);
                    place.get_mut(who).relink(token, until);
                    vec![about(if matches!(deed, Deed::Resend(_)) { "invite.resent" } else { "invite.link_copied" })]
                }
                Deed::Cancel(_) => cancel(place, who),
                Deed::Role { role, give, .. } => {
                    let roles = &mut place.get_mut(who).roles;
                    if *give {
                        roles.insert(*role)
                    } else {
                        roles.remove(role)
                    };
                    vec![about("user.roles_changed")]
                }
                Deed::Join { team: at, .. } => {
                    let team = team(place, *at);
                    place.get_mut(who).teams.insert(team, false);
                    vec![about("team.member_added")]
                }
                Deed::Leave { team: at, .. } => {
                    let team = team(place, *at);
                    place.get_mut(who).teams.remove(&team);
                    vec![about("team.member_removed")]
                }
                Deed::Lead { team: at, .. } => lead(place, who, team(place, *at)),
                Deed::Email { address, .. } => {
                    let email = place.address(*address);
                    let before = std::mem::replace(&mut place.get_mut(who).email, email);
                    place.get_mut(who).former.push(before);
                    // Whoever is on their way back is known by the new address if they do not come after all.
                    if let Some(seal) = place.sealed.iter().find(|seal| seal.user == who).cloned() {
                        place.seal(Seal { email: place.address(*address), ..seal });
                    }
                    if place.get(who).is_some_and(|one| one.status == Status::Invited) {
                        let (_, (token, until)) = made_with(made);
                        place.get_mut(who).relink(token, until);
                        return vec![about("user.updated"), about("invite.resent")];
                    }
                    vec![about("user.updated")]
                }
                Deed::Deactivate { in_days, away_for, .. } => {
                    let [starts_at, returns_at] = dates(place, ask.now, *in_days, *away_for);
                    if starts_at.is_none() {
                        return depart(place.get_mut(who), Some(REASON), returns_at);
                    }
                    let one = place.get_mut(who);
                    (one.starts_at, one.returns_at, one.refused) = (starts_at, returns_at, false);
                    one.set_by = Some(ask.actor);
                    one.reason = Some(REASON);
                    vec![about("user.deactivation_planned")]
                }
                Deed::DeactivateInBulk(_) => {
                    // Whoever was to leave later comes back as it was planned.
                    let one = place.get_mut(who);
                    let planned = one.starts_at.is_some();
                    let returns_at = one.returns_at.filter(|back| planned && *back > ask.now);
                    let reason = one.reason.filter(|_| planned);
                    depart(one, reason, returns_at)
                }
                Deed::Return { in_days, .. } => {
                    place.get_mut(who).returns_at = in_days.map(|days| midnight(place, ask.now, days));
                    vec![about("user.return_planned")]
                }
                Deed::Withdraw(_) => {
                    let one = place.get_mut(who);
                    let reason = one.reason.filter(|_| !one.is_active());
                    one.forget_plans();
                    one.reason = reason;
                    vec![about("user.absence_withdrawn")]
                }
                Deed::Reactivate(_) => {
                    let one = place.get_mut(who);
                    one.forget_plans();
                    one.status = Status::Active;
                    vec![about("user.reactivated")]
                }
                Deed::Remove(_) => remove(place, who),
                Deed::Delete { .. } => delete(place, who),
                Deed::LogIn(_) => {
                    let one = place.get_mut(who);
                    one.sessions += 1;
                    one.seen = true;
                    vec![about("user.logged_in")]
                }
                Deed::EndSessions(_) => {
                    place.get_mut(who).sessions = 0;
                    vec![about("sessions.ended")]
                }
                Deed::Invite(_) | Deed::StartFresh(_) | Deed::Restore { .. } | Deed::DeleteOwnAccount => Vec::new(),
            }
        }
        (deed, None) => panic!("{deed:?} is about somebody"),
    }
}

fn come(place: &mut Place, (id, email): (UserId, &str), said: &Said, link: (String, DateTime<Utc>)) {
    let mut one = Person::invited(id, email, link);
    one.roles = said.roles.iter().copied().collect();
    one.teams = said.team.map(|at| (place.team(at), false)).into_iter().collect();
    one.channels = said.channel.map(|at| place.channel(at)).into_iter().collect();
    place.people.push(one);
}

fn come_back(place: &mut Place, id: UserId, said: &Said, as_before: bool, link: (String, DateTime<Utc>)) -> Vec<Noted> {
    let seal = place.sealed.iter().find(|seal| seal.user == id).cloned().expect("a seal");
    let (team, channel) = (said.team.map(|at| place.team(at)), said.channel.map(|at| place.channel(at)));
    let one = place.get_mut(id);
    one.status = Status::Invited;
    one.email = seal.email;
    one.relink(link.0, link.1);
    if as_before {
        (one.roles, one.teams, one.channels) = (seal.roles, seal.teams, seal.channels);
    } else {
        one.roles = said.roles.iter().copied().collect();
        one.teams = team.map(|team| (team, false)).into_iter().collect();
        one.channels = channel.into_iter().collect();
    }
    let one = place.get(id).expect("somebody");
    let leads = one.teams.values().filter(|leads| **leads).map(|_| "team.lead_changed");
    let names = one.teams.iter().map(|_| "team.member_added").chain(leads);
    let names = names.chain(one.channels.iter().map(|_| "channel.member_added")).chain(["user.restored"]);
    names.map(|name| (name, Some(id))).collect()
}

/// Whoever came back and does not come after all is a removed user again; whoever never was here leaves no row.
fn cancel(place: &mut Place, who: UserId) -> Vec<Noted> {
    let mut noted = vec![("invite.cancelled", Some(who))];
    if place.sealed.iter().any(|seal| seal.user == who) {
        noted.extend(strip(place.get_mut(who), Status::Removed));
    } else {
        place.people.retain(|one| one.id != who);
    }
    noted
}

fn lead(place: &mut Place, who: UserId, team: TeamId) -> Vec<Noted> {
    let mut noted = Vec::new();
    for (member, leads) in members(place, team) {
        if leads != (member == who) {
            place.get_mut(member).teams.insert(team, !leads);
            noted.push(("team.lead_changed", Some(member)));
        }
    }
    noted
}

/// Their access ends; everything else stays.
pub fn depart(one: &mut Person, reason: Option<Reason>, returns_at: Option<DateTime<Utc>>) -> Vec<Noted> {
    one.forget_plans();
    (one.status, one.sessions) = (Status::Inactive, 0);
    (one.reason, one.returns_at) = (reason, returns_at);
    let back = returns_at.map(|_| ("user.return_planned", Some(one.id)));
    [("user.deactivated", Some(one.id))].into_iter().chain(back).collect()
}

/// Nothing of them is left anywhere.
fn strip(one: &mut Person, status: Status) -> Vec<Noted> {
    let teams = one.teams.keys().map(|_| ("team.member_removed", Some(one.id)));
    let noted = teams.chain(one.channels.iter().map(|_| ("channel.member_removed", Some(one.id)))).collect();
    one.forget_plans();
    (one.status, one.sessions, one.password, one.email) = (status, 0, false, String::new());
    (one.roles, one.teams, one.channels) = (BTreeSet::new(), BTreeMap::new(), BTreeSet::new());
    one.old_links.extend(one.link.take().map(|(token, _)| token));
    noted
}

fn pass_contact_on(place: &Place, email: &str) -> Option<Noted> {
    (place.contact == email).then_some(("workspace.updated", None))
}

fn remove(place: &mut Place, who: UserId) -> Vec<Noted> {
    let one = place.get(who).expect("somebody").clone();
    place.get_mut(who).former.push(one.email.clone());
    place.seal(Seal {
        user: who,
        email: one.email.clone(),
        roles: one.roles,
        teams: one.teams,
        channels: one.channels,
    });
    let mut noted = vec![("user.removed", Some(who))];
    noted.extend(pass_contact_on(place, &one.email));
    noted.extend(strip(place.get_mut(who), Status::Removed));
    noted
}

fn delete(place: &mut Place, who: UserId) -> Vec<Noted> {
    // Under every address that they ever had, but those that are somebody else's by now.
    let one = place.get(who).expect("somebody");
    let sealed = place.sealed.iter().filter(|seal| seal.user == who).map(|seal| seal.email.clone());
    let known: Vec<String> = sealed.chain([one.email.clone()]).chain(one.former.iter().cloned()).collect();
    let theirs = |email: &&String| {
        let elses = |other: &Person| other.id != who && !other.is_gone() && other.email == **email;
        !place.people.iter().any(elses) && !place.sealed.iter().any(|seal| seal.user != who && seal.email == **email)
    };
    let passed_on = known.iter().filter(theirs).find_map(|email| pass_contact_on(place, email));
    place.sealed.retain(|seal| seal.user != who);
    place.get_mut(who).former.clear();
    let mut noted = vec![("user.deleted", Some(who))];
    noted.extend(passed_on);
    noted.extend(strip(place.get_mut(who), Status::Deleted));
    noted
}
