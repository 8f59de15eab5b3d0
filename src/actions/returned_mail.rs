//! Replies that could not be delivered: the report of a mail server is noted with the reply that it is about, and work that had
//! been settled comes back, because the contact never got the answer.

use crate::domain::audit::Event;
use crate::domain::conversations::{Status, StatusChange};
use crate::domain::ids::{ConversationNumber, ReceivedMailId};
use crate::failure::Failure;
use crate::mail::incoming::Report;
use crate::store::messages::Sent;
use crate::store::{self, Tx};

/// The reply that a report is about, if it is one of ours.
///
/// # Errors
/// Trouble with the database.
pub fn find(tx: &mut Tx, report: &Report) -> Result<Option<Sent>, Failure> {
    for id in &report.about {
        if let Some(sent) = store::messages::find_sent(tx, id)? {
            return Ok(Some(sent));
        }
    }
    Ok(None)
}

/// Notes the report with the reply.
///
/// # Errors
/// Trouble with the database.
pub fn note(
    tx: &mut Tx,
    received: ReceivedMailId,
    report: &Report,
    sent: &Sent,
    events: &mut Vec<Event>,
) -> Result<ConversationNumber, Failure> {
    let one = super::conversation_merges::lock_current(tx, sent.conversation)?.ok_or(Failure::NotFound)?;
    store::received_mails::set_message(tx, received, sent.message)?;
    let Some(mail) = sent.mail else { return Ok(one.number) };
    let noted = store::outbox::set_reported(tx, mail, report.failed, &report.reason)?;
    if !noted || !report.failed {
        return Ok(one.number);
    }
    events.push(Event::MessageReturned { conversation: one.id });
    if !matches!(one.status, Status::Open | Status::Archived) {
        let one = &super::conversations::without_gone_holder(tx, &one, Status::Open)?;
        store::conversations::set_status(tx, one, StatusChange::Open.to(), None)?;
        events.push(Event::ConversationStatusChanged {
            conversation: one.id,
            from: one.status,
            to: Status::Open,
            until: None,
        });
    }
    if one.status != Status::Archived {
        let waiting = one.waiting_since.or(Some(tx.now()));
        store::conversations::set_waiting(tx, one.id, waiting)?;
    }
    Ok(one.number)
}
