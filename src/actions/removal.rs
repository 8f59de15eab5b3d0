//! Removing users, restoring or unlinking who was removed, deleting users for good (U-10 … U-12, U-15, E-3).

use url::Url;

use super::users::Plan;
use crate::domain::access::{Can, Key, handovers, users};
use crate::domain::audit::Event;
use crate::domain::ids::{JobId, UserId};
use crate::domain::logins::account;
use crate::domain::removal::{Deletion, DeletionReason, Due, Sealed, confirm, deleted_name, due};
use crate::domain::traces::Traces;
use crate::domain::users::User;
use crate::failure::Failure;
use crate::mail::messages;
use crate::store::bulk_jobs::Origin;
use crate::store::{self, Recorded, Tx};

/// Somebody who is gone.
#[derive(Clone, Debug)]
pub struct Gone {
    /// The person, as they were.
    pub user: User,
    /// What they are called now.
    pub name: String,
    /// How many sessions ended.
    pub sessions_ended: usize,
    /// The job that moves their conversations, if they held any.
    pub job: Option<JobId>,
}

/// How a deletion is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// What was typed to confirm it.
    pub confirm: String,
    /// Whether somebody who is active may be deactivated in the same step.
    pub deactivate: bool,
    /// Why before the end of retention.
    pub reason: Option<DeletionReason>,
}

/// Ends a person's membership: nothing of theirs is left in teams, channels and lists; who they were is sealed (U-10).
/// Whoever plans where their work goes needs the permission to hand it over; without a plan it is left to nobody.
///
/// # Errors
/// A [`crate::domain::users::UserRefusal`], a refusal of the plan's targets, or trouble with the database.
pub fn remove(
    tx: &mut Tx,
    _: &Can<users::Remove>,
    id: UserId,
    plan: Option<(Plan, &Can<handovers::Run>)>,
) -> Result<Recorded<Gone>, Failure> {
    let plan = plan.map(|(plan, _)| plan).unwrap_or_default();
    let owners = lock_all(tx, id, plan)?;
    let user = store::users::lock(tx, id)?;
    user.may_be_removed_by(tx.actor(), owners)?;
    let sealed = seal(tx, &user)?;
    store::removal::insert_sealed(tx, &sealed)?;
    store::removal::set_removed(tx, &user)?;
    pass_support_on(tx, &user.email)?;
    let sessions_ended = cut_off(tx, &user)?;
    let job = super::bulk::start_removal(tx, Origin::Removal(id), &user, plan)?;
    let name = crate::domain::removal::REMOVED_NAME.to_owned();
    Ok(tx.record(Event::UserRemoved { user: id, sessions_ended }).with(Gone { user, name, sessions_ended, job }))
}

/// Deletes a person for good: everything that says who they were is erased everywhere; what they did stays (U-11).
///
/// # Errors
/// A [`crate::domain::users::UserRefusal`], a refusal of the plan's targets, or trouble with the database.
pub fn delete(
    tx: &mut Tx,
    _: &Can<users::Delete>,
    id: UserId,
    plan: Option<(Plan, &Can<handovers::Run>)>,
    request: &Request,
) -> Result<Recorded<Gone>, Failure> {
    let plan = plan.map(|(plan, _)| plan).unwrap_or_default();
    let owners = lock_all(tx, id, plan)?;
    let user = store::users::lock(tx, id)?;
    let deletion = Deletion {
        deactivate: request.deactivate,
        reason: request.reason,
        retention_years: store::retention::find(tx)?.years,
        now: tx.now(),
    };
    user.may_be_deleted_by(tx.actor(), owners, &deletion)?;
    let sealed = store::removal::find_sealed(tx, id)?;
    confirm(&request.confirm, &user, sealed.as_ref())?;
    let early = user.kept_until(&deletion).is_some();
    erase(tx, user, sealed, plan, false, request.reason.filter(|_| early))
}

/// Deletes one's own account; whoever looks after work that is left is told (U-15). Needs no permission but the password,
/// which the form asked for.
///
/// # Errors
/// A [`crate::domain::users::UserRefusal`], or trouble with the database.
pub fn delete_own(tx: &mut Tx, base: &Url) -> Result<Recorded<Gone>, Failure> {
    let id = tx.actor().user().ok_or(Failure::Bug("nobody deletes their own account"))?;
    let owners = lock_all(tx, id, Plan::default())?;
    let user = store::users::lock(tx, id)?;
    user.may_be_changed_by(tx.actor())?;
    user.may_delete_themselves(owners, store::retention::find(tx)?.years)?;
    let held = store::teams::list_of_users(tx, &[id])?.remove(&id).unwrap_or_default();
    let teams: Vec<String> =
        store::teams::list(tx)?.into_iter().filter(|team| held.contains(&team.id)).map(|team| team.name).collect();
    let gone = erase(tx, user, None, Plan::default(), true, None)?;
    let workspace = store::workspaces::this(tx)?;
    let (name, job) = (gone.value().name.clone(), gone.value().job);
    let link = job.map(|job| format!("{base}jobs/{job}"));
    for to in store::users::list_who_may(tx, Key::HandoversRun)? {
        let mail = messages::OwnDeletion {
            workspace: &workspace,
            to: (&to.name.display, &to.email),
            who: &name,
            teams: &teams.join(", "),
            link: link.as_deref(),
        };
        tx.send_mail(mail.mail()?)?;
    }
    Ok(gone)
}

/// What retention does by itself in a workspace: tells the Owners whom it is about to delete. Says whom (E-3).
///
/// # Errors
/// Trouble with the database.
pub fn announce_deletions(tx: &mut Tx, _: &Can<users::Delete>, base: &Url) -> Result<Recorded<Vec<UserId>>, Failure> {
    let Some(years) = store::retention::find(tx)?.deletes() else { return tx.unchanged(Vec::new()) };
    let mut told = Vec::new();
    let mut names = Vec::new();
    for id in store::retention::list_former(tx)? {
        let (user, sealed) = match find_to_announce(tx, id, years) {
            Ok(Some(found)) => found,
            Ok(None) => continue,
            // Whose row cannot be read is not announced, and so not deleted; the others are.
            Err(failure) if failure.is_of_this_one() => {
                tracing::error!(error = %failure, user.id = %id, "a former user cannot be read");
                continue;
            }
            Err(failure) => return Err(failure),
        };
        let (name, email) = sealed.map_or((user.name.full, user.email), |sealed| (sealed.name.full, sealed.email));
        names.push(if email.is_empty() { name } else { format!("{name} ({email})") });
        store::retention::set_announced(tx, id)?;
        told.push(id);
    }
    if told.is_empty() {
        return tx.unchanged(told);
    }
    let workspace = store::workspaces::this(tx)?;
    for to in store::users::list_active_owners(tx)? {
        let mail = messages::Deletions {
            workspace: &workspace,
            to: (&to.name.display, &to.email),
            names: &names,
            years: &crate::domain::removal::years_in_words(years),
            link: &format!("{base}settings/users/inactive"),
        };
        tx.send_mail(mail.mail()?)?;
    }
    Ok(tx.record(Event::DeletionsAnnounced { users: told.clone() }).with(told))
}

/// A former user of whom the Owners are to be told now, with who they were if that is sealed.
fn find_to_announce(tx: &mut Tx, id: UserId, years: i32) -> Result<Option<(User, Option<Sealed>)>, Failure> {
    // Of two instances, the second waits here and then finds it announced.
    let former = store::retention::lock_former(tx, id)?;
    if former.is_none_or(|former| due(former.since, former.announced_at, years, tx.now()) != Due::Announce) {
        return Ok(None);
    }
    let user = store::users::find(tx, id)?.ok_or(Failure::NotFound)?;
    Ok(Some((user, store::removal::find_sealed(tx, id)?)))
}

/// Deletes a former user because retention is over and was announced; says whether it was (E-3).
///
/// # Errors
/// Trouble with the database.
pub fn delete_after_retention(tx: &mut Tx, _: &Can<users::Delete>, id: UserId) -> Result<Recorded<bool>, Failure> {
    lock_all(tx, id, Plan::default())?;
    let Some(years) = store::retention::find(tx)?.deletes() else { return tx.unchanged(false) };
    let former = store::retention::lock_former(tx, id)?;
    if former.is_none_or(|former| due(former.since, former.announced_at, years, tx.now()) != Due::Delete) {
        return tx.unchanged(false);
    }
    let user = store::users::lock(tx, id)?;
    let sealed = store::removal::find_sealed(tx, id)?;
    Ok(erase(tx, user, sealed, Plan::default(), false, None)?.with(true))
}

/// Whoever cannot log in is not the one to ask any more.
fn pass_support_on(tx: &mut Tx, email: &str) -> Result<(), Failure> {
    if store::removal::set_support_contact(tx, email)? {
        let _ = tx.record(Event::WorkspaceUpdated { fields: vec!["support_contact"] });
    }
    Ok(())
}

/// Locks who is an active Owner, whoever gets work, and whoever leaves, in one order.
fn lock_all(tx: &mut Tx, id: UserId, plan: Plan) -> Result<usize, Failure> {
    let owners = store::users::lock_active_owners(tx)?;
    let mut people: Vec<UserId> = plan.people().into_iter().chain([id]).collect();
    people.sort_unstable();
    for person in people {
        store::users::lock(tx, person)?;
    }
    Ok(owners)
}

fn seal(tx: &mut Tx, user: &User) -> Result<Sealed, Failure> {
    Ok(Sealed {
        user: user.id,
        email: user.email.clone(),
        name: user.name.clone(),
        beta_access: user.beta_access,
        time_zone: user.time_zone.clone(),
        roles: store::roles::list_of_users(tx, &[user.id])?.remove(&user.id).unwrap_or_default(),
        teams: store::removal::list_memberships(tx, user.id)?,
        channels: store::channels::list_of_users(tx, &[user.id])?.remove(&user.id).unwrap_or_default(),
        sealed_at: tx.now(),
    })
}

/// Ends sessions and links, and takes somebody out of roles, teams and channels; says how many sessions ended.
pub(super) fn cut_off(tx: &mut Tx, user: &User) -> Result<usize, Failure> {
    let id = user.id;
    let sessions_ended = store::sessions::delete_all_of(tx, id, None)?;
    store::logins::delete_password_links_of(tx, id)?;
    for (team, _) in store::removal::list_memberships(tx, id)? {
        store::teams::delete_member(tx, team, id)?;
        let _ = tx.record(Event::TeamMemberRemoved { team, user: id });
    }
    let mut channels = store::channels::list_of_users(tx, &[id])?.remove(&id).unwrap_or_default();
    channels.sort_unstable();
    for channel in channels {
        for event in super::channels::take_out(tx, channel, id)? {
            let _ = tx.record(event);
        }
    }
    let roles = store::roles::list_of_users(tx, &[id])?.remove(&id).unwrap_or_default();
    store::roles::delete_of_user(tx, id, &roles)?;
    Ok(sessions_ended)
}

/// Erases somebody from mails and notices under every name and address that they ever had here, and forgets these; says
/// which addresses those were.
///
/// # Errors
/// Trouble with the database.
pub(super) fn forget(tx: &mut Tx, user: UserId, sealed: Option<Sealed>, neutral: &str) -> Result<Vec<String>, Failure> {
    let mut known = store::former_names::list_of_user(tx, user)?;
    known.extend(sealed.map(|sealed| (sealed.email, sealed.name)));
    let mut emails = Vec::new();
    for (email, name) in known {
        // What is somebody else's by now is left to them.
        let elses = store::users::find_by_email(tx, &email)?.is_some_and(|one| one.id != user)
            || store::removal::find_sealed_by_email(tx, &email)?.is_some_and(|one| one.user != user);
        let email = if elses { String::new() } else { email };
        let traces = Traces::new(&email, &name, neutral);
        store::erasure::erase_from_mails(tx, user, &traces)?;
        store::erasure::erase_from_notices(tx, &traces)?;
        if !elses && !emails.contains(&email) {
            emails.push(email);
        }
    }
    store::former_names::delete_of_user(tx, user)?;
    store::removal::delete_sealed(tx, user)?;
    Ok(emails)
}

fn erase(
    tx: &mut Tx,
    user: User,
    sealed: Option<Sealed>,
    plan: Plan,
    own: bool,
    reason: Option<DeletionReason>,
) -> Result<Recorded<Gone>, Failure> {
    let id = user.id;
    let number = store::removal::next_deleted_number(tx)?;
    let name = deleted_name(number);
    store::removal::set_deleted(tx, &user, &name, number)?;
    store::saved_views::delete_own_of(tx, id)?;
    let sessions_ended = cut_off(tx, &user)?;
    store::drafts::delete_all_of(tx, id)?;
    let emails = forget(tx, id, sealed, &name)?;
    let accounts: Vec<String> = emails.iter().map(|email| account(tx.workspace(), email)).collect();
    store::removal::delete_history(tx, id, &accounts)?;
    for email in emails {
        pass_support_on(tx, &email)?;
    }
    let job = super::bulk::start_removal(tx, Origin::Deletion(id), &user, plan)?;
    let event = Event::UserDeleted { user: id, own, reason, sessions_ended };
    Ok(tx.record(event).with(Gone { user, name, sessions_ended, job }))
}
