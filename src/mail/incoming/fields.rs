//! Header fields of a message or of one of its parts, and what Baton reads from them.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use mail_parser::parsers::MessageStream;
use mail_parser::{ContentType, HeaderValue};

use super::{MAX_SUBJECT_CHARS, decode, text};

/// Longer header blocks are cut: everything that matters stands in the first lines of any real message.
const MAX_HEAD_BYTES: usize = 1024 * 1024;
/// Longer fields are ignored, so that no field parser is asked to look at megabytes.
const MAX_FIELD_BYTES: usize = 64 * 1024;
const MAX_NAME_CHARS: usize = 200;
/// RFC 5321 allows no longer address in an envelope.
const MAX_ADDRESS_BYTES: usize = 254;
const MAX_ID_CHARS: usize = 500;
const MAX_RECIPIENTS: usize = 500;
const MAX_REFERENCES: usize = 50;

/// Who wrote the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// What the sender calls himself; says nothing about who he is.
    pub name: Option<String>,
    /// As written, trimmed; has a part before and a part after the `@`.
    pub address: String,
}

/// The header fields of one message or part, in their order, with names in lower case and values unfolded.
pub(super) struct Fields {
    list: Vec<(String, String)>,
}

/// Without the "From sender date" line that mail boxes and pipes put before a message.
pub(super) fn without_envelope_line(raw: &[u8]) -> &[u8] {
    let raw = raw.trim_ascii_start();
    let raw = raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(raw);
    if !raw.starts_with(b"From ") && !raw.starts_with(b">From ") {
        return raw;
    }
    raw.iter().position(|byte| *byte == b'\n').and_then(|end| raw.get(end + 1..)).unwrap_or_default()
}

/// Header block and body. Without an empty line between them everything is header.
pub(super) fn split(raw: &[u8]) -> (&[u8], &[u8]) {
    let mut end = 0;
    for line in raw.split_inclusive(|byte| *byte == b'\n') {
        let next = end + line.len();
        if matches!(line, b"\n" | b"\r\n") {
            return (raw.get(..end).unwrap_or_default(), raw.get(next..).unwrap_or_default());
        }
        end = next;
    }
    (raw, &[])
}

impl Fields {
    /// Reads a header block; lines that are none are skipped.
    pub(super) fn parse(head: &[u8]) -> Self {
        let head = head.get(..MAX_HEAD_BYTES).unwrap_or(head);
        let mut unfolded: Vec<(String, Vec<u8>)> = Vec::new();
        for line in head.split(|byte| *byte == b'\n') {
            let line = line.trim_ascii_end();
            if line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
                if let Some((_, value)) = unfolded.last_mut() {
                    value.push(b' ');
                    value.extend_from_slice(line.trim_ascii_start());
                }
            } else if let Some(field) = field(line) {
                unfolded.push(field);
            }
        }
        unfolded.retain(|(_, value)| value.len() <= MAX_FIELD_BYTES);
        let charset = declared_charset(&unfolded);
        let readable = |value: &[u8]| {
            let guess = if std::str::from_utf8(value).is_ok() { None } else { charset.as_deref() };
            decode::characters(guess, value).replace(['\0', '\r', '\n'], "")
        };
        Self { list: unfolded.into_iter().map(|(name, value)| (name, readable(&value))).collect() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Values of every field of that name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.list.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first field of that name that says something: where a message has two subjects, other programs show the first.
    pub(super) fn first<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).find(|value| !value.trim().is_empty())
    }

    /// Content-Type, Content-Disposition: a value with parameters.
    pub(super) fn parametrised(&self, name: &str) -> Option<ContentType<'static>> {
        parametrised(self.first(name)?)
    }

    /// The first address that one could write to. A message may have several authors, or none and a technical sender.
    pub(super) fn sender(&self) -> Option<Sender> {
        let named = || ["from", "sender", "reply-to", "return-path"].iter().flat_map(|name| self.all(name));
        named().find_map(|value| addresses(value).into_iter().next()).or_else(|| named().find_map(salvaged))
    }

    pub(super) fn reply_to(&self, from: &Sender) -> Option<String> {
        let addresses = self.all("reply-to").flat_map(addresses);
        let mut answers = addresses.map(|sender| sender.address.to_lowercase());
        answers.next().filter(|address| *address != from.address.to_lowercase())
    }

    pub(super) fn recipients(&self) -> Vec<String> {
        let named = ["to", "cc", "delivered-to", "x-original-to"];
        let found = named.iter().flat_map(|name| self.all(name)).flat_map(addresses);
        let mut seen = Vec::new();
        for address in found.map(|sender| sender.address.to_lowercase()).take(MAX_RECIPIENTS * 2) {
            if seen.len() < MAX_RECIPIENTS && !seen.contains(&address) {
                seen.push(address);
            }
        }
        seen
    }

    pub(super) fn subject(&self) -> String {
        text::one_line(&words(self.first("subject").unwrap_or_default()), MAX_SUBJECT_CHARS)
    }

    pub(super) fn message_id(&self) -> Option<String> {
        self.all("message-id").find_map(|value| ids(value).into_iter().next())
    }

    pub(super) fn content_id(&self) -> Option<String> {
        self.all("content-id").find_map(|value| ids(value).into_iter().next())
    }

    /// References first: they list the thread from its start, In-Reply-To names its end.
    pub(super) fn references(&self) -> Vec<String> {
        let mut latest_first: Vec<String> = Vec::new();
        let all: Vec<String> =
            ["references", "in-reply-to"].iter().flat_map(|name| self.all(name)).flat_map(ids).collect();
        for id in all.into_iter().rev().take(MAX_REFERENCES * 10) {
            if latest_first.len() < MAX_REFERENCES && !latest_first.contains(&id) {
                latest_first.push(id);
            }
        }
        latest_first.reverse();
        latest_first
    }

    pub(super) fn sent_at(&self) -> Option<DateTime<Utc>> {
        let line = terminated(self.first("date")?);
        let date = MessageStream::new(line.as_bytes()).parse_date().into_datetime()?;
        if !date.is_valid() {
            return None;
        }
        DateTime::from_timestamp(date.to_timestamp(), 0)
    }

    /// Signs that no person sent this: RFC 3834, and what programs did before and beside it. A mailing list is no such sign: what
    /// came by one was written by somebody, and many a support address is a group that passes mails on.
    pub(super) fn automatic(&self, from: &Sender) -> bool {
        const MARKS: [&str; 6] =
            ["x-autoreply", "x-autorespond", "x-auto-reply", "x-mail-autoreply", "x-autoreply-from", "x-vacation"];
        let word = |name| {
            let value: &str = self.first(name).unwrap_or_default();
            value.split([';', ' ', '(']).next().unwrap_or_default().trim().to_ascii_lowercase()
        };
        let mailer = from.address.to_ascii_lowercase();
        !matches!(word("auto-submitted").as_str(), "" | "no")
            || matches!(word("precedence").as_str(), "bulk" | "junk" | "auto_reply" | "auto-reply")
            || MARKS.iter().any(|name| self.first(name).is_some())
            || self.all("return-path").any(|value| value.trim() == "<>")
            || mailer.starts_with("mailer-daemon@")
            || self
                .parametrised("content-type")
                .is_some_and(|kind| kind.ctype() == "multipart" && kind.subtype() == Some("report"))
    }
}

fn field(line: &[u8]) -> Option<(String, Vec<u8>)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = line.split_at_checked(colon)?;
    let name = name.trim_ascii_end();
    if name.is_empty() || !name.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    let value = value.get(1..).unwrap_or_default().trim_ascii_start();
    Some((String::from_utf8_lossy(name).to_ascii_lowercase(), value.to_vec()))
}

fn declared_charset(fields: &[(String, Vec<u8>)]) -> Option<String> {
    let (_, value) = fields.iter().find(|(name, _)| name == "content-type")?;
    let kind = parametrised(&String::from_utf8_lossy(value))?;
    kind.attribute("charset").map(str::to_owned)
}

fn parametrised(value: &str) -> Option<ContentType<'static>> {
    // Every parameter is compared with those before it.
    let value = value.get(..8 * 1024).unwrap_or(value);
    match MessageStream::new(terminated(value).as_bytes()).parse_content_type().into_owned() {
        HeaderValue::ContentType(kind) => Some(kind),
        _ => None,
    }
}

/// Addresses that one could write to, of a list with names, comments and groups.
fn addresses(value: &str) -> Vec<Sender> {
    let line = terminated(value);
    let Some(list) = MessageStream::new(line.as_bytes()).parse_address().into_address() else {
        return Vec::new();
    };
    let usable = |entry: &mail_parser::Addr<'_>| {
        let address = entry.address()?.trim();
        is_usable(address)
            .then(|| Sender { name: named(entry.name().unwrap_or_default()), address: address.to_owned() })
    };
    list.iter().filter_map(usable).collect()
}

/// The first thing that looks like an address in a field that breaks the grammar.
fn salvaged(value: &str) -> Option<Sender> {
    let is_edge = |char: char| char.is_whitespace() || "<>()[],;:\"'".contains(char);
    let address = value.split(is_edge).find(|word| is_usable(word))?;
    Some(Sender { name: None, address: address.to_owned() })
}

fn is_usable(address: &str) -> bool {
    let is_strange = |char: char| char.is_whitespace() || char.is_control() || "<>(),;\"\\".contains(char);
    let sides = address.rsplit_once('@');
    address.len() <= MAX_ADDRESS_BYTES
        && !address.chars().any(|char| is_strange(char) || text::is_direction(char))
        && sides.is_some_and(|(local, domain)| !local.is_empty() && !local.contains('@') && !domain.is_empty())
}

fn named(name: &str) -> Option<String> {
    let name = text::one_line(name, MAX_NAME_CHARS);
    (!name.is_empty()).then_some(name)
}

fn ids(value: &str) -> Vec<String> {
    let line = terminated(value);
    let tidy = |id: &str| {
        let id: String = id
            .chars()
            .filter(|char| !char.is_control() && !char.is_whitespace() && !text::is_direction(*char))
            .take(MAX_ID_CHARS)
            .collect();
        let id = id.trim_matches(['<', '>']).to_owned();
        id.contains(char::is_alphanumeric).then_some(id)
    };
    let list = MessageStream::new(line.as_bytes()).parse_id().into_text_list().unwrap_or_default();
    list.iter().filter_map(|id| tidy(id)).collect()
}

/// Text with its encoded words (RFC 2047) decoded.
pub(super) fn words(value: &str) -> String {
    let line = terminated(value);
    let text = MessageStream::new(line.as_bytes()).parse_unstructured().into_text();
    text.map(Cow::into_owned).unwrap_or_default()
}

/// The parsers of single fields end at a line feed and yield nothing without one.
fn terminated(value: &str) -> String {
    format!("{value}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(head: &str) -> Fields {
        Fields::parse(head.as_bytes())
    }

    fn sender(head: &str) -> Option<(Option<String>, String)> {
        fields(head).sender().map(|sender| (sender.name, sender.address))
    }

    #[test]
    fn the_first_usable_author_is_the_sender() {
        let named = |name: &str, address: &str| Some((Some(name.to_owned()), address.to_owned()));
        let bare = |address: &str| Some((None, address.to_owned()));
        assert_eq!(sender("From: Ann <Ann@Example.com>, Bob <b@x.org>"), named("Ann", "Ann@Example.com"));
        assert_eq!(sender("From: nobody\nFrom: a@x.org"), bare("a@x.org"));
        assert_eq!(sender("From: Team: Ann <ann@x.org>, b@x.org;"), named("Ann", "ann@x.org"));
        assert_eq!(sender("From: Undisclosed:;\nSender: s@x.org"), bare("s@x.org"));
        assert_eq!(sender("From: =?utf-8?q?J=C3=BCrg?= <j@x.org>"), named("Jürg", "j@x.org"));
        assert_eq!(sender("From: nobody at all\nReturn-Path: <>"), None);
        assert_eq!(sender("From: @x.org"), None);
        assert_eq!(sender("To: a@x.org"), None);
    }

    #[test]
    fn folded_and_foreign_lines_are_read() {
        let fields = fields("garbage\nSubject: one\r\n  two\nX\u{e9}: 3\nsubject: other\n");
        assert_eq!(fields.subject(), "one two");
        assert_eq!(Fields::parse(b"Subject: Gr\xfc\xdfe").subject(), "Grüße");
        assert_eq!(Fields::parse(b"Subject: \xb1\nContent-Type: text/plain; charset=iso-8859-2").subject(), "ą");
    }

    #[test]
    fn recipients_are_lower_case_and_unique() {
        let fields =
            fields("To: A@x.org, <a@X.org>\nCc: Team: b@x.org;\nDelivered-To: a@x.org\nX-Original-To: C@x.org");
        assert_eq!(fields.recipients(), ["a@x.org", "b@x.org", "c@x.org"]);
    }

    #[test]
    fn references_are_oldest_first_and_unique() {
        let thread = fields("References: <1@x> <2@x>\n <3@x>\nIn-Reply-To: <3@x>");
        assert_eq!(thread.references(), ["1@x", "2@x", "3@x"]);
        assert_eq!(fields("In-Reply-To: <2@x>\nReferences: <1@x>").references(), ["1@x", "2@x"]);
        assert!(fields("References:\nIn-Reply-To: <>").references().is_empty());
        let long: String = (0..200).map(|n| format!("<{n}@x> ")).collect();
        let kept = fields(&format!("References: {long}")).references();
        assert_eq!((kept.len(), kept.last().unwrap().as_str()), (MAX_REFERENCES, "199@x"));
    }

    #[test]
    fn replies_go_where_the_sender_wants() {
        let from = Sender { name: None, address: "A@x.org".to_owned() };
        assert_eq!(fields("Reply-To: Desk <Desk@x.org>").reply_to(&from).as_deref(), Some("desk@x.org"));
        assert_eq!(fields("Reply-To: a@X.org").reply_to(&from), None);
    }

    #[test]
    fn machines_are_told_from_people() {
        let from = Sender { name: None, address: "a@x.org".to_owned() };
        for head in [
            "Auto-Submitted: auto-replied; owner=x",
            "Precedence: bulk",
            "Precedence: Auto_Reply",
            "X-Autoreply: yes",
            "X-Vacation: yes",
            "Return-Path: <>",
            "Content-Type: multipart/report; boundary=x",
        ] {
            assert!(fields(head).automatic(&from), "{head}");
        }
        for head in [
            "Auto-Submitted: no",
            "Precedence: normal",
            "Precedence: list\nList-Id: <support.x.org>",
            "Return-Path: <a@x.org>",
            "Subject: x",
        ] {
            assert!(!fields(head).automatic(&from), "{head}");
        }
    }

    #[test]
    fn impossible_dates_are_none() {
        let at = |value: &str| fields(&format!("Date: {value}")).sent_at().map(|at| at.to_rfc3339());
        assert_eq!(at("Tue, 10 May 2005 11:26:39 -0600").as_deref(), Some("2005-05-10T17:26:39+00:00"));
        for value in ["", "yesterday", "99 Foo 2020 88:99", "Mon, 30 Jun 3609 15:33:50 +0600"] {
            assert_eq!(at(value), None, "{value}");
        }
    }
}
