//! Attempts to log in: a user's history, and what slows guessing down. Also the links for forgotten passwords.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;

use super::db::{AnyConn, Ax, Rx, Tx};
use super::schema::{knocks, login_attempts, password_links};
use super::types::At;
use crate::domain::ids::{UserId, WorkspaceId};
use crate::domain::logins::{WINDOW, network};
use crate::domain::secrets::Secret;
use crate::failure::Failure;

/// One attempt.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// When.
    pub at: DateTime<Utc>,
    /// From which network address.
    pub address: String,
    /// With which browser, as it calls itself.
    pub device: String,
    /// Whether it succeeded.
    pub succeeded: bool,
}

/// The latest attempts on a user's account, newest first.
///
/// # Errors
/// Trouble with the database.
pub fn list_of_user(rx: &mut Rx, user: UserId, limit: i64) -> Result<Vec<Attempt>, Failure> {
    let rows: Vec<(At, String, String, bool)> = login_attempts::table
        .filter(login_attempts::workspace_id.eq(rx.workspace()))
        .filter(login_attempts::user_id.eq(user))
        .order(login_attempts::at.desc())
        .limit(limit)
        .select((login_attempts::at, login_attempts::address, login_attempts::device, login_attempts::succeeded))
        .load(rx.conn)?;
    Ok(rows
        .into_iter()
        .map(|(at, address, device, succeeded)| Attempt { at: at.0, address, device, succeeded })
        .collect())
}

/// What is noted of an attempt.
pub struct NewAttempt<'a> {
    /// The workspace, if it was known.
    pub workspace: Option<WorkspaceId>,
    /// The user, if there is one of that address.
    pub user: Option<UserId>,
    /// The hash of workspace and address.
    pub account_hash: &'a str,
    /// The network address.
    pub address: &'a str,
    /// The browser, as it calls itself.
    pub device: &'a str,
    /// Whether it succeeded.
    pub succeeded: bool,
}

/// Keeps everybody else from counting under these names until the end of the transaction, so that of many who come at
/// once each counts the others. Whoever needs several names gives all of them, in any order. SQLite's writers take turns
/// anyway.
///
/// # Errors
/// Trouble with the database.
pub fn lock_names(ax: &mut Ax, names: &[&str]) -> Result<(), Failure> {
    match ax.conn {
        AnyConn::Sqlite(_) => Ok(()),
        AnyConn::Pg(conn) => {
            // In the order of the numbers that are locked: two names may share one.
            diesel::sql_query(
                "SELECT pg_advisory_xact_lock(4215012, n) FROM \
                 (SELECT DISTINCT hashtext(name) AS n FROM unnest($1) AS name ORDER BY n) AS numbers",
            )
            .bind::<diesel::sql_types::Array<diesel::sql_types::Text>, _>(names)
            .execute(conn)?;
            Ok(())
        }
    }
}

/// Notes an attempt, and says which one it is.
///
/// # Errors
/// Trouble with the database.
pub fn insert(ax: &mut Ax, new: &NewAttempt) -> Result<i64, Failure> {
    let now = At(ax.now());
    Ok(diesel::insert_into(login_attempts::table)
        .values((
            login_attempts::workspace_id.eq(new.workspace),
            login_attempts::user_id.eq(new.user),
            login_attempts::account_hash.eq(new.account_hash),
            login_attempts::address.eq(new.address),
            login_attempts::network.eq(network(new.address)),
            login_attempts::device.eq(new.device),
            login_attempts::succeeded.eq(new.succeeded),
            login_attempts::at.eq(now),
        ))
        .returning(login_attempts::id)
        .get_result(ax.conn)?)
}

/// Notes that an attempt succeeded after all: it was counted as a failure before the password was looked at.
///
/// # Errors
/// Trouble with the database.
pub fn set_succeeded(tx: &mut Tx, attempt: i64) -> Result<(), Failure> {
    let workspace = tx.workspace();
    diesel::update(
        login_attempts::table.filter(login_attempts::workspace_id.eq(workspace)).filter(login_attempts::id.eq(attempt)),
    )
    .set(login_attempts::succeeded.eq(true))
    .execute(tx.write())?;
    Ok(())
}

/// Forgives the failures on a user's account: they stay in its history, and slow nobody down any more.
///
/// # Errors
/// Trouble with the database.
pub fn set_forgiven(tx: &mut Tx, user: UserId) -> Result<(), Failure> {
    let (workspace, since) = (tx.workspace(), At(tx.now() - WINDOW));
    diesel::update(
        login_attempts::table
            .filter(login_attempts::workspace_id.eq(workspace))
            .filter(login_attempts::user_id.eq(user))
            .filter(login_attempts::succeeded.eq(false))
            .filter(login_attempts::at.gt(since)),
    )
    .set(login_attempts::forgiven.eq(true))
    .execute(tx.write())?;
    Ok(())
}

/// The instants at which something was counted under a name within [`WINDOW`], oldest first.
///
/// # Errors
/// Trouble with the database.
pub fn list_knocks(ax: &mut Ax, key_hash: &str) -> Result<Vec<DateTime<Utc>>, Failure> {
    let since = At(ax.now() - WINDOW);
    let found: Vec<At> = knocks::table
        .filter(knocks::key_hash.eq(key_hash))
        .filter(knocks::at.gt(since))
        .order(knocks::at)
        .select(knocks::at)
        .load(ax.conn)?;
    Ok(found.into_iter().map(DateTime::from).collect())
}

/// Counts one under each of these names.
///
/// # Errors
/// Trouble with the database.
pub fn insert_knocks(ax: &mut Ax, key_hashes: &[&str]) -> Result<(), Failure> {
    let now = At(ax.now());
    for key_hash in key_hashes {
        diesel::insert_into(knocks::table)
            .values((knocks::key_hash.eq(key_hash), knocks::at.eq(now)))
            .execute(ax.conn)?;
    }
    Ok(())
}

/// Forgets what was counted under a name.
///
/// # Errors
/// Trouble with the database.
pub fn delete_knocks(ax: &mut Ax, key_hash: &str) -> Result<(), Failure> {
    diesel::delete(knocks::table.filter(knocks::key_hash.eq(key_hash))).execute(ax.conn)?;
    Ok(())
}

/// Forgets what counts no more; says how much.
///
/// # Errors
/// Trouble with the database.
pub fn delete_old_knocks(ax: &mut Ax) -> Result<usize, Failure> {
    let until = At(ax.now() - WINDOW);
    Ok(diesel::delete(knocks::table.filter(knocks::at.le(until))).execute(ax.conn)?)
}

/// The instants of recent failures, oldest first: of an account since its last success or new password, and from the
/// network of an address.
///
/// # Errors
/// Trouble with the database.
pub fn list_failures(
    ax: &mut Ax,
    account_hash: &str,
    address: &str,
) -> Result<(Vec<DateTime<Utc>>, Vec<DateTime<Utc>>), Failure> {
    let since = At(ax.now() - WINDOW);
    let of_account: Vec<(At, bool)> = login_attempts::table
        .filter(login_attempts::account_hash.eq(account_hash))
        .filter(login_attempts::at.gt(since))
        .filter(login_attempts::forgiven.eq(false))
        .order((login_attempts::at, login_attempts::id))
        .select((login_attempts::at, login_attempts::succeeded))
        .load(ax.conn)?;
    let after_success = of_account.iter().rposition(|(_, succeeded)| *succeeded).map_or(0, |last| last + 1);
    let of_account = of_account.into_iter().skip(after_success).map(|(at, _)| at.0).collect();
    let from_address: Vec<At> = login_attempts::table
        .filter(login_attempts::network.eq(network(address)))
        .filter(login_attempts::at.gt(since))
        .filter(login_attempts::succeeded.eq(false))
        .order(login_attempts::at)
        .select(login_attempts::at)
        .load(ax.conn)?;
    Ok((of_account, from_address.into_iter().map(DateTime::from).collect()))
}

/// Makes a link for a forgotten password.
///
/// # Errors
/// Trouble with the database.
pub fn insert_password_link(tx: &mut Tx, user: UserId, valid: TimeDelta) -> Result<Secret, Failure> {
    let (secret, workspace, now) = (tx.new_secret(), tx.workspace(), tx.now());
    diesel::insert_into(password_links::table)
        .values((
            password_links::token_hash.eq(secret.hash()),
            password_links::workspace_id.eq(workspace),
            password_links::user_id.eq(user),
            password_links::created_at.eq(At(now)),
            password_links::expires_at.eq(At(now + valid)),
        ))
        .execute(tx.write())?;
    Ok(secret)
}

/// Kills all links for the forgotten password of a user; says how many.
///
/// # Errors
/// Trouble with the database.
pub fn delete_password_links_of(tx: &mut Tx, user: UserId) -> Result<usize, Failure> {
    let workspace = tx.workspace();
    Ok(diesel::delete(
        password_links::table
            .filter(password_links::workspace_id.eq(workspace))
            .filter(password_links::user_id.eq(user)),
    )
    .execute(tx.write())?)
}

/// Uses up a link: whoever deletes its row has it. Says whether it was there and in time.
///
/// # Errors
/// Trouble with the database.
pub fn take_password_link(tx: &mut Tx, token_hash: &str, user: UserId) -> Result<bool, Failure> {
    let (workspace, now) = (tx.workspace(), At(tx.now()));
    let taken = diesel::delete(
        password_links::table
            .filter(password_links::workspace_id.eq(workspace))
            .filter(password_links::user_id.eq(user))
            .filter(password_links::token_hash.eq(token_hash))
            .filter(password_links::expires_at.gt(now)),
    )
    .execute(tx.write())?;
    Ok(taken == 1)
}
