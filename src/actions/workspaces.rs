//! Making workspaces, and their settings (W-1, W-2, W-4).

use crate::domain::absences::moved;
use crate::domain::access::{Can, administration};
use crate::domain::audit::Event;
use crate::domain::ids::{TeamId, UserId};
use crate::domain::roles::Standard;
use crate::domain::users::{Name, Status};
use crate::domain::workspaces::{Settings, Workspace};
use crate::failure::Failure;
use crate::store::{self, Recorded, Tx};

/// The first person of a workspace.
pub struct Owner<'a> {
    /// Their address.
    pub email: &'a str,
    /// Their names.
    pub name: &'a Name,
    /// The hash of their password.
    pub password_hash: &'a str,
}

/// What a workspace starts with.
pub struct New<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its name in addresses.
    pub slug: &'a str,
    /// Its time zone (IANA).
    pub time_zone: &'a str,
    /// Its first person.
    pub owner: Owner<'a>,
}

/// Makes a workspace with the standard roles and its Owner. Needs no permission: whoever holds the set-up link, or may
/// run commands on the machine, decides.
///
/// # Errors
/// If the name in addresses is taken, or trouble with the database.
pub fn create(tx: &mut Tx, new: &New) -> Result<Recorded<UserId>, Failure> {
    store::workspaces::insert(tx, new.slug, new.name, new.time_zone, new.owner.email)?;
    let roles = store::roles::insert_standard(tx)?;
    let owner_role = roles.iter().find(|(standard, _)| *standard == Standard::Owner).map(|(_, id)| *id);
    let owner_role = owner_role.ok_or(Failure::Bug("no Owner role"))?;
    let owner = store::users::insert(
        tx,
        &store::users::New {
            email: new.owner.email,
            name: new.owner.name,
            status: Status::Active,
            password_hash: Some(new.owner.password_hash),
        },
    )?;
    store::roles::insert_of_user(tx, owner, &[owner_role])?;
    let none: Option<TeamId> = None;
    let channel = store::channels::insert(
        tx,
        crate::domain::conversations::ChannelKind::Email,
        "Email",
        &format!("support@{}.localhost", new.slug),
        none,
    )?;
    store::channels::insert_member(tx, channel, owner)?;
    let _ = tx.record(Event::WorkspaceCreated);
    let _ = tx.record(Event::ChannelCreated { channel });
    Ok(tx.record(Event::UserCreated { user: owner, roles: vec![owner_role] }).with(owner))
}

/// Changes the settings (W-4). `version` is the one that was edited. Says what they were.
///
/// # Errors
/// [`Failure::Stale`] if somebody else was quicker, a [`crate::domain::workspaces::WorkspaceRefusal`], or trouble with the
/// database.
pub fn update(
    tx: &mut Tx,
    _: &Can<administration::Settings>,
    version: i64,
    settings: &Settings,
) -> Result<Recorded<Workspace>, Failure> {
    let workspace = store::workspaces::lock(tx)?;
    if workspace.version != version {
        return Err(Failure::Stale);
    }
    settings.may_be_set_by(tx.actor(), &workspace.settings())?;
    let fields = settings.changes(&workspace.settings());
    if fields.is_empty() {
        return tx.unchanged(workspace);
    }
    store::workspaces::set_settings(tx, settings)?;
    if fields.iter().any(|field| field.starts_with("retention")) {
        store::retention::clear_announced(tx)?;
    }
    if workspace.time_zone != settings.time_zone {
        // What was set for Monday is for Monday in the new zone, too.
        let there = |at: Option<_>| at.map(|at| moved(at, workspace.time_zone, settings.time_zone));
        for (user, starts_at, returns_at) in store::absences::lock_dates(tx)? {
            store::absences::set_dates(tx, user, there(starts_at), there(returns_at))?;
        }
    }
    Ok(tx.record(Event::WorkspaceUpdated { fields }).with(workspace))
}
