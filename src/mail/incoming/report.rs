//! Reports that mail servers write about mails that they could not deliver: those of RFC 3464, and the free text of programs
//! that never heard of it. Which of our messages is meant is decided elsewhere, by the Message-IDs that are found here.

use super::fields::{self, Fields, Sender};
use super::{decode, parts, text};

/// What became of a mail, as a mail server tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Whether it will never arrive.
    pub failed: bool,
    /// Message-IDs of what it may be about, the likeliest first.
    pub about: Vec<String>,
    /// Why, as the end of a sentence.
    pub reason: String,
}

/// Of a free text, so much is looked through.
const MAX_SEARCHED: usize = 256 * 1024;
const MAX_REASON_CHARS: usize = 400;
const MAX_IDS: usize = 20;

/// The report that a message is, if it is one.
pub(super) fn read(fields: &Fields, body: &[u8], from: &Sender, said: &str) -> Option<Report> {
    let kind = fields.parametrised("content-type");
    let is_report = kind.as_ref().is_some_and(|kind| kind.ctype() == "multipart" && kind.subtype() == Some("report"));
    let declared = kind.as_ref().and_then(|kind| kind.attribute("report-type")).unwrap_or_default();
    if is_report && (declared.is_empty() || declared.eq_ignore_ascii_case("delivery-status")) {
        let boundary = kind.as_ref().and_then(|kind| kind.attribute("boundary"));
        return Some(structured(fields, &parts::children(boundary, body), said, body));
    }
    let refused = fields.first("x-failed-recipients").is_some();
    (refused || (!is_report && is_returned(fields, from))).then(|| free(fields, body, said))
}

/// A mail server that writes as a person would: its name, and a subject that every program of the kind uses.
fn is_returned(fields: &Fields, from: &Sender) -> bool {
    let local = from.address.split('@').next().unwrap_or_default().to_ascii_lowercase();
    let subject = fields.subject().to_lowercase();
    let subjects = [
        "undeliver",
        "delivery status",
        "delivery failure",
        "delivery has failed",
        "failure notice",
        "returned mail",
        "mail delivery failed",
        "delivery failed",
        "could not be delivered",
        "unzustellbar",
        "undelivered",
    ];
    let machine = matches!(local.as_str(), "mailer-daemon" | "mail-daemon" | "maildaemon");
    // People write from postmaster@ too, and answer mails with such a subject.
    let answers = ["re:", "aw:", "fw:", "fwd:", "wg:", "sv:", "antw:"].iter().any(|prefix| subject.starts_with(prefix));
    (machine || local == "postmaster" && fields.automatic(from) && !answers)
        && subjects.iter().any(|known| subject.contains(known))
}

fn structured(fields: &Fields, children: &[&[u8]], said: &str, body: &[u8]) -> Report {
    let (mut about, mut status) = (Vec::new(), None);
    for child in children.iter().take(20) {
        let (head, content) = fields::split(child);
        let part = Fields::parse(head);
        let content = decode::transfer(part.first("content-transfer-encoding"), content);
        let Some(kind) = part.parametrised("content-type") else { continue };
        match (kind.ctype(), kind.subtype().unwrap_or_default()) {
            ("message", "delivery-status" | "global-delivery-status") => {
                status = status.or_else(|| Status::read(&content))
            }
            ("message", "rfc822" | "rfc822-headers" | "global" | "global-headers") | ("text", "rfc822-headers") => {
                let (head, _) = fields::split(fields::without_envelope_line(&content));
                about.extend(Fields::parse(head).message_id());
            }
            _ => {}
        }
    }
    if about.is_empty() {
        about = ids_in(body);
    }
    about.extend(fields.references());
    about.truncate(MAX_IDS);
    match status {
        Some(status) => Report { failed: status.action == "failed", about, reason: status.reason() },
        None => Report { failed: true, about, reason: reason_of(said) },
    }
}

fn free(fields: &Fields, body: &[u8], said: &str) -> Report {
    let mut about = ids_in(body);
    about.extend(fields.references());
    about.truncate(MAX_IDS);
    let delayed = ["delayed", "warning:", "will be retried", "will keep trying", "not yet been delivered"];
    let subject = fields.subject().to_lowercase();
    let failed = !delayed.iter().any(|word| subject.contains(word));
    Report { failed, about, reason: reason_of(said) }
}

/// What stands behind "Message-ID:" anywhere in a text.
fn ids_in(body: &[u8]) -> Vec<String> {
    let searched = String::from_utf8_lossy(body.get(..MAX_SEARCHED).unwrap_or(body));
    let mut found = Vec::new();
    for line in searched.lines() {
        let line = line.trim_start_matches(['>', ' ', '\t', '|']);
        let Some((name, value)) = line.split_once(':') else { continue };
        if !name.trim().eq_ignore_ascii_case("message-id") {
            continue;
        }
        let id = value.trim().trim_start_matches('<').split(['>', ' ']).next().unwrap_or_default();
        if id.contains('@') && found.len() < MAX_IDS && !found.iter().any(|known| known == id) {
            found.push(id.to_owned());
        }
    }
    found
}

/// What a report says of the recipient who comes off worst.
struct Status {
    action: String,
    code: String,
    diagnostic: String,
}

impl Status {
    fn read(content: &[u8]) -> Option<Self> {
        let mut worst: Option<Self> = None;
        for block in blocks(content) {
            let part = Fields::parse(&block);
            let Some(action) = part.first("action") else { continue };
            let diagnostic = part.first("diagnostic-code").unwrap_or_default();
            let one = Self {
                action: action.trim().to_ascii_lowercase(),
                code: part.first("status").unwrap_or_default().split([' ', '(']).next().unwrap_or_default().to_owned(),
                diagnostic: diagnostic.split_once(';').map_or(diagnostic, |(_, text)| text).trim().to_owned(),
            };
            if worst.as_ref().is_none_or(|worst| worst.action != "failed" && one.action == "failed") {
                worst = Some(one);
            }
        }
        worst
    }

    /// "Nobody has this address there (550 5.1.1 User unknown)".
    fn reason(&self) -> String {
        let code = if self.code.is_empty() { code_in(&self.diagnostic).unwrap_or_default() } else { self.code.clone() };
        let told = if self.diagnostic.is_empty() { code.clone() } else { self.diagnostic.clone() };
        let told = text::one_line(&told, MAX_REASON_CHARS);
        let words = meaning(&code);
        if told.is_empty() { words.to_owned() } else { format!("{words} ({told})") }
    }
}

/// The groups of fields that empty lines divide.
fn blocks(content: &[u8]) -> Vec<Vec<u8>> {
    let mut blocks = vec![Vec::new()];
    for line in content.split_inclusive(|byte| *byte == b'\n') {
        if line.trim_ascii().is_empty() {
            // Of a report that is nothing but empty lines, nothing is kept.
            if blocks.last().is_some_and(|last: &Vec<u8>| !last.is_empty()) {
                if blocks.len() == 200 {
                    break;
                }
                blocks.push(Vec::new());
            }
        } else if let Some(last) = blocks.last_mut() {
            last.extend_from_slice(line);
        }
    }
    blocks.retain(|block| !block.is_empty());
    blocks
}

/// A status code (RFC 3463) in words that a person understands.
fn meaning(code: &str) -> &'static str {
    let mut parts = code.split('.').map(|part| part.parse::<u16>().unwrap_or(0));
    let (_, subject, detail) = (parts.next(), parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    match (subject, detail) {
        (1, 0 | 1 | 6) => "nobody has this address there",
        (1, 2) => "there is no mail server for this address",
        (1, _) => "the address is not accepted there",
        (2, 1) => "the mailbox is switched off",
        (2, 2) => "the mailbox is full",
        (2, 3) | (3, 4) => "the message is too large for them",
        (2, _) => "the mailbox does not take it",
        (4, 1 | 3) => "their mail server did not answer",
        (4, 7) => "it could not be delivered in time",
        (4, _) => "their mail server could not be reached",
        (7, _) => "their mail server refused it by its rules",
        _ => "it could not be delivered",
    }
}

/// The first thing that looks like a status code: 5.1.1.
fn code_in(text: &str) -> Option<String> {
    let is_code = |word: &&str| {
        let mut parts = word.split('.');
        let first = matches!(parts.next(), Some("4" | "5"));
        let rest: Vec<&str> = parts.collect();
        first
            && rest.len() == 2
            && rest.iter().all(|part| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
    };
    text.split(|c: char| !c.is_ascii_digit() && c != '.').find(is_code).map(str::to_owned)
}

/// What a free text says: the line with a code in it, and those of its paragraph after it.
fn reason_of(said: &str) -> String {
    let has_reply_code = |line: &str| {
        line.split(|c: char| !c.is_ascii_digit())
            .any(|word| word.len() == 3 && (word.starts_with('5') || word.starts_with('4')))
    };
    let lines: Vec<&str> = said.lines().collect();
    let at = lines.iter().position(|line| code_in(line).is_some() || has_reply_code(line));
    let told: Vec<&str> = at
        .map(|at| lines.iter().skip(at).take_while(|line| !line.trim().is_empty()).take(4).copied().collect())
        .unwrap_or_default();
    let told = text::one_line(&told.join(" "), MAX_REASON_CHARS);
    let words = meaning(&code_in(&told).unwrap_or_default());
    if told.is_empty() { words.to_owned() } else { format!("{words} ({told})") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_found_and_told_in_words() {
        assert_eq!(code_in("host mx said: 550 5.1.1 <x@y>: no").as_deref(), Some("5.1.1"));
        assert_eq!(code_in("at 10.0.0.1 or 127.0.0.1"), None);
        let cases = [
            ("5.1.1", "nobody has this address there"),
            ("5.2.2", "the mailbox is full"),
            ("4.4.1", "their mail server did not answer"),
            ("5.7.26", "their mail server refused it by its rules"),
            ("5.0.0", "it could not be delivered"),
            ("", "it could not be delivered"),
        ];
        for (code, words) in cases {
            assert_eq!(meaning(code), words, "{code}");
        }
    }

    #[test]
    fn message_ids_are_found_in_any_text() {
        let text = b"Hello\n> Message-ID: <a@x>\nmessage-id:b@y \nNot-Message-ID: <c@z>\nMessage-Id: nothing\n";
        assert_eq!(ids_in(text), ["a@x", "b@y"]);
    }

    #[test]
    fn the_recipient_who_comes_off_worst_counts() {
        let content = b"Reporting-MTA: dns; mx\n\nAction: delayed\nStatus: 4.4.1\n\nAction: Failed\nStatus: 5.2.2 (full)\nDiagnostic-Code: smtp; 552 Mailbox\n full\n";
        let status = Status::read(content).unwrap();
        assert_eq!(
            (status.action.as_str(), status.reason().as_str()),
            ("failed", "the mailbox is full (552 Mailbox full)")
        );
        assert!(Status::read(b"Reporting-MTA: dns; mx\n").is_none());
    }
}
