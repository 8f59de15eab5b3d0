//! The MIME tree of a message: which of its parts are its text, which are attachments.

use std::rc::Rc;

use mail_parser::ContentType;

use super::attachments::{self, Attachment};
use super::fields::{self, Fields};
use super::{MAX_ATTACHMENTS, MAX_TEXT_CHARS, decode, html, plain, text};

/// Real mail nests four or five deep. What lies deeper is kept as an attachment, not looked into.
const MAX_DEPTH: usize = 12;
/// Parts of one multipart that are looked at; the rest are left out, and the text says so.
const MAX_CHILDREN: usize = 1000;

/// What a message says and carries.
pub(super) struct Content {
    pub(super) text: String,
    pub(super) html: Option<String>,
    pub(super) attachments: Vec<Attachment>,
}

/// Reads the body of the message with these header fields.
pub(super) fn read(fields: &Fields, body: &[u8]) -> Content {
    let mut walk = Walk { attachments: Vec::new(), left_out: 0 };
    let body = walk.part(fields, body, Place { depth: 0, in_digest: false });
    let name_of = |id: &str| attachments::name_of(&walk.attachments, id);
    let sources = if body.text.is_empty() { &body.html } else { &body.text };
    let mut text = as_text(sources, &name_of);
    let html = as_html(&body.html, &name_of);
    if walk.left_out > 0 {
        text.push_str(&format!("\n\n[Baton left out {} more parts of this message.]", walk.left_out));
    }
    Content { text, html, attachments: walk.attachments }
}

fn as_text(pieces: &[Piece], name_of: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    for piece in pieces {
        if !out.is_empty() {
            out.push_str("\n\n");
        }
        match piece {
            Piece::Text(plain) => out.push_str(&text::clean(plain)),
            Piece::Html(markup) => out.push_str(&plain::of_html(markup, name_of)),
        }
        if out.len() > MAX_TEXT_CHARS * 4 {
            break;
        }
    }
    text::shortened(text::without_blank_edges(&out), MAX_TEXT_CHARS)
}

fn as_html(pieces: &[Piece], name_of: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let mut out = String::new();
    for piece in pieces {
        let room = MAX_TEXT_CHARS.saturating_sub(out.len());
        if room == 0 {
            break;
        }
        match piece {
            Piece::Text(plain) => out.push_str(&html::from_text(&text::clean(plain), room)),
            Piece::Html(markup) => out.push_str(&html::sanitised(markup, room, name_of)),
        }
    }
    (!out.trim().is_empty()).then_some(out)
}

/// A stretch of the message in the form in which it came. Counted, because text between two HTML parts belongs to both renditions.
#[derive(Clone)]
enum Piece {
    Text(Rc<str>),
    Html(Rc<str>),
}

/// The two ways to show the same thing. Where a message has only one of them, the other is empty.
#[derive(Default)]
struct Rendition {
    text: Vec<Piece>,
    html: Vec<Piece>,
}

impl Rendition {
    /// Parts that follow one another.
    fn sequence(parts: Vec<Self>) -> Self {
        let has_text = parts.iter().any(|part| !part.text.is_empty());
        let has_html = parts.iter().any(|part| !part.html.is_empty());
        let mut whole = Self::default();
        for part in parts {
            if has_text {
                whole.text.extend_from_slice(if part.text.is_empty() { &part.html } else { &part.text });
            }
            if has_html {
                whole.html.extend_from_slice(if part.html.is_empty() { &part.text } else { &part.html });
            }
        }
        whole
    }

    /// Parts that say the same; the sender puts the best last.
    fn choice(parts: Vec<Self>) -> Self {
        let mut best = Self::default();
        for part in parts {
            if best.text.is_empty() {
                best.text = part.text;
            }
            if !part.html.is_empty() {
                best.html = part.html;
            }
        }
        best
    }
}

#[derive(Clone, Copy)]
struct Place {
    depth: usize,
    in_digest: bool,
}

struct Walk {
    attachments: Vec<Attachment>,
    left_out: usize,
}

impl Walk {
    fn part(&mut self, fields: &Fields, body: &[u8], place: Place) -> Rendition {
        let kind = fields.parametrised("content-type");
        let divided = kind.as_ref().filter(|kind| kind.ctype() == "multipart" && place.depth < MAX_DEPTH);
        if let Some(kind) = divided {
            return self.multipart(kind, body, place);
        }
        let bytes = decode::transfer(fields.first("content-transfer-encoding"), body);
        match shown_as(fields, kind.as_ref(), place) {
            Some(is_html) => {
                let charset = kind.as_ref().and_then(|kind| kind.attribute("charset"));
                readable(&decode::characters(charset, &bytes), is_html)
            }
            None => {
                self.attach(fields, kind.as_ref(), &bytes, place);
                Rendition::default()
            }
        }
    }

    fn multipart(&mut self, kind: &ContentType<'_>, body: &[u8], place: Place) -> Rendition {
        let children = children(kind.attribute("boundary"), body);
        if children.is_empty() {
            // No boundary anywhere: a body that was never divided. It is shown as it is.
            return readable(&decode::characters(None, body), false);
        }
        self.left_out += children.len().saturating_sub(MAX_CHILDREN);
        let subtype = kind.subtype().unwrap_or_default();
        let inside = Place { depth: place.depth + 1, in_digest: subtype == "digest" };
        let mut parts = Vec::new();
        for child in children.into_iter().take(MAX_CHILDREN) {
            let (head, body) = child_split(child);
            parts.push(self.part(&Fields::parse(head), body, inside));
        }
        if subtype == "alternative" { Rendition::choice(parts) } else { Rendition::sequence(parts) }
    }

    fn attach(&mut self, fields: &Fields, kind: Option<&ContentType<'_>>, bytes: &[u8], place: Place) {
        if bytes.trim_ascii().is_empty() && kind.is_none() {
            return;
        }
        if self.attachments.len() >= MAX_ATTACHMENTS {
            self.left_out += 1;
            return;
        }
        let number = self.attachments.len() + 1;
        let is_mail = place.in_digest && kind.is_none();
        self.attachments.push(attachments::read(fields, kind, bytes, is_mail, number));
    }
}

/// Whether the part is shown in the message, and if so, whether as HTML. Everything else is an attachment.
fn shown_as(fields: &Fields, kind: Option<&ContentType<'_>>, place: Place) -> Option<bool> {
    let disposition = fields.parametrised("content-disposition");
    let is_file = disposition.as_ref().is_some_and(ContentType::is_attachment);
    let has_name = attachments::declared_name(disposition.as_ref(), kind).is_some();
    let is_whole_message = place.depth == 0;
    if is_file || (has_name && !is_whole_message) {
        return None;
    }
    let Some(kind) = kind else {
        return (!place.in_digest).then_some(false);
    };
    match (kind.ctype(), kind.subtype().unwrap_or_default()) {
        ("text", "html") => Some(true),
        ("text", "plain" | "") => Some(false),
        ("text", _) if is_whole_message => Some(false),
        // "Content-Type: text" and the like: what older programs called plain text.
        ("", _) => Some(false),
        _ => None,
    }
}

fn readable(characters: &str, is_html: bool) -> Rendition {
    if characters.trim().is_empty() {
        return Rendition::default();
    }
    if is_html {
        Rendition { html: vec![Piece::Html(characters.into())], text: Vec::new() }
    } else {
        Rendition { text: vec![Piece::Text(characters.into())], html: Vec::new() }
    }
}

/// Header fields and body of a part. A part that begins with an empty line has no header.
fn child_split(child: &[u8]) -> (&[u8], &[u8]) {
    let (head, body) = fields::split(child);
    let is_header = head.split(|byte| *byte == b'\n').next().is_some_and(|line| line.contains(&b':'));
    // Broken programs forget the header and the empty line, or only the empty line's header.
    if body.is_empty() && !is_header { (&[], head) } else { (head, body) }
}

/// The parts between the delimiter lines; none if there is no delimiter line.
pub(super) fn children<'a>(boundary: Option<&str>, body: &'a [u8]) -> Vec<&'a [u8]> {
    let declared = boundary.map(|boundary| divided(body, boundary.trim().as_bytes())).unwrap_or_default();
    if !declared.is_empty() {
        return declared;
    }
    guessed_boundary(body).map(|boundary| divided(body, boundary)).unwrap_or_default()
}

fn divided<'a>(body: &'a [u8], boundary: &[u8]) -> Vec<&'a [u8]> {
    let mut found = Vec::new();
    let mut start = None;
    let mut at = 0;
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        if let Some(is_end) = delimiter(line, boundary) {
            found.extend(start.and_then(|start| body.get(start..at)).map(without_line_end));
            start = (!is_end).then_some(at + line.len());
        }
        at += line.len();
    }
    // Cut off in transit: what came of the last part is still shown.
    let last = start.and_then(|start| body.get(start..)).filter(|rest| !rest.trim_ascii().is_empty());
    found.extend(last);
    found
}

/// Whether the line is a delimiter, and if so, whether it ends the multipart.
fn delimiter(line: &[u8], boundary: &[u8]) -> Option<bool> {
    let rest = line.strip_prefix(b"--")?.strip_prefix(boundary).filter(|_| !boundary.is_empty())?;
    match rest.trim_ascii_end() {
        b"" => Some(false),
        b"--" => Some(true),
        _ => None,
    }
}

/// The line end before a delimiter belongs to the delimiter.
fn without_line_end(part: &[u8]) -> &[u8] {
    let part = part.strip_suffix(b"\n").unwrap_or(part);
    part.strip_suffix(b"\r").unwrap_or(part)
}

/// The delimiter actually used, where the header names none or another: a line with dashes directly before a part's header.
fn guessed_boundary(body: &[u8]) -> Option<&[u8]> {
    let mut lines = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end).peekable();
    while let Some(line) = lines.next() {
        let starts_part =
            lines.peek().and_then(|next| next.get(..8)).is_some_and(|start| start.eq_ignore_ascii_case(b"content-"));
        if let Some(boundary) = line.strip_prefix(b"--").filter(|boundary| !boundary.is_empty() && starts_part) {
            return Some(boundary);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(raw: &str) -> Content {
        let (head, body) = fields::split(raw.as_bytes());
        read(&Fields::parse(head), body)
    }

    #[test]
    fn alternatives_are_two_renditions_of_one_text() {
        let both = content(
            "Content-Type: multipart/alternative; boundary=b\n\n--b\n\nplain\n--b\nContent-Type: text/html\n\n<b>rich</b>\n--b--\n",
        );
        assert_eq!((both.text.as_str(), both.html.as_deref()), ("plain", Some("<b>rich</b>")));
        assert!(both.attachments.is_empty());
    }

    #[test]
    fn text_between_html_is_in_both_renditions() {
        let mixed = content(
            "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n<b>1</b>\n--b\nContent-Type: text/plain\n\n2 < 3\n--b--\n",
        );
        assert_eq!(mixed.text, "1\n\n2 < 3");
        assert_eq!(mixed.html.as_deref(), Some("<b>1</b><p>2 &lt; 3</p>"));
    }

    #[test]
    fn wrong_boundaries_are_guessed() {
        for boundary in ["", "; boundary=wrong", "; boundary=\"\""] {
            let guessed = content(&format!(
                "Content-Type: multipart/mixed{boundary}\n\nhi\n--real\nContent-Type: text/plain\n\nhello\n--real--\n"
            ));
            assert_eq!(guessed.text, "hello", "{boundary}");
        }
    }

    #[test]
    fn undivided_and_cut_bodies_are_shown() {
        assert_eq!(content("Content-Type: multipart/mixed; boundary=b\n\nhello").text, "hello");
        assert_eq!(content("Content-Type: multipart/mixed; boundary=b\n\n--b\n\nhello").text, "hello");
        assert_eq!(content("Content-Type: multipart/mixed; boundary=b\n\n--b\nhello\n--b--").text, "hello");
    }

    #[test]
    fn similar_boundaries_are_not_mixed_up() {
        let nested = content(
            "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/alternative; boundary=b_alt\n\n--b_alt\n\nhello\n--b_alt--\n\n--b\nContent-Type: image/png\n\nx\n--b--",
        );
        assert_eq!((nested.text.as_str(), nested.attachments.len()), ("hello", 1));
    }

    #[test]
    fn depth_and_number_are_bounded() {
        let deep: String =
            (0..5000).map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n")).collect();
        assert_eq!(content(&deep).attachments.len(), 1);
        let wide = "--b\nContent-Type: image/png\n\nx\n".repeat(5000);
        let wide = content(&format!("Content-Type: multipart/mixed; boundary=b\n\n{wide}"));
        assert_eq!(wide.attachments.len(), MAX_ATTACHMENTS);
        assert!(wide.text.contains("left out 4800 more parts"), "{}", wide.text);
    }
}
