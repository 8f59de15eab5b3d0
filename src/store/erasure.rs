//! What is erased of a person in texts: in the mails that Baton wrote, and in notices that nobody has seen yet (U-11).

use diesel::prelude::*;

use super::db::Tx;
use super::outbox::{REPLY, State};
use super::schema::{messages, outbox, sessions};
use super::types::At;
use crate::domain::ids::{MailId, SessionId, UserId};
use crate::domain::text::{key, like_pattern};
use crate::domain::traces::Traces;
use crate::failure::Failure;

/// So many mails are held at once.
const PART: i64 = 100;

type MailRow =
    (MailId, (String, Option<UserId>), String, String, String, String, String, String, String, Option<String>);

/// Erases a person from the mails that Baton wrote: those to them, whatever their address was then, lose address and text,
/// and are never sent; those about them, and those that they sent as replies, lose their name only.
///
/// # Errors
/// Trouble with the database.
pub fn erase_from_mails(tx: &mut Tx, user: UserId, traces: &Traces) -> Result<(), Failure> {
    erase_from_replies(tx, user, traces)?;
    let mut after = None;
    loop {
        let part = list_naming(tx, user, traces, after)?;
        let Some(last) = part.last() else { return Ok(()) };
        after = Some(last.0);
        for mail in part {
            erase_from_mail(tx, user, traces, mail)?;
        }
    }
}

/// Whoever wrote a reply is its sender, under the name that they had then.
fn erase_from_replies(tx: &mut Tx, user: UserId, traces: &Traces) -> Result<(), Failure> {
    let (workspace, now) = (tx.workspace(), At(tx.now()));
    let theirs = messages::table
        .filter(messages::workspace_id.eq(workspace))
        .filter(messages::author_id.eq(user))
        .filter(messages::outbox_id.is_not_null())
        .select(messages::outbox_id.assume_not_null());
    diesel::update(outbox::table.filter(outbox::workspace_id.eq(workspace)).filter(outbox::id.eq_any(theirs)))
        .set((outbox::from_name.eq(traces.neutral()), outbox::erased_at.eq(now)))
        .execute(tx.write())?;
    Ok(())
}

/// The next mails that went to them or name them.
fn list_naming(tx: &mut Tx, user: UserId, traces: &Traces, after: Option<MailId>) -> Result<Vec<MailRow>, Failure> {
    let full = like_pattern(traces.full());
    // Nothing is found by an address that is somebody else's by now.
    let email = if traces.email().is_empty() { "-".to_owned() } else { like_pattern(&key(traces.email())) };
    let names = outbox::to_user_id
        .is_not_null()
        .and(outbox::to_user_id.assume_not_null().eq(user))
        .or(lower(outbox::to_address).like(email.clone()).escape('\\'))
        .or(outbox::from_name.like(full.clone()).escape('\\'))
        .or(outbox::problem
            .is_not_null()
            .and(lower(outbox::problem.assume_not_null()).like(email.clone()).escape('\\')))
        .or(outbox::kind.ne(REPLY).and(
            outbox::subject
                .like(full.clone())
                .escape('\\')
                .or(outbox::text_body.like(full.clone()).escape('\\'))
                .or(outbox::html_body.like(full).escape('\\'))
                .or(lower(outbox::subject).like(email.clone()).escape('\\'))
                .or(lower(outbox::text_body).like(email.clone()).escape('\\'))
                .or(lower(outbox::html_body).like(email).escape('\\')),
        ));
    Ok(outbox::table
        .filter(outbox::workspace_id.eq(tx.workspace()))
        .filter(outbox::id.gt(after.unwrap_or(MailId::NIL)))
        .filter(names)
        .order(outbox::id)
        .limit(PART)
        .select((
            outbox::id,
            (outbox::kind, outbox::to_user_id),
            outbox::to_name,
            outbox::to_address,
            outbox::from_name,
            outbox::subject,
            outbox::text_body,
            outbox::html_body,
            outbox::state,
            outbox::problem,
        ))
        .load(tx.conn)?)
}

fn erase_from_mail(tx: &mut Tx, user: UserId, traces: &Traces, mail: MailRow) -> Result<(), Failure> {
    let (id, (kind, to_user), to_name, to_address, from_name, subject, text, html, state, problem) = mail;
    let (workspace, now) = (tx.workspace(), At(tx.now()));
    let mine = outbox::table.filter(outbox::workspace_id.eq(workspace)).filter(outbox::id.eq(id));
    let theirs = !traces.email().is_empty() && key(&to_address) == key(traces.email());
    if to_user == Some(user) || theirs {
        let waits = state == State::Queued.as_str();
        let state = if waits { State::Failed.as_str().to_owned() } else { state };
        diesel::update(mine)
            .set((
                outbox::to_name.eq(traces.neutral()),
                outbox::to_address.eq(""),
                outbox::subject.eq(traces.erased_from(&subject)),
                outbox::text_body.eq(""),
                outbox::html_body.eq(""),
                outbox::state.eq(state),
                outbox::problem.eq(waits.then_some("The account was deleted before this was sent.")),
                outbox::erased_at.eq(now),
            ))
            .execute(tx.write())?;
        return Ok(());
    }
    // What somebody typed in a reply is theirs and the contact's; the rest was written by Baton.
    let typed = kind == REPLY;
    let write = |text: &str| if typed { text.to_owned() } else { traces.erased_from(text) };
    diesel::update(mine)
        .set((
            outbox::to_name.eq(write(&to_name)),
            outbox::from_name.eq(traces.erased_from(&from_name)),
            outbox::subject.eq(write(&subject)),
            outbox::text_body.eq(write(&text)),
            outbox::html_body.eq(write(&html)),
            outbox::problem.eq(problem.map(|problem| traces.erased_from(&problem))),
            outbox::erased_at.eq(now),
        ))
        .execute(tx.write())?;
    Ok(())
}

diesel::define_sql_function! {
    /// Lower case as far as the database knows it: addresses are ASCII.
    fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

/// Takes notices that name a person out of other people's sessions.
///
/// # Errors
/// Trouble with the database.
pub fn erase_from_notices(tx: &mut Tx, traces: &Traces) -> Result<(), Failure> {
    let workspace = tx.workspace();
    let rows: Vec<(SessionId, String)> = sessions::table
        .filter(sessions::workspace_id.eq(workspace))
        .filter(sessions::state.like("%\"notice\"%"))
        .select((sessions::id, sessions::state))
        .load(tx.conn)?;
    for (id, state) in rows {
        let Ok(mut kept) = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&state) else { continue };
        let named = kept.get("notice").and_then(serde_json::Value::as_str).is_some_and(|text| traces.are_in(text));
        if named {
            kept.remove("notice");
            let state = serde_json::Value::Object(kept).to_string();
            diesel::update(sessions::table.filter(sessions::workspace_id.eq(workspace)).filter(sessions::id.eq(id)))
                .set(sessions::state.eq(state))
                .execute(tx.write())?;
        }
    }
    Ok(())
}
