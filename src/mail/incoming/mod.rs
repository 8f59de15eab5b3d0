//! Mail from customers, read into what Baton stores and shows. Pure: bytes in, `Incoming` or a reason out; no database, no clock.
//! It does not send mail, fetch it, or decide which conversation it belongs to.
//!
//! The MIME tree is walked here and not by `mail-parser`: that crate searches the rest of the message again for every part whose
//! boundary is missing and nests forwarded messages without end, so one crafted message could keep a core busy for hours or
//! overflow the stack. Its parsers for single header fields, its character sets and entities are used.

mod attachments;
mod decode;
mod fields;
mod fold;
mod html;
mod parts;
mod plain;
mod quoted;
mod report;
mod text;
mod tokens;

use std::panic;

use chrono::{DateTime, Utc};
use thiserror::Error;

pub use attachments::Attachment;
pub use fields::Sender;
pub use fold::split_quoted_html;
pub use quoted::split_quoted;
pub use report::Report;
pub use text::preview;

use crate::domain::secrets::file_hash;
use fields::Fields;

/// The largest message that is read, in bytes as it came over the wire.
pub const MAX_MESSAGE_BYTES: usize = 25 * 1024 * 1024;
/// The longest subject kept, in characters; the rest is cut with "…".
pub const MAX_SUBJECT_CHARS: usize = 500;
/// The longest text kept, in characters; the rest is cut with a sentence that says so. The markup of `html` has the same bound in
/// bytes, before sanitising adds its own attributes to links.
pub const MAX_TEXT_CHARS: usize = 1_000_000;
/// Attachments kept of one message; the text says how many more there were.
pub const MAX_ATTACHMENTS: usize = 200;

/// A customer's message as far as Baton understands it. No string in it holds a NUL or another control character but tab and line
/// feed, so that both databases can store it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// Who wrote it.
    pub from: Sender,
    /// Where the sender wants answers, if that is not `from`. Lower-case.
    pub reply_to: Option<String>,
    /// Addresses of To, Cc, Delivered-To and X-Original-To, lower-case, each once.
    pub recipients: Vec<String>,
    /// One line, may be empty.
    pub subject: String,
    /// Without angle brackets.
    pub message_id: Option<String>,
    /// What the message answers, oldest first, without angle brackets, each once; only the latest are kept.
    pub references: Vec<String>,
    /// What the sender's clock said. May lie in the future or be wildly wrong.
    pub sent_at: Option<DateTime<Utc>>,
    /// Plain text, made from the HTML if the message has no text of its own. May be empty, if there are only attachments.
    pub text: String,
    /// Sanitised: safe to put into a page unescaped, loads nothing from anywhere.
    pub html: Option<String>,
    /// The files that came with it.
    pub attachments: Vec<Attachment>,
    /// Nobody wrote this by hand: out-of-office notes, bounces. Must not be answered automatically.
    pub automatic: bool,
    /// What a mail server tells of a mail that it could not deliver, if the message is that.
    pub report: Option<Report>,
    /// By what the mail is told when it comes again by another way, with other lines of transport in its header: its Message-ID,
    /// who wrote it, and what it says. `None` without a Message-ID.
    pub content_key: Option<String>,
}

/// HTML from elsewhere than a mail, by the same rules. `room`: bytes that its markup may have.
#[must_use]
pub fn clean_html(html: &str, room: usize) -> String {
    html::sanitised(html, room, &|_| None)
}

/// Why a message cannot be shown and goes to quarantine. `Display` is a sentence for the administrator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unreadable {
    #[error("The message is empty.")]
    /// Nothing at all.
    Empty,
    #[error("The message has no header lines, so it is not an e-mail.")]
    /// No header to tell what it is.
    NoHeaders,
    #[error("The message names no sender whom one could answer.")]
    /// Nobody to answer to.
    NoSender,
    #[error("The message has {bytes} bytes; at most {limit} are read.")]
    /// More bytes than are taken.
    TooLarge {
        /// How many it has.
        bytes: usize,
        /// How many are taken.
        limit: usize,
    },
    #[error("The message is malformed in a way that stopped the mail reader.")]
    /// Reading it failed by a mistake of ours.
    Defective,
}

impl Unreadable {
    /// A stable word for storage and search.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NoHeaders => "no_headers",
            Self::NoSender => "no_sender",
            Self::TooLarge { .. } => "too_large",
            Self::Defective => "defective",
        }
    }
}

/// Reads one message as it came over the wire. Generous: whatever can be shown is shown.
///
/// # Errors
/// `Unreadable` if there is no sender to answer, or nothing that could be read as mail. Never panics.
pub fn read(raw: &[u8]) -> Result<Incoming, Unreadable> {
    if raw.len() > MAX_MESSAGE_BYTES {
        return Err(Unreadable::TooLarge { bytes: raw.len(), limit: MAX_MESSAGE_BYTES });
    }
    if raw.iter().all(u8::is_ascii_whitespace) {
        return Err(Unreadable::Empty);
    }
    // No input is known that panics, but the crates below index and unwrap, and the bytes are a stranger's: such a message belongs
    // in quarantine, it must not stop the queue behind it.
    panic::catch_unwind(|| understand(raw)).unwrap_or(Err(Unreadable::Defective))
}

fn understand(raw: &[u8]) -> Result<Incoming, Unreadable> {
    let raw = decode::line_feeds(raw);
    let (head, body) = fields::split(fields::without_envelope_line(&raw));
    let fields = Fields::parse(head);
    if fields.is_empty() {
        return Err(Unreadable::NoHeaders);
    }
    let from = fields.sender().ok_or(Unreadable::NoSender)?;
    let content = parts::read(&fields, body);
    let message_id = fields.message_id();
    Ok(Incoming {
        content_key: message_id.as_deref().map(|id| content_key(id, &from.address, &fields.subject(), body)),
        reply_to: fields.reply_to(&from),
        recipients: fields.recipients(),
        subject: fields.subject(),
        message_id,
        references: fields.references(),
        sent_at: fields.sent_at(),
        automatic: fields.automatic(&from),
        report: report::read(&fields, body, &from, &content.text),
        text: content.text,
        html: content.html,
        attachments: content.attachments,
        from,
    })
}

/// Line ends and blank lines at the end are what the ways that a mail takes change. Who writes about what is not.
fn content_key(message_id: &str, from: &str, subject: &str, body: &[u8]) -> String {
    let mut said = format!("{message_id}\n{}\n{subject}\n", from.to_lowercase()).into_bytes();
    said.extend(body.trim_ascii_end().iter().filter(|byte| **byte != b'\r'));
    file_hash(&said)
}

#[cfg(test)]
mod tests;
