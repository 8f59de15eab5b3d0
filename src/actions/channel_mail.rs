//! How a mail channel sends, fetches and signs (K-1, K-3).

use crate::domain::access::{Can, channels};
use crate::domain::audit::Event;
use crate::domain::channels::ChannelRefusal;
use crate::domain::conversations::ChannelKind;
use crate::domain::ids::ChannelId;
use crate::domain::mail_servers::{ChannelMail, Server};
use crate::failure::Failure;
use crate::store::channel_mail::Start;
use crate::store::{self, Recorded, Tx};

/// What becomes of a stored password.
#[derive(Clone, PartialEq, Eq)]
pub enum Password {
    /// It stays.
    Keep,
    /// There is none any more.
    Clear,
    /// It is this one, sealed.
    Sealed(String),
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Keep => "Keep",
            Self::Clear => "Clear",
            Self::Sealed(_) => "Sealed(…)",
        })
    }
}

/// What is edited.
#[derive(Clone, Debug)]
pub struct Edit {
    /// The version that was read.
    pub version: i64,
    /// How it sends, fetches and signs.
    pub mail: ChannelMail,
    /// The password for sending.
    pub smtp_password: Password,
    /// The password for fetching.
    pub imap_password: Password,
    /// Whether what is in the mailbox already is taken in too.
    pub from_beginning: bool,
}

/// Changes how a channel sends, fetches and signs. A stored password goes to no other server than the one that it was typed for.
///
/// # Errors
/// A [`ChannelRefusal`], [`Failure::Stale`], [`Failure::NotFound`], or trouble with the database.
pub fn update(tx: &mut Tx, _: &Can<channels::Manage>, id: ChannelId, edit: &Edit) -> Result<Recorded<()>, Failure> {
    let channel = store::channels::lock(tx, id)?;
    if channel.kind != ChannelKind::Email {
        return Err(Failure::NotFound);
    }
    let before = store::channel_mail::lock(tx, id)?;
    if before.version != edit.version {
        return Err(Failure::Stale);
    }
    let password = |kept: &Option<String>, change: &Password, was: Option<&Server>, is: Option<&Server>| match change {
        _ if is.is_none() => Ok(None),
        Password::Sealed(sealed) => Ok(Some(sealed.clone())),
        Password::Clear => Ok(None),
        Password::Keep if kept.is_some() && was != is => Err(()),
        Password::Keep => Ok(kept.clone()),
    };
    let (smtp, imap) = (edit.mail.smtp.as_ref(), edit.mail.imap.as_ref());
    let smtp_password = password(&before.smtp_password, &edit.smtp_password, before.mail.smtp.as_ref(), smtp)
        .map_err(|()| ChannelRefusal::SmtpPasswordNeeded)?;
    let imap_password = password(&before.imap_password, &edit.imap_password, before.mail.imap.as_ref(), imap)
        .map_err(|()| ChannelRefusal::ImapPasswordNeeded)?;
    let mailbox = |mail: &ChannelMail| {
        mail.imap.as_ref().map(|one| (one.host.to_lowercase(), one.user.clone(), mail.imap_folder.clone()))
    };
    let moved = mailbox(&before.mail) != mailbox(&edit.mail);
    let start = match (moved && imap.is_some(), edit.from_beginning) {
        (_, true) => Start::Beginning,
        (true, false) => Start::Now,
        (false, false) => Start::Unchanged,
    };
    let changes = [
        (
            "sender",
            (&before.mail.from_name, &before.mail.from_address) != (&edit.mail.from_name, &edit.mail.from_address),
        ),
        ("signature", before.mail.signature != edit.mail.signature),
        ("quoted_original", before.mail.quotes != edit.mail.quotes),
        ("answer_address", before.mail.reply_by_address != edit.mail.reply_by_address),
        ("smtp", (&before.mail.smtp, &before.smtp_password) != (&edit.mail.smtp, &smtp_password)),
        (
            "imap",
            moved
                || (&before.mail.imap, &before.imap_password) != (&edit.mail.imap, &imap_password)
                || edit.from_beginning,
        ),
    ];
    let fields: Vec<&'static str> = changes.iter().filter(|(_, changed)| *changed).map(|(field, _)| *field).collect();
    let wanted = store::channel_mail::Settings { mail: edit.mail.clone(), smtp_password, imap_password, ..before };
    store::channel_mail::set(tx, id, &wanted, start)?;
    if fields.contains(&"smtp") {
        store::outbox::set_due_of_channel(tx, id)?;
    }
    if fields.is_empty() {
        return Ok(tx.unrecorded((), "everything was as it was to be"));
    }
    Ok(tx.record(Event::ChannelUpdated { channel: id, fields }))
}
