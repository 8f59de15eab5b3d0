//! `workspace create` and `user reset-password`.

use std::io::IsTerminal as _;

use super::say;
use crate::actions;
use crate::domain::access::{Cause, Scope};
use crate::domain::ids::WorkspaceId;
use crate::domain::passwords;
use crate::domain::users::{Name, parse_email, parse_name};
use crate::domain::workspaces::{Workspace, slug};
use crate::store::{self, Db, anywhere};

pub(super) fn create(db: &Db, name: &str, owner_name: &str, owner_email: &str) -> Result<(), String> {
    let name = parse_name(name, "Enter a name").map_err(|said| format!("--name: {said}."))?;
    let full = parse_name(owner_name, "Enter a name").map_err(|said| format!("--owner-name: {said}."))?;
    let email = parse_email(owner_email).map_err(|said| format!("--owner-email: {said}."))?;
    let hash = read_password(&[&full, &email, &name])?;
    let id: WorkspaceId = db.new_id();
    let scope = Scope::system(id, Some(Cause::Command));
    let owner_name = Name { display: full.split(' ').next().unwrap_or(&full).to_owned(), full };
    let slug = slug(&name);
    db.write_now(&scope, |tx| {
        let owner = actions::workspaces::Owner { email: &email, name: &owner_name, password_hash: &hash };
        actions::workspaces::create(tx, &actions::workspaces::New { name: &name, slug: &slug, time_zone: "UTC", owner })
    })
    .map_err(|failure| failure.to_string())?;
    say(&format!("The workspace {name} is there. Its log-in page is /login/{slug}."));
    Ok(())
}

fn read_password(about: &[&str]) -> Result<String, String> {
    if std::io::stdin().is_terminal() {
        eprintln!("Password:");
    }
    let password = super::read_line()?;
    passwords::check(&password, about).map_err(|said| format!("{said}."))?;
    passwords::hash(&password).map_err(|error| error.to_string())
}

/// The workspace of this name in addresses, or the only one.
pub(super) fn find(db: &Db, slug: Option<&str>) -> Result<Workspace, String> {
    let mut all = db.look_anywhere_now(anywhere::list_workspaces).map_err(|failure| failure.to_string())?;
    match slug {
        Some(slug) => all
            .into_iter()
            .find(|workspace| workspace.slug == slug)
            .ok_or_else(|| format!("There is no workspace {slug}. Check --workspace.")),
        None if all.len() == 1 => all.pop().ok_or_else(String::new),
        None => Err("Say which workspace with --workspace.".to_owned()),
    }
}

pub(super) fn reset_password(db: &Db, email: &str, slug: Option<&str>) -> Result<(), String> {
    let workspace = find(db, slug)?;
    let found = db
        .read_now(workspace.id, |rx| store::users::find_by_email(rx, email))
        .map_err(|failure| failure.to_string())?;
    let user = found.ok_or_else(|| format!("There is no user {email} in {}. Check --email.", workspace.name))?;
    let hash = read_password(&[&user.name.full, email])?;
    let scope = Scope::system(workspace.id, Some(Cause::Command));
    db.write_now(&scope, |tx| {
        store::users::lock(tx, user.id)?;
        actions::sessions::set_password(tx, user.id, None, &hash)
    })
    .map_err(|failure| failure.to_string())?;
    say(&format!("The password is changed, and all sessions of {email} have ended."));
    Ok(())
}
