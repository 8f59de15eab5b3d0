//! Time away that is set for a day: deactivate then, come back by oneself (U-8).

use chrono::{DateTime, Utc};
use url::Url;

use super::users::{Deactivated, Plan};
use crate::domain::absences::{Absence, words};
use crate::domain::access::{Can, Cause, Key, handovers, users};
use crate::domain::assignment::Target;
use crate::domain::audit::Event;
use crate::domain::ids::UserId;
use crate::domain::text::counted;
use crate::domain::users::{Reason, User, UserRefusal};
use crate::domain::workspaces::Workspace;
use crate::failure::Failure;
use crate::mail::messages::Notice;
use crate::store::{self, Recorded, Tx};

/// What somebody says about a person's time away.
#[derive(Clone, Debug, Default)]
pub struct Leave {
    /// The version of the user that was looked at, if it is known: another one now means that somebody was quicker.
    pub version: Option<i64>,
    /// Why.
    pub reason: Option<Reason>,
    /// Why, in their own words.
    pub note: Option<String>,
    /// From when; `None` is now.
    pub starts_at: Option<DateTime<Utc>>,
    /// When they are back, if that is known.
    pub returns_at: Option<DateTime<Utc>>,
    /// What becomes of their work.
    pub plan: Plan,
    /// Of which work nothing is said: it goes where it was planned to go.
    pub untold: Untold,
}

/// Kinds of work of which somebody said nothing, because whoever leaves holds none of it now.
#[derive(Clone, Copy, Debug, Default)]
pub struct Untold {
    /// Open conversations.
    pub open: bool,
    /// Snoozed ones.
    pub snoozed: bool,
}

/// What became of it.
#[derive(Clone, Debug)]
pub enum Left {
    /// They were deactivated at once.
    Now(Deactivated),
    /// They will be.
    Planned(User),
}

/// Deactivates a person, now or on a day, with or without a return (U-7, U-8). The plan is carried until its day. That
/// the only Owner stays is checked here, and once more on that day.
///
/// # Errors
/// A [`UserRefusal`], a refusal of the plan's targets, [`Failure::Stale`], or trouble with the database.
pub fn begin(
    tx: &mut Tx,
    can: &Can<users::Deactivate>,
    run: Option<&Can<handovers::Run>>,
    id: UserId,
    leave: &Leave,
) -> Result<Recorded<Left>, Failure> {
    let owners = store::users::lock_active_owners(tx)?;
    let before = store::users::find(tx, id)?.ok_or(Failure::NotFound)?.absence.plan;
    let user = lock_with(tx, id, &[leave.plan, before])?;
    user.may_be_deactivated_by(tx.actor(), owners)?;
    let carried = user.absence.plan;
    // Whoever may not hand work over changes the dates, and leaves the plan as it is.
    let untold = if run.is_some() { leave.untold } else { Untold { open: true, snoozed: true } };
    let plan = Plan {
        open: if untold.open { carried.open } else { leave.plan.open },
        snoozed: if untold.snoozed { carried.snoozed } else { leave.plan.snoozed },
    };
    let absence = Absence {
        note: leave.note.clone(),
        starts_at: leave.starts_at.filter(|at| *at > tx.now()),
        refused_at: None,
        returns_at: leave.returns_at,
        plan,
        set_by: tx.actor().user(),
    };
    let same = user.is_leaving() && user.reason == leave.reason && same_dates(&user.absence, &absence);
    if same {
        return tx.unchanged(Left::Planned(user));
    }
    if leave.version.is_some_and(|version| version != user.version) {
        return Err(Failure::Stale);
    }
    let Some(starts_at) = absence.starts_at else {
        // Of what was only carried on, what is possible no more stays with the person, as on its day.
        let of = |tx: &mut Tx, untold, target| if untold { possible(tx, id, target) } else { Ok(target) };
        let plan = Plan { open: of(tx, untold.open, plan.open)?, snoozed: of(tx, untold.snoozed, plan.snoozed)? };
        // What was planned was allowed when it was planned. It is done, whoever brings its day forward.
        let planned = Can::for_system(tx.workspace(), Cause::Timer);
        let run = run.or_else(|| plan.moves().then_some(&planned));
        let done = super::users::deactivate(tx, can, id, leave.reason, run.map(|run| (plan, run)))?;
        describe(tx, id, leave.reason, &Absence { plan: Plan::default(), ..absence })?;
        return Ok(done.map(Left::Now));
    };
    // What was planned before is looked at on its day.
    for target in plan.targets().filter(|target| carried.targets().all(|known| known != *target)) {
        super::conversations::check_target(tx, target)?;
        if target == Target::User(id) {
            return Err(UserRefusal::OwnHeir(user.name.full).into());
        }
    }
    store::absences::set(tx, &user, leave.reason, &absence)?;
    let (reason, returns_at) = (leave.reason, leave.returns_at);
    let planned = tx.record(Event::UserDeactivationPlanned { user: id, reason, starts_at, returns_at });
    Ok(planned.with(Left::Planned(User { reason, absence, ..user })))
}

/// Whether two say the same, whoever said it.
fn same_dates(one: &Absence, other: &Absence) -> bool {
    Absence { set_by: None, ..one.clone() } == Absence { set_by: None, ..other.clone() }
}

/// Locks a person with those who are to get their work, in the one order in which people are locked.
fn lock_with(tx: &mut Tx, id: UserId, plans: &[Plan]) -> Result<User, Failure> {
    let mut people: Vec<UserId> = plans.iter().flat_map(Plan::people).chain([id]).collect();
    people.sort_unstable();
    for person in people {
        match store::users::lock(tx, person) {
            // Whether the targets will do is the question of another check, which has the words for it.
            Err(Failure::NotFound) if person != id => {}
            locked => drop(locked?),
        }
    }
    store::users::lock(tx, id)
}

/// Keeps the words and dates of an absence that has begun.
fn describe(tx: &mut Tx, id: UserId, reason: Option<Reason>, absence: &Absence) -> Result<(), Failure> {
    let returns_at = absence.returns_at;
    if returns_at.is_none() && absence.note.is_none() {
        return Ok(());
    }
    let user = store::users::lock(tx, id)?;
    store::absences::set(tx, &user, reason, absence)?;
    if returns_at.is_some() {
        let _ = tx.record(Event::UserReturnPlanned { user: id, returns_at });
    }
    Ok(())
}

/// Changes reason, note and return of somebody who is away (U-8).
///
/// # Errors
/// A [`UserRefusal`], [`Failure::Stale`], or trouble with the database.
pub fn change(
    tx: &mut Tx,
    _: &Can<users::Deactivate>,
    id: UserId,
    version: Option<i64>,
    (reason, note): (Option<Reason>, Option<String>),
    returns_at: Option<DateTime<Utc>>,
) -> Result<Recorded<User>, Failure> {
    let user = store::users::lock(tx, id)?;
    user.may_get_return_by(tx.actor())?;
    if version.is_some_and(|version| version != user.version) {
        return Err(Failure::Stale);
    }
    let absence = Absence { note, returns_at, set_by: tx.actor().user(), ..user.absence.clone() };
    let same = (user.reason, &user.absence.note, user.absence.returns_at) == (reason, &absence.note, returns_at);
    if same {
        return tx.unchanged(user);
    }
    store::absences::set(tx, &user, reason, &absence)?;
    let changed = User { reason, absence, ..user };
    Ok(tx.record(Event::UserReturnPlanned { user: id, returns_at }).with(changed))
}

/// Withdraws what is planned about a person: the deactivation that is to come, or the return of somebody who is away.
///
/// # Errors
/// A [`UserRefusal`], or trouble with the database.
pub fn withdraw(tx: &mut Tx, _: &Can<users::Deactivate>, id: UserId) -> Result<Recorded<User>, Failure> {
    let user = store::users::lock(tx, id)?;
    user.may_lose_dates_by(tx.actor())?;
    if user.is_leaving() {
        store::absences::set(tx, &user, None, &Absence::default())?;
    } else {
        store::absences::set(tx, &user, user.reason, &Absence { returns_at: None, ..user.absence.clone() })?;
    }
    Ok(tx.record(Event::UserAbsenceWithdrawn { user: id }).with(user))
}

/// What a timer found when it looked at a planned deactivation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Due {
    /// Nothing is due any more: done by another instance, changed or withdrawn.
    Nothing,
    /// It was done.
    Done,
    /// It could not be done; that is on record, and the admins are told.
    Refused,
}

/// Does a planned deactivation whose time has come, if whoever planned it might still do it. Of the plan, what is
/// possible no more stays with the person: their access ends all the same.
///
/// # Errors
/// Trouble with the database.
pub fn begin_due(tx: &mut Tx, base: &Url, id: UserId) -> Result<Recorded<Due>, Failure> {
    let owners = store::users::lock_active_owners(tx)?;
    let Some(found) = store::users::find(tx, id)? else { return tx.unchanged(Due::Nothing) };
    let user = lock_with(tx, id, &[found.absence.plan])?;
    let now = tx.now();
    let due = user.is_leaving()
        && user.absence.refused_at.is_none()
        && user.absence.starts_at.is_some_and(|starts_at| starts_at <= now);
    if !due {
        return tx.unchanged(Due::Nothing);
    }
    let workspace = store::workspaces::this(tx)?;
    let planner = match user.absence.set_by {
        Some(by) => store::users::find(tx, by)?,
        None => None,
    };
    let still = planner.as_ref().map_or(Ok(()), |planner| user.may_still_be_stopped_for(planner));
    if let Err(refusal) = user.may_be_deactivated_by(tx.actor(), owners).and(still) {
        let absence = Absence { refused_at: Some(now), ..user.absence.clone() };
        store::absences::set(tx, &user, user.reason, &absence)?;
        tell_of_refusal(tx, base, &workspace, &user, &refusal)?;
        return Ok(tx.record(Event::UserDeactivationRefused { user: id }).with(Due::Refused));
    }
    // Whoever is back already, because nothing ran meanwhile, keeps their work.
    let over = user.absence.returns_at.is_some_and(|back| back <= now);
    let wanted = if over { Plan::default() } else { user.absence.plan };
    let hands_over = planner.is_none_or(|one| one.status.is_gone() || one.permissions.has(Key::HandoversRun));
    let carried = if hands_over { wanted } else { Plan::default() };
    let plan = Plan { open: possible(tx, id, carried.open)?, snoozed: possible(tx, id, carried.snoozed)? };
    let (can, run) = (Can::for_system(workspace.id, Cause::Timer), Can::for_system(workspace.id, Cause::Timer));
    let done = super::users::deactivate(tx, &can, id, user.reason, Some((plan, &run)))?;
    let absence = Absence { starts_at: None, plan: Plan::default(), ..user.absence.clone() };
    describe(tx, id, user.reason, &absence)?;
    if !over {
        tell_of_start(tx, base, &workspace, &user, plan != wanted)?;
    }
    Ok(done.with(Due::Done))
}

/// The target, if it will still do.
fn possible(tx: &mut Tx, id: UserId, target: Option<Target>) -> Result<Option<Target>, Failure> {
    let Some(target) = target.filter(|target| *target != Target::User(id)) else { return Ok(None) };
    match super::conversations::check_target(tx, target) {
        Ok(()) => Ok(Some(target)),
        Err(Failure::Refused(_) | Failure::NotFound) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Gives somebody their access back whose return is due; says whether it was.
///
/// # Errors
/// Trouble with the database.
pub fn finish_due(tx: &mut Tx, base: &Url, id: UserId) -> Result<Recorded<bool>, Failure> {
    store::users::lock_active_owners(tx)?;
    if store::users::find(tx, id)?.is_none() {
        return tx.unchanged(false);
    }
    let user = store::users::lock(tx, id)?;
    let now = tx.now();
    if !user.is_returning() || user.absence.returns_at.is_some_and(|back| back > now) {
        return tx.unchanged(false);
    }
    let workspace = store::workspaces::this(tx)?;
    let can = Can::for_system(workspace.id, Cause::Timer);
    let back = super::users::reactivate(tx, &can, id)?;
    tell_of_return(tx, base, &workspace, &user)?;
    Ok(back.with(true))
}

/// Writes to everybody who manages users, and to whoever set the dates.
fn tell_admins(
    tx: &mut Tx,
    base: &Url,
    (workspace, user): (&Workspace, &User),
    kind: &'static str,
    subject: &str,
    paragraphs: &[String],
) -> Result<(), Failure> {
    let mut readers = store::users::list_who_may(tx, Key::UsersEdit)?;
    if let Some(setter) = user.absence.set_by.filter(|by| readers.iter().all(|one| one.id != *by)) {
        let able = store::users::list_who_may(tx, Key::UsersDeactivate)?;
        readers.extend(able.into_iter().filter(|one| one.id == setter));
    }
    let profile = format!("{base}settings/users/{}", user.id);
    let link = (format!("See {}’s profile", user.name.full), profile);
    for reader in readers.iter().filter(|one| one.id != user.id) {
        let to = (reader.name.full.as_str(), reader.email.as_str());
        let notice = Notice { kind, workspace, to, subject, paragraphs, link: (&link.0, &link.1) };
        tx.send_mail(notice.mail()?)?;
    }
    Ok(())
}

/// Writes to the person, with the page where they log in.
fn tell_person(
    tx: &mut Tx,
    base: &Url,
    (workspace, user): (&Workspace, &User),
    kind: &'static str,
    subject: &str,
    paragraphs: &[String],
) -> Result<(), Failure> {
    let page = format!("{base}login/{}", workspace.slug);
    let to = (user.name.display.as_str(), user.email.as_str());
    let notice = Notice { kind, workspace, to, subject, paragraphs, link: ("Log in", &page) };
    tx.send_mail(notice.mail()?)?;
    Ok(())
}

fn tell_of_start(tx: &mut Tx, base: &Url, workspace: &Workspace, user: &User, lost: bool) -> Result<(), Failure> {
    let (name, back) = (&user.name.full, user.absence.returns_at.map(|at| words(at, workspace.time_zone)));
    let mut paragraphs = vec![format!("{name} can’t log in to {} any more, as it was planned.", workspace.name)];
    if let Some(back) = &back {
        paragraphs.push(format!("They are reactivated automatically on {back}."));
    }
    if lost {
        paragraphs.push(format!(
            "Part of the plan for their conversations couldn’t be done, because a person or a team in it is not there \
             any more, or whoever planned it may not hand work over any more. That part stays with {name} and is listed \
             under “Needs handover”."
        ));
    }
    tell_admins(tx, base, (workspace, user), "absence", &format!("{name} is deactivated"), &paragraphs)?;
    // Somebody who is kept out for security hears of it from a person, not from Baton.
    if user.reason == Some(Reason::Security) {
        return Ok(());
    }
    let contact = &workspace.support_contact;
    let paragraphs = [
        format!("your access to {} is paused from now on, as it was planned.", workspace.name),
        back.map_or_else(
            || format!("If you think that this is a mistake, ask {contact}."),
            |back| format!("It comes back automatically on {back}. If you need it earlier, ask {contact}."),
        ),
    ];
    let subject = format!("Your access to {} is paused", workspace.name);
    tell_person(tx, base, (workspace, user), "absence", &subject, &paragraphs)
}

fn tell_of_refusal(
    tx: &mut Tx,
    base: &Url,
    workspace: &Workspace,
    user: &User,
    refusal: &UserRefusal,
) -> Result<(), Failure> {
    let name = &user.name.full;
    let paragraphs = [
        format!("{name} was to be deactivated now, but that wasn’t possible: {refusal}"),
        format!("{name} can still log in. Choose another day, or withdraw the plan."),
    ];
    tell_admins(tx, base, (workspace, user), "absence", &format!("{name} couldn’t be deactivated"), &paragraphs)
}

fn tell_of_return(tx: &mut Tx, base: &Url, workspace: &Workspace, user: &User) -> Result<(), Failure> {
    let name = &user.name.full;
    let days = (tx.now() - user.status_changed_at).num_days().max(1);
    let paragraphs = [
        format!("{name} is active again in {}, as it was planned.", workspace.name),
        format!(
            "They were away for {}. Nothing is routed to them until they have logged in and set themselves available.",
            counted(days, "day", "days")
        ),
    ];
    tell_admins(tx, base, (workspace, user), "return", &format!("{name} is back"), &paragraphs)?;
    let paragraphs = [format!(
        "welcome back: your access to {} works again, with the same password, roles and teams as before.",
        workspace.name
    )];
    let subject = format!("Welcome back to {}", workspace.name);
    tell_person(tx, base, (workspace, user), "return", &subject, &paragraphs)
}
