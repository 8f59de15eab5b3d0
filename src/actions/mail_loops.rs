//! Mail that must not become a conversation: our own that comes back, and what a machine sends without end. It is kept aside
//! with the reason, so that nothing is lost.

use chrono::TimeDelta;

use super::incoming::Way;
use crate::domain::conversations::ChannelKind;
use crate::domain::ids::MailId;
use crate::domain::text::key;
use crate::failure::Failure;
use crate::mail::incoming::Incoming;
use crate::store::{self, Tx};

/// So many mails of one sender within [`SPAN`] are a flood; of a machine, fewer are.
const MANY: i64 = 60;
const MANY_AUTOMATIC: i64 = 10;
const SPAN: TimeDelta = TimeDelta::minutes(5);

/// A mail of this installation came back to it.
pub const OWN_MAIL: &str = "own_mail";
/// It says that it comes from one of our own addresses, and names nobody else to answer.
pub const OWN_ADDRESS: &str = "own_address";
/// Its sender has sent too many in a few minutes.
pub const FLOOD: &str = "flood";
/// It reports on a mail that was not sent from here.
pub const UNKNOWN_REPORT: &str = "unknown_report";

/// Who is to be answered: the sender; or, where a form on a web page writes in our own name, who filled it in.
#[must_use]
pub fn sender_of(mail: &Incoming, own: &[String]) -> (String, Option<String>) {
    let is_own = |address: &str| own.contains(&key(address));
    match &mail.reply_to {
        Some(address) if is_own(&mail.from.address) && !is_own(address) => (address.clone(), mail.from.name.clone()),
        _ => (mail.from.address.clone(), mail.from.name.clone()),
    }
}

/// The addresses of this workspace's mail channels, and those that they send from, as they are compared.
///
/// # Errors
/// Trouble with the database.
pub fn own_addresses(tx: &mut Tx) -> Result<Vec<String>, Failure> {
    let channels = store::channels::list(tx)?;
    let theirs = channels.iter().filter(|one| one.kind == ChannelKind::Email).map(|one| key(&one.address));
    let senders = store::channel_mail::list_senders(tx)?;
    Ok(theirs.chain(senders.iter().map(|address| key(address))).collect())
}

/// Why a mail is kept aside, if it is.
///
/// # Errors
/// Trouble with the database.
pub fn problem(tx: &mut Tx, mail: &Incoming, own: &[String], way: Way) -> Result<Option<&'static str>, Failure> {
    if let Some(id) = mail.message_id.as_deref()
        && is_ours(tx, id)?
    {
        return Ok(Some(OWN_MAIL));
    }
    let (sender, _) = sender_of(mail, own);
    if own.contains(&key(&sender)) {
        return Ok(Some(OWN_ADDRESS));
    }
    if way == Way::Collected {
        return Ok(None);
    }
    let most = if mail.automatic { MANY_AUTOMATIC } else { MANY };
    let since = tx.now() - SPAN;
    let recent = store::messages::count_recent_of(tx, &sender, mail.automatic, since)?;
    Ok((recent >= most).then_some(FLOOD))
}

/// Whether a Message-ID is one that was made here: of a reply, or of what Baton writes to its users.
fn is_ours(tx: &mut Tx, message_id: &str) -> Result<bool, Failure> {
    if store::messages::find_sent(tx, message_id)?.is_some() {
        return Ok(true);
    }
    let id: Option<MailId> = message_id.strip_suffix("@baton").and_then(|id| id.parse().ok());
    id.map_or(Ok(false), |id| store::outbox::exists(tx, id))
}
