//! A message as it is read: who, how, when, what, its files, and whether it arrived.

use std::collections::HashMap;

use crate::domain::conversations::MessageKind;
use crate::domain::ids::{MailId, UserId};
use crate::domain::users::initials;
use crate::mail::incoming::{split_quoted, split_quoted_html};
use crate::store::contacts::Contact;
use crate::store::messages::{Attachment, Message};
use crate::store::outbox::State;
use crate::web::views::person::{People, PersonView, color};
use crate::web::views::time::{TimeView, Times};

/// A file.
pub(in crate::web::pages) struct FileView {
    /// Where it is.
    pub href: String,
    /// What it is called.
    pub name: String,
    /// How large it is.
    pub size: String,
}

/// A message.
pub(in crate::web::pages) struct MessageView {
    /// Its row, for anchors.
    pub id: i64,
    /// `ours`, `note`, or nothing.
    pub class: &'static str,
    /// Who wrote it, if it was one of us.
    pub person: Option<PersonView>,
    /// Who wrote it otherwise.
    pub from: String,
    /// The letters in their picture.
    pub initials: String,
    /// The class of their picture's colour.
    pub color: &'static str,
    /// How it came or went.
    pub via: String,
    /// When.
    pub at: TimeView,
    /// What it says, sanitised when it came in.
    pub html: Option<String>,
    /// What that repeats of earlier messages.
    pub history: Option<String>,
    /// What it says, in paragraphs, if it has no HTML.
    pub paragraphs: Vec<String>,
    /// What it repeats of earlier messages.
    pub quoted: Vec<String>,
    /// Its files.
    pub files: Vec<FileView>,
    /// Whether it arrived: words, and the class of the badge.
    pub delivery: Option<(String, &'static str)>,
    /// Whether it can be sent once more, because it did not arrive.
    pub retry: bool,
}

/// What is needed to write messages.
pub(super) struct Writer<'a> {
    pub people: &'a People,
    pub contact: Option<&'a Contact>,
    pub channel: &'a str,
    pub deliveries: HashMap<MailId, (State, Option<String>)>,
    pub times: Times,
    /// Whether the reader may send replies here.
    pub may_retry: bool,
}

impl Writer<'_> {
    pub(super) fn write(&self, message: &Message, files: &[Attachment]) -> MessageView {
        let (class, via) = match message.kind {
            MessageKind::Incoming if message.automatic => ("", format!("by {}, sent automatically", self.channel)),
            MessageKind::Incoming => ("", format!("by {}", self.channel)),
            MessageKind::Reply => ("ours", format!("by {}", self.channel)),
            MessageKind::Note => ("note", "internal note".to_owned()),
        };
        let contact = self.contact.map_or("Unknown contact", |contact| contact.name.as_str());
        // Somebody else may write into a conversation: a colleague of the contact, or who was written to in copy.
        let (from, via) = match &message.sender {
            Some((name, address)) => (name.as_str(), format!("{address}, {via}")),
            None => (contact, via),
        };
        let (said, history) = split_quoted(&message.body);
        // Whoever writes here quotes on purpose.
        let html = message.html.as_deref().map(|html| match message.kind {
            MessageKind::Incoming => split_quoted_html(html),
            MessageKind::Reply | MessageKind::Note => (html.to_owned(), String::new()),
        });
        let (html, old) = html.map_or((None, None), |(new, old)| (Some(new), Some(old)));
        MessageView {
            id: message.id.0,
            class,
            person: self.author(message),
            from: from.to_owned(),
            initials: initials(from),
            color: self
                .contact
                .filter(|_| message.sender.is_none())
                .map(|contact| color(&contact.id.0))
                .unwrap_or_default(),
            via,
            at: self.times.full(message.at),
            html,
            history: old.filter(|old| !old.is_empty()),
            paragraphs: paragraphs(said),
            quoted: paragraphs(history),
            files: files.iter().map(file).collect(),
            delivery: self.delivery(message),
            retry: self.may_retry && self.state(message).is_some_and(|(state, _)| state.is_failure()),
        }
    }

    fn author(&self, message: &Message) -> Option<PersonView> {
        let author = match message.kind {
            MessageKind::Incoming => None,
            MessageKind::Reply | MessageKind::Note => Some(message.author.unwrap_or(UserId::NIL)),
        };
        author.map(|author| self.people.get(author))
    }

    fn state(&self, message: &Message) -> Option<&(State, Option<String>)> {
        self.deliveries.get(&message.mail?)
    }

    fn delivery(&self, message: &Message) -> Option<(String, &'static str)> {
        let (state, problem) = self.state(message)?;
        let said = match (state, problem) {
            (State::Sent, None) => ("Sent".to_owned(), ""),
            (State::Sent, Some(problem)) => (format!("Sent, but delayed on its way: {problem}"), "warn"),
            (State::Returned, problem) => {
                (format!("Not delivered: {}", problem.as_deref().unwrap_or("their mail server sent it back")), "danger")
            }
            (State::Queued, None) => ("Waiting to be sent".to_owned(), ""),
            (State::Queued, Some(problem)) => (format!("Not sent yet, will be tried again: {problem}"), "warn"),
            (State::Failed, problem) => {
                (format!("Not sent: {}", problem.as_deref().unwrap_or("the mail server refused it")), "danger")
            }
            (State::Kept, _) => ("Kept in the outbox: no mail server is set".to_owned(), "warn"),
        };
        Some(said)
    }
}

fn file(one: &Attachment) -> FileView {
    FileView { href: format!("/attachments/{}", one.id), name: one.file_name.clone(), size: size(one.size) }
}

/// Bytes in words: "820 B", "12 KB", "1.8 MB".
fn size(bytes: i64) -> String {
    match bytes {
        ..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} KB", (bytes + 500) / 1_000),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

/// A text cut at its empty lines.
fn paragraphs(text: &str) -> Vec<String> {
    let mut paragraphs: Vec<String> = Vec::new();
    let mut fresh = true;
    for line in text.lines() {
        if line.trim().is_empty() {
            fresh = true;
            continue;
        }
        match paragraphs.last_mut() {
            Some(last) if !fresh => {
                last.push('\n');
                last.push_str(line);
            }
            _ => paragraphs.push(line.to_owned()),
        }
        fresh = false;
    }
    paragraphs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_at_its_empty_lines() {
        assert_eq!(paragraphs("Hello,\n\n\nit broke.\nToday.\n \nBye\n"), ["Hello,", "it broke.\nToday.", "Bye"]);
        assert_eq!(paragraphs("\n\n"), Vec::<String>::new());
    }

    #[test]
    fn sizes_are_told_short() {
        let cases = [(0, "0 B"), (999, "999 B"), (1_499, "1 KB"), (12_600, "13 KB"), (1_880_000, "1.8 MB")];
        for (bytes, said) in cases {
            assert_eq!(size(bytes), said);
        }
    }
}
