//! Logging in and out, and forgotten passwords (S-1 … S-6). These are the doors to a workspace, so none of them needs a
//! permission: the password, the link or the session itself decides.

use url::Url;

use crate::domain::audit::Event;
use crate::domain::ids::{SessionId, UserId};
use crate::domain::logins::{LoginRefusal, RESET};
use crate::domain::secrets::{Secret, hash};
use crate::domain::users::Status;
use crate::failure::Failure;
use crate::mail::messages;
use crate::store::{self, Recorded, Tx};

/// Notes that somebody with the right password is let in, if they still may.
///
/// # Errors
/// [`LoginRefusal::Deactivated`], or trouble with the database.
pub fn log_in(tx: &mut Tx, id: UserId) -> Result<Recorded<UserId>, Failure> {
    let user = store::users::lock(tx, id)?;
    match user.status {
        Status::Active => {}
        Status::Inactive => {
            let contact = store::workspaces::this(tx)?.support_contact;
            return Err(LoginRefusal::Deactivated(contact).into());
        }
        Status::Invited | Status::Removed | Status::Deleted => return Err(LoginRefusal::NoMatch.into()),
    }
    store::users::set_seen(tx, id)?;
    Ok(tx.record(Event::UserLoggedIn { user: id }).with(id))
}

/// Where somebody comes in, as their list of sessions shows it.
#[derive(Clone, Debug, Default)]
pub struct Door {
    /// The network address.
    pub address: String,
    /// The browser, as it calls itself.
    pub device: String,
}

/// A session that was opened.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Whose.
    pub user: UserId,
    /// Which.
    pub session: SessionId,
    /// What goes into the cookie, and is kept nowhere else.
    pub key: Secret,
}

/// Opens a session for somebody who is locked and let in. It is written with what lets them in: whatever ends sessions
/// comes before that, and keeps them out, or after it, and ends this one too.
///
/// # Errors
/// Trouble with the database.
pub fn open(tx: &mut Tx, user: UserId, door: &Door) -> Result<Opened, Failure> {
    let key = tx.new_secret();
    let session = store::sessions::insert(tx, user, &key.hash(), (&door.address, &door.device))?;
    Ok(Opened { user, session, key })
}

/// The same at the end of an attempt that was counted as a failure when it began. `compared` is the hash that the password
/// was held against, which takes a while: who was given another one meanwhile is not let in with the old one.
///
/// # Errors
/// As [`log_in`]; [`LoginRefusal::NoMatch`] too.
pub fn finish_login(
    tx: &mut Tx,
    id: UserId,
    attempt: i64,
    compared: Option<&str>,
    door: &Door,
) -> Result<Recorded<Opened>, Failure> {
    let done = log_in(tx, id)?;
    if store::users::find_password(tx, id)?.as_deref() != compared {
        return Err(LoginRefusal::NoMatch.into());
    }
    store::logins::set_succeeded(tx, attempt)?;
    Ok(done.with(open(tx, id, door)?))
}

/// Ends one's own session.
///
/// # Errors
/// Trouble with the database.
pub fn log_out(tx: &mut Tx, user: UserId, session: SessionId) -> Result<Recorded<()>, Failure> {
    store::sessions::delete(tx, user, session)?;
    Ok(tx.record(Event::UserLoggedOut { user }))
}

/// Sends a link for a forgotten password, if there is an active user of that address. The answer is the same either
/// way (S-5).
///
/// # Errors
/// Trouble with the database.
pub fn ask_for_reset(tx: &mut Tx, base: &Url, email: &str) -> Result<Recorded<()>, Failure> {
    let Some(user) = store::users::find_by_email(tx, email)?.filter(|user| user.status == Status::Active) else {
        return tx.unchanged(());
    };
    let workspace = store::workspaces::this(tx)?;
    let secret = store::logins::insert_password_link(tx, user.id, RESET)?;
    let link = format!("{base}password/reset/{}", secret.reveal());
    let mail = messages::Password { workspace: &workspace, name: &user.name.display, email: &user.email, link: &link };
    tx.send_mail(mail.mail()?)?;
    Ok(tx.record(Event::PasswordResetAsked { user: user.id }))
}

/// Sets a new password by a link, which is used up; all sessions and all other links die.
///
/// # Errors
/// [`LoginRefusal::DeadResetLink`], or trouble with the database.
pub fn reset_password(tx: &mut Tx, token: &str, id: UserId, password_hash: &str) -> Result<Recorded<()>, Failure> {
    let user = store::users::lock(tx, id)?;
    let fits = store::logins::take_password_link(tx, &hash(token), id)?;
    if !fits || user.status != Status::Active {
        return Err(LoginRefusal::DeadResetLink.into());
    }
    set_password(tx, id, None, password_hash)
}

/// Sets a password by command or by the person themselves; all sessions but theirs, and all links, die.
///
/// # Errors
/// Trouble with the database.
pub fn set_password(
    tx: &mut Tx,
    id: UserId,
    keep: Option<SessionId>,
    password_hash: &str,
) -> Result<Recorded<()>, Failure> {
    store::users::set_password(tx, id, password_hash)?;
    let sessions_ended = store::sessions::delete_all_of(tx, id, keep)?;
    store::logins::delete_password_links_of(tx, id)?;
    // Who guessed at the old one is no reason to keep out whoever has the new one.
    store::logins::set_forgiven(tx, id)?;
    Ok(tx.record(Event::PasswordChanged { user: id, sessions_ended }))
}

/// Sets somebody's own password, where they are logged in: that session goes on under another key, all others end (S-2).
///
/// # Errors
/// [`Failure::NotFound`] if the session ended meanwhile, or trouble with the database.
pub fn change_own_password(
    tx: &mut Tx,
    user: UserId,
    session: SessionId,
    password_hash: &str,
) -> Result<Recorded<Secret>, Failure> {
    let key = tx.new_secret();
    store::sessions::set_key(tx, user, session, &key.hash())?;
    Ok(set_password(tx, user, Some(session), password_hash)?.map(|()| key))
}

/// Ends one of one's own sessions, or all others (S-4).
///
/// # Errors
/// [`Failure::NotFound`] for a session that is none of theirs, or trouble with the database.
pub fn end_own(
    tx: &mut Tx,
    user: UserId,
    current: SessionId,
    session: Option<SessionId>,
) -> Result<Recorded<usize>, Failure> {
    let count = match session {
        Some(session) if store::sessions::delete(tx, user, session)? => 1,
        Some(_) => return Err(Failure::NotFound),
        None => store::sessions::delete_all_of(tx, user, Some(current))?,
    };
    Ok(tx.record(Event::SessionsEnded { user, session, count }).with(count))
}
