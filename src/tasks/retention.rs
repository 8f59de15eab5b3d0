//! Former users whose time is over (E-3): announced to the Owners a week ahead, then deleted. What is to be done is found
//! in the rows, so that a second run, or a second instance, finds it done.

use url::Url;

use crate::actions;
use crate::domain::access::{Can, Cause, Scope};
use crate::domain::ids::WorkspaceId;
use crate::failure::Failure;
use crate::store::db::blocking;
use crate::store::{self, Db};
use crate::tasks::each::each;

/// Looks through all workspaces; says how many users were deleted.
///
/// # Errors
/// Trouble with the database.
pub async fn run(db: &Db, base: &Url) -> Result<usize, Failure> {
    let (db, base) = (db.clone(), base.clone());
    blocking(move || run_now(&db, &base)).await
}

/// [`run`] on a thread that may block.
///
/// # Errors
/// As there.
pub fn run_now(db: &Db, base: &Url) -> Result<usize, Failure> {
    let mut deleted = 0;
    for workspace in db.look_anywhere_now(store::retention::list_workspaces)? {
        deleted += each(workspace, &"retention", || run_in(db, base, workspace))?.unwrap_or(0);
    }
    if deleted > 0 {
        db.scrub_now()?;
    }
    Ok(deleted)
}

fn run_in(db: &Db, base: &Url, workspace: WorkspaceId) -> Result<usize, Failure> {
    let scope = Scope::system(workspace, Some(Cause::Retention));
    let can = Can::for_system(workspace, Cause::Retention);
    let mut deleted = 0;
    for user in db.read_now(workspace, store::retention::list_former)? {
        // Each in a unit of work of its own, which looks again under a lock.
        let gone = each(workspace, &user, || {
            db.write_now(&scope, |tx| actions::removal::delete_after_retention(tx, &can, user))
        })?;
        deleted += usize::from(gone == Some(true));
    }
    each(workspace, &"announcement of deletions", || {
        db.write_now(&scope, |tx| actions::removal::announce_deletions(tx, &can, base))
    })?;
    Ok(deleted)
}
