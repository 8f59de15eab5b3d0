//! Inviting people, and accepting (I-1 … I-6).

use chrono::TimeDelta;
use url::Url;

use crate::domain::access::{Can, Key, users};
use crate::domain::audit::Event;
use crate::domain::ids::{ChannelId, RoleId, TeamId, UserId};
use crate::domain::invites::{DeadLink, InviteRefusal};
use crate::domain::removal::REMOVED_NAME;
use crate::domain::roles::may_stand_in;
use crate::domain::secrets::{Secret, hash};
use crate::domain::users::{Name, Status, User, UserRefusal};
use crate::domain::workspaces::Workspace;
use crate::failure::Failure;
use crate::mail::messages;
use crate::store::{self, Recorded, Rx, Tx};

/// What an invite says.
#[derive(Clone, Debug)]
pub struct New {
    /// To which address.
    pub email: String,
    /// Their names.
    pub name: Name,
    /// As what.
    pub roles: Vec<RoleId>,
    /// Into which teams.
    pub teams: Vec<TeamId>,
    /// To which channels.
    pub channels: Vec<ChannelId>,
    /// Whether a mail is sent; otherwise the link is to be copied.
    pub send: bool,
}

/// An invite that was made or renewed.
#[derive(Clone, Debug)]
pub struct Invited {
    /// The user that it makes.
    pub user: UserId,
    /// Their address.
    pub email: String,
    /// Their names.
    pub name: Name,
    /// The new link. To be shown once, to the one who asked for it.
    pub link: String,
}

/// The address of an invite's page.
#[must_use]
pub fn link(base: &Url, secret: &Secret) -> String {
    format!("{base}invites/{}", secret.reveal())
}

fn day(at: chrono::DateTime<chrono::Utc>, zone: chrono_tz::Tz) -> String {
    at.with_timezone(&zone).format("%-d %b %Y").to_string()
}

/// Invites somebody (I-1). A known address is refused by name (I-2).
///
/// # Errors
/// An [`InviteRefusal`], a refusal of the roles, [`Failure::NotFound`] for an id that is none here, or trouble with the
/// database.
pub fn create(tx: &mut Tx, _: &Can<users::Invite>, base: &Url, new: &New) -> Result<Recorded<Invited>, Failure> {
    let workspace = store::workspaces::this(tx)?;
    if let Some(known) = store::users::find_by_email(tx, &new.email)? {
        return Err(refuse_known(&known, workspace.time_zone).into());
    }
    if let Some(sealed) = store::removal::find_sealed_by_email(tx, &new.email)? {
        return Err(refuse_sealed(sealed.email, sealed.sealed_at, workspace.time_zone).into());
    }
    let roles = super::users::grantable(tx, &new.roles)?;
    let user = store::users::insert(
        tx,
        &store::users::New { email: &new.email, name: &new.name, status: Status::Invited, password_hash: None },
    )?;
    store::roles::insert_of_user(tx, user, &new.roles)?;
    join(tx, user, &new.teams, &new.channels)?;
    let valid = TimeDelta::days(i64::from(workspace.invite_days));
    store::invites::insert(tx, user, valid)?;
    let secret = store::invites::insert_link(tx, user, valid)?;
    let link = link(base, &secret);
    if new.send {
        let names: Vec<String> = roles.iter().map(|role| role.name.clone()).collect();
        send(tx, &workspace, user, &new.email, &new.name, &names, &link)?;
    }
    let invited = Invited { user, email: new.email.clone(), name: new.name.clone(), link };
    Ok(tx.record(Event::UserInvited { user, roles: new.roles.clone() }).with(invited))
}

/// Invites somebody as if they had never been here: whoever was removed with this address stays removed, and is linked
/// to it no more (U-10).
///
/// # Errors
/// As [`create`], and [`InviteRefusal::NotRemoved`].
pub fn start_fresh(tx: &mut Tx, can: &Can<users::Invite>, base: &Url, new: &New) -> Result<Recorded<Invited>, Failure> {
    let former = lock_removed(tx, &new.email)?;
    // Once the seal is gone nobody knows any more whose mails those were; so they lose their name now.
    let user = former.user;
    super::removal::forget(tx, user, Some(former), REMOVED_NAME)?;
    let _ = tx.record(Event::UserUnlinked { user });
    create(tx, can, base, new)
}

/// Invites somebody back who was removed: what they wrote is theirs again. With `as_before` they get the roles, teams and
/// channels that they had, as far as there still are such; otherwise those of the invite (U-10).
///
/// # Errors
/// As [`create`], and [`InviteRefusal::NotRemoved`].
pub fn restore(
    tx: &mut Tx,
    _: &Can<users::Invite>,
    base: &Url,
    new: &New,
    as_before: bool,
) -> Result<Recorded<Invited>, Failure> {
    let workspace = store::workspaces::this(tx)?;
    let sealed = lock_removed(tx, &new.email)?;
    let id = sealed.user;
    let (mut wanted, mut teams, mut channels) = (new.roles.clone(), Vec::new(), new.channels.clone());
    if as_before {
        let known: Vec<RoleId> = store::roles::list(tx)?.into_iter().map(|role| role.id).collect();
        let before: Vec<RoleId> = sealed.roles.iter().copied().filter(|role| known.contains(role)).collect();
        if !before.is_empty() {
            wanted = before;
        }
        let known: Vec<TeamId> = store::teams::list(tx)?.into_iter().map(|team| team.id).collect();
        teams = sealed.teams.iter().copied().filter(|(team, _)| known.contains(team)).collect();
        let known: Vec<ChannelId> = store::channels::list(tx)?.into_iter().map(|channel| channel.id).collect();
        channels = sealed.channels.iter().copied().filter(|channel| known.contains(channel)).collect();
    }
    let roles = super::users::grantable(tx, &wanted)?;
    let user = store::users::lock(tx, id)?;
    store::removal::set_restored(tx, &user, &sealed, &new.name)?;
    store::roles::insert_of_user(tx, id, &wanted)?;
    let of_invite = if as_before { Vec::new() } else { new.teams.clone() };
    let joined: Vec<TeamId> = teams.iter().map(|(team, _)| *team).chain(of_invite).collect();
    // Leaving these was on record when they were removed, so coming back to them is, too.
    for event in join(tx, id, &joined, &channels)? {
        let _ = tx.record(event);
    }
    for (team, _) in teams.iter().filter(|(_, lead)| *lead) {
        if store::teams::set_lead(tx, *team, id, true)? {
            let _ = tx.record(Event::TeamLeadChanged { team: *team, user: id, lead: true });
        }
    }
    let valid = TimeDelta::days(i64::from(workspace.invite_days));
    store::invites::insert(tx, id, valid)?;
    let secret = store::invites::insert_link(tx, id, valid)?;
    let link = link(base, &secret);
    if new.send {
        let names: Vec<String> = roles.iter().map(|role| role.name.clone()).collect();
        send(tx, &workspace, id, &sealed.email, &new.name, &names, &link)?;
    }
    let invited = Invited { user: id, email: sealed.email, name: new.name.clone(), link };
    Ok(tx.record(Event::UserRestored { user: id, roles: wanted }).with(invited))
}

/// Who was removed with this address; their row is locked, so that of several who bring them back at once one does.
fn lock_removed(tx: &mut Tx, email: &str) -> Result<crate::domain::removal::Sealed, Failure> {
    let gone = || Failure::from(InviteRefusal::NotRemoved(email.to_owned()));
    let sealed = store::removal::find_sealed_by_email(tx, email)?.ok_or_else(gone)?;
    let user = store::users::lock(tx, sealed.user)?;
    if user.status == Status::Removed && store::removal::find_sealed(tx, sealed.user)?.is_some() {
        Ok(sealed)
    } else {
        Err(gone())
    }
}

pub(super) fn refuse_sealed(email: String, at: chrono::DateTime<chrono::Utc>, zone: chrono_tz::Tz) -> InviteRefusal {
    InviteRefusal::Removed { email, on: day(at, zone) }
}

pub(super) fn refuse_known(known: &User, zone: chrono_tz::Tz) -> InviteRefusal {
    let email = known.email.clone();
    match known.status {
        // Their rows keep no address, so they are never found by one.
        Status::Removed | Status::Deleted => InviteRefusal::NotRemoved(email),
        Status::Active => InviteRefusal::AlreadyUser(email),
        Status::Invited => InviteRefusal::AlreadyInvited { email, on: day(known.created_at, zone) },
        Status::Inactive => InviteRefusal::Deactivated { email, on: day(known.status_changed_at, zone) },
    }
}

/// Makes somebody a member; says what that changed.
fn join(tx: &mut Tx, user: UserId, teams: &[TeamId], channels: &[ChannelId]) -> Result<Vec<Event>, Failure> {
    let mut events = Vec::new();
    let (known_teams, known_channels) = (store::teams::list(tx)?, store::channels::list(tx)?);
    for team in teams {
        if !known_teams.iter().any(|known| known.id == *team) {
            return Err(Failure::NotFound);
        }
        if store::teams::insert_member(tx, *team, user)? {
            events.push(Event::TeamMemberAdded { team: *team, user });
        }
    }
    for channel in channels {
        if !known_channels.iter().any(|known| known.id == *channel) {
            return Err(Failure::NotFound);
        }
        if store::channels::insert_member(tx, *channel, user)? {
            events.push(Event::ChannelMemberAdded { channel: *channel, user });
        }
    }
    Ok(events)
}

/// Who a mail says it comes from.
pub(super) fn inviter(tx: &mut Tx, workspace: &Workspace) -> Result<String, Failure> {
    Ok(match tx.actor().user() {
        Some(id) => store::users::find(tx, id)?.map_or_else(String::new, |user| user.name.full),
        None => workspace.name.clone(),
    })
}

fn send(
    tx: &mut Tx,
    workspace: &Workspace,
    user: UserId,
    email: &str,
    name: &Name,
    roles: &[String],
    link: &str,
) -> Result<(), Failure> {
    let inviter = inviter(tx, workspace)?;
    let mail = messages::Invite {
        workspace,
        inviter: &inviter,
        name: &name.display,
        email,
        roles: &roles.join(" and "),
        link,
    };
    let mail = tx.send_mail(mail.mail()?)?;
    store::invites::set_sent(tx, user, mail)
}

fn lock_pending(tx: &mut Tx, id: UserId) -> Result<User, Failure> {
    let user = store::users::lock(tx, id)?;
    if user.status == Status::Invited { Ok(user) } else { Err(InviteRefusal::NotPending.into()) }
}

/// Makes a new link and sends it; the old one dies (I-4).
///
/// # Errors
/// [`InviteRefusal::NotPending`], [`Failure::NotFound`], or trouble with the database.
pub fn resend(tx: &mut Tx, _: &Can<users::Invite>, base: &Url, id: UserId) -> Result<Recorded<Invited>, Failure> {
    let user = lock_pending(tx, id)?;
    user.may_be_changed_by(tx.actor())?;
    let workspace = store::workspaces::this(tx)?;
    let invited = send_anew(tx, &workspace, base, user)?;
    Ok(tx.record(Event::InviteResent { user: id }).with(invited))
}

/// A new link, by mail.
fn send_anew(tx: &mut Tx, workspace: &Workspace, base: &Url, user: User) -> Result<Invited, Failure> {
    let id = user.id;
    let secret = store::invites::insert_link(tx, id, TimeDelta::days(i64::from(workspace.invite_days)))?;
    let link = link(base, &secret);
    let held = store::roles::list_of_users(tx, &[id])?.remove(&id).unwrap_or_default();
    let names: Vec<String> =
        store::roles::list(tx)?.into_iter().filter(|role| held.contains(&role.id)).map(|role| role.name).collect();
    send(tx, workspace, id, &user.email, &user.name, &names, &link)?;
    Ok(Invited { user: id, email: user.email, name: user.name, link })
}

/// What a changed invite says.
#[derive(Clone, Debug)]
pub struct Edit {
    /// The version that was edited; another one now means that somebody else was quicker.
    pub version: i64,
    /// To which address.
    pub email: String,
    /// Their names.
    pub name: Name,
    /// As what.
    pub roles: Vec<RoleId>,
    /// Into which teams.
    pub teams: Vec<TeamId>,
    /// To which channels.
    pub channels: Vec<ChannelId>,
    /// Whether a new link, if there must be one, is mailed; otherwise it is to be copied.
    pub send: bool,
}

/// What came of a change of an invite.
#[derive(Clone, Debug)]
pub struct Edited {
    /// Their full name.
    pub name: String,
    /// The new link, if the address changed: what was sent to the old one is dead.
    pub renewed: Option<Invited>,
}

/// Changes a pending invite (I-4). Another address makes a new link, because whoever reads mail at the old one must not
/// be able to use what was sent there. Whoever accepts at the same instant comes before or after it, never in between.
///
/// # Errors
/// [`InviteRefusal::NotPending`], a refusal of address or roles, [`Failure::Stale`], [`Failure::NotFound`] for an id
/// that is none here, or trouble with the database.
pub fn edit(
    tx: &mut Tx,
    _: &Can<users::Invite>,
    base: &Url,
    id: UserId,
    edit: &Edit,
) -> Result<Recorded<Edited>, Failure> {
    let owners = store::users::lock_active_owners(tx)?;
    let user = lock_pending(tx, id)?;
    user.may_be_changed_by(tx.actor())?;
    if user.version != edit.version {
        return Err(Failure::Stale);
    }
    let workspace = store::workspaces::this(tx)?;
    let moved = crate::domain::text::key(&user.email) != crate::domain::text::key(&edit.email);
    if moved && let Some(known) = store::users::find_by_email(tx, &edit.email)? {
        return Err(refuse_known(&known, workspace.time_zone).into());
    }
    if moved && let Some(sealed) = store::removal::find_sealed_by_email(tx, &edit.email)? {
        return Err(refuse_sealed(sealed.email, sealed.sealed_at, workspace.time_zone).into());
    }
    // Whoever chooses where the link goes can be the one who accepts it.
    let theirs = store::people::find_standing(tx, id)?;
    if moved && !may_stand_in(tx.actor(), theirs.permissions, theirs.is_owner) {
        return Err(UserRefusal::EmailBeyondYou(user.name.full).into());
    }
    let mut events = super::users::set_identity(tx, &user, &edit.email, &edit.name)?;
    let renamed = !events.is_empty();
    events.extend(super::users::set_roles(tx, &user, owners, &edit.roles)?);
    events.extend(super::users::set_teams(tx, &user, &edit.teams)?);
    events.extend(super::users::set_channels(tx, id, &edit.channels, false)?);
    if !events.is_empty() && !renamed {
        store::users::set_touched(tx, &user)?;
    }
    let name = edit.name.full.clone();
    if !moved {
        return Ok(tx.record_all(events)?.with(Edited { name, renewed: None }));
    }
    let user = store::users::lock(tx, id)?;
    let renewed = if edit.send {
        events.push(Event::InviteResent { user: id });
        send_anew(tx, &workspace, base, user)?
    } else {
        events.push(Event::InviteLinkCopied { user: id });
        let secret = store::invites::insert_link(tx, id, TimeDelta::days(i64::from(workspace.invite_days)))?;
        Invited { user: id, email: user.email, name: user.name, link: link(base, &secret) }
    };
    Ok(tx.record_all(events)?.with(Edited { name, renewed: Some(renewed) }))
}

/// Makes a new link to be copied; the old one dies, because only its hash is kept (I-4).
///
/// # Errors
/// As [`resend`].
pub fn copy_link(tx: &mut Tx, _: &Can<users::Invite>, base: &Url, id: UserId) -> Result<Recorded<Invited>, Failure> {
    let user = lock_pending(tx, id)?;
    user.may_be_changed_by(tx.actor())?;
    // Whoever sees the link can be the one who accepts it.
    let theirs = store::people::find_standing(tx, id)?;
    if !may_stand_in(tx.actor(), theirs.permissions, theirs.is_owner) {
        return Err(UserRefusal::LinkBeyondYou(user.name.full).into());
    }
    let workspace = store::workspaces::this(tx)?;
    let secret = store::invites::insert_link(tx, id, TimeDelta::days(i64::from(workspace.invite_days)))?;
    let invited = Invited { user: id, email: user.email, name: user.name, link: link(base, &secret) };
    Ok(tx.record(Event::InviteLinkCopied { user: id }).with(invited))
}

/// Cancels an invite: the link dies, the address is free, the row is gone; the event stays (I-4).
///
/// # Errors
/// [`InviteRefusal::NotPending`], [`Failure::NotFound`], or trouble with the database.
pub fn cancel(tx: &mut Tx, _: &Can<users::Invite>, id: UserId) -> Result<Recorded<User>, Failure> {
    let user = lock_pending(tx, id)?;
    user.may_be_changed_by(tx.actor())?;
    store::invites::delete(tx, id, true)?;
    if store::removal::find_sealed(tx, id)?.is_some() {
        // Whoever was to come back has a past here, and is a removed user again.
        store::removal::set_removed(tx, &user)?;
        super::removal::cut_off(tx, &user)?;
    } else {
        store::users::delete_invited(tx, id)?;
    }
    Ok(tx.record(Event::InviteCancelled { user: id }).with(user))
}

/// Accepts an invite: the person becomes active with their password. Needs no permission but the link (I-3, I-5).
///
/// # Errors
/// Why the link is dead, or trouble with the database.
pub fn accept(tx: &mut Tx, token: &str, full_name: &str, password_hash: &str) -> Result<Recorded<UserId>, Failure> {
    // The person is locked before their link, as by whoever resends or cancels the invite at the same instant.
    let unknown = || Failure::from(InviteRefusal::Dead(DeadLink::Unknown));
    let id = store::invites::find_link(tx, &hash(token))?.ok_or_else(unknown)?;
    store::users::lock_active_owners(tx)?;
    store::users::lock(tx, id)
        .map_err(|failure| if matches!(failure, Failure::NotFound) { unknown() } else { failure })?;
    store::invites::take_link(tx, &hash(token))?;
    let user = lock_pending(tx, id)?;
    let display = if user.name.display == user.name.full { first_word(full_name) } else { user.name.display.clone() };
    let name = Name { full: full_name.to_owned(), display };
    store::users::set_status(tx, &user, Status::Active, None)?;
    let user = store::users::lock(tx, id)?;
    store::users::set_identity(tx, &user, &user.email, &name, user.beta_access)?;
    store::users::set_password(tx, id, password_hash)?;
    store::invites::delete(tx, id, false)?;
    store::removal::delete_sealed(tx, id)?;
    Ok(tx.record(Event::InviteAccepted { user: id }).with(id))
}

fn first_word(name: &str) -> String {
    name.split_whitespace().next().unwrap_or(name).to_owned()
}

/// How long an expired invite's "ask for a new one" counts as passed on.
const ASKED: TimeDelta = TimeDelta::hours(24);

/// The most people who are told that somebody asks for a new invite.
const TOLD: usize = 10;

/// Whoever invited somebody, if they can invite them once more.
///
/// # Errors
/// Trouble with the database.
pub fn find_inviter(rx: &mut Rx, id: UserId) -> Result<Option<User>, Failure> {
    let inviter = store::invites::find(rx, id)?.and_then(|invite| invite.invited_by);
    Ok(store::users::list_who_may(rx, Key::UsersInvite)?.into_iter().find(|who| Some(who.id) == inviter))
}

/// Tells those who can renew it that somebody opened an expired invite: whoever invited them, and the others who may
/// invite. Asking again within a day tells nobody twice. Says the name of whoever invited them, if they were told now.
/// Needs no permission but the expired link.
///
/// # Errors
/// Trouble with the database.
pub fn ask_for_renewal(tx: &mut Tx, base: &Url, id: UserId) -> Result<Recorded<Option<String>>, Failure> {
    let user = lock_pending(tx, id)?;
    let since = tx.now() - ASKED;
    let asked = |event: &store::audit::Recorded| event.name == "invite.renewal_asked" && event.at > since;
    if store::audit::list_about_user(tx, id, 20)?.iter().any(asked) {
        return tx.unchanged(None);
    }
    let workspace = store::workspaces::this(tx)?;
    let inviter = find_inviter(tx, id)?;
    let mut told = store::users::list_who_may(tx, Key::UsersInvite)?;
    told.sort_by_key(|who| Some(who.id) != inviter.as_ref().map(|inviter| inviter.id));
    told.truncate(TOLD);
    let mut told: Vec<(String, String)> = told.into_iter().map(|who| (who.name.full, who.email)).collect();
    if told.is_empty() {
        told.push((workspace.name.clone(), workspace.support_contact.clone()));
    }
    let link = format!("{base}settings/users/invites");
    let mails = told
        .iter()
        .map(|(name, email)| {
            messages::Renewal { workspace: &workspace, email: &user.email, to: (name, email), link: &link }.mail()
        })
        .collect::<Result<Vec<_>, _>>()?;
    tx.send_mails(mails)?;
    let name = inviter.map(|inviter| inviter.name.full);
    Ok(tx.record(Event::InviteRenewalAsked { user: id }).with(name))
}
