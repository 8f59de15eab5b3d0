//! Attachments: names that are safe to show and to offer for download, types that are safe to send as a header.

use std::borrow::Cow;

use mail_parser::ContentType;

use super::fields::{self, Fields};
use super::text;

const MAX_NAME_CHARS: usize = 200;
const MAX_TOKEN_BYTES: usize = 127;
const UNKNOWN_TYPE: &str = "application/octet-stream";

/// A file that came with a message. Its bytes are the sender's and must be served as a download, never as a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Never empty; without path, control or text direction characters.
    pub file_name: String,
    /// `type/subtype` in lower case as the sender claims, without parameters; `application/octet-stream` if the claim is no type.
    pub content_type: String,
    /// By which the HTML of the message refers to it; without angle brackets.
    pub content_id: Option<String>,
    /// Meant to be seen inside the message, such as a picture in its text.
    pub inline: bool,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// The attachment that is the `number`th of its message. `is_mail`: a part of a digest, which is a message if it does not say else.
pub(super) fn read(
    fields: &Fields,
    kind: Option<&ContentType<'_>>,
    bytes: &[u8],
    is_mail: bool,
    number: usize,
) -> Attachment {
    let content_type = if is_mail { "message/rfc822".to_owned() } else { checked_type(kind) };
    let disposition = fields.parametrised("content-disposition");
    let content_id = fields.content_id();
    let is_file = disposition.as_ref().is_some_and(ContentType::is_attachment);
    let is_inline = disposition.as_ref().is_some_and(ContentType::is_inline);
    Attachment {
        file_name: name(declared_name(disposition.as_ref(), kind).as_deref(), &content_type, bytes, number),
        inline: is_inline || (content_id.is_some() && !is_file),
        content_type,
        content_id,
        bytes: bytes.to_vec(),
    }
}

/// The file name that the part gives itself, as written.
pub(super) fn declared_name<'a>(
    disposition: Option<&'a ContentType<'_>>,
    kind: Option<&'a ContentType<'_>>,
) -> Option<Cow<'a, str>> {
    let name = disposition
        .and_then(|disposition| disposition.attribute("filename"))
        .or_else(|| kind.and_then(|kind| kind.attribute("name")))?;
    // Forbidden inside a parameter, and what half of all programs write.
    let name = if name.contains("=?") { Cow::Owned(fields::words(name)) } else { Cow::Borrowed(name) };
    (!name.trim().is_empty()).then_some(name)
}

/// The name of the attachment with this content id.
pub(super) fn name_of(attachments: &[Attachment], content_id: &str) -> Option<String> {
    let found = attachments.iter().find(|attachment| attachment.content_id.as_deref() == Some(content_id));
    found.map(|attachment| attachment.file_name.clone())
}

fn name(declared: Option<&str>, content_type: &str, bytes: &[u8], number: usize) -> String {
    let is_mail = content_type == "message/rfc822";
    let declared = declared.map(safe_name).filter(|name| !name.is_empty());
    let named = declared.or_else(|| is_mail.then(|| subject_of(bytes)).filter(|name| !name.is_empty()));
    let name = named.unwrap_or_else(|| format!("attachment-{number}"));
    let ending = ending_of(content_type);
    let has_ending = name.rsplit_once('.').is_some_and(|(stem, ending)| !stem.is_empty() && is_ending(ending));
    let lacks_mail_ending = is_mail && !name.to_ascii_lowercase().ends_with(".eml");
    if (has_ending || ending.is_empty()) && !lacks_mail_ending { name } else { bounded(&format!("{name}.{ending}")) }
}

/// The subject of a forwarded message is what people know it by.
fn subject_of(bytes: &[u8]) -> String {
    let (head, _) = fields::split(fields::without_envelope_line(bytes));
    safe_name(&Fields::parse(head).subject().replace(['/', '\\'], "-"))
}

/// The last component of the path without what could deceive a reader or a file system.
fn safe_name(declared: &str) -> String {
    let last = declared.rsplit(['/', '\\']).find(|part| !part.trim().is_empty()).unwrap_or_default();
    let visible: String =
        last.chars().filter(|char| !text::is_direction(*char) && !text::is_invisible(*char)).collect();
    let shown = text::one_line(&visible, usize::MAX);
    let shown: String = shown.chars().map(|char| if ":*?\"<>|".contains(char) { '_' } else { char }).collect();
    bounded(shown.trim_matches(['.', ' ']))
}

/// Cut to the longest allowed length before the ending, which tells what the file is.
fn bounded(name: &str) -> String {
    if name.chars().count() <= MAX_NAME_CHARS {
        return name.to_owned();
    }
    let (stem, ending) = match name.rsplit_once('.') {
        Some((stem, ending)) if is_ending(ending) => (stem, format!(".{ending}")),
        _ => (name, String::new()),
    };
    let room = MAX_NAME_CHARS.saturating_sub(ending.chars().count());
    stem.chars().take(room).chain(ending.chars()).collect()
}

fn is_ending(ending: &str) -> bool {
    (1..=10).contains(&ending.len()) && ending.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn ending_of(content_type: &str) -> &'static str {
    match content_type {
        "message/rfc822" => "eml",
        "text/plain" | "message/delivery-status" | "text/rfc822-headers" => "txt",
        "text/html" => "html",
        "text/csv" => "csv",
        "text/calendar" => "ics",
        "application/pdf" => "pdf",
        "application/zip" => "zip",
        "image/jpeg" => "jpg",
        "image/png" => "png",
        "image/gif" => "gif",
        "image/webp" => "webp",
        _ => "",
    }
}

fn checked_type(kind: Option<&ContentType<'_>>) -> String {
    let Some((main, sub)) = kind.and_then(|kind| Some((kind.ctype(), kind.subtype()?))) else {
        return UNKNOWN_TYPE.to_owned();
    };
    // A multipart that is kept unread has lost its boundary and is only bytes.
    if !is_token(main) || !is_token(sub) || main == "multipart" {
        return UNKNOWN_TYPE.to_owned();
    }
    format!("{main}/{sub}").to_ascii_lowercase()
}

/// RFC 6838 allows these in the name of a type.
fn is_token(word: &str) -> bool {
    let mut bytes = word.bytes();
    word.len() <= MAX_TOKEN_BYTES
        && bytes.next().is_some_and(|byte| byte.is_ascii_alphanumeric())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attached(head: &str) -> Attachment {
        let fields = Fields::parse(head.as_bytes());
        let kind = fields.parametrised("content-type");
        read(&fields, kind.as_ref(), b"Subject: Re: a/b\n\nhi", false, 3)
    }

    fn named(parameter: &str) -> String {
        attached(&format!("Content-Disposition: attachment; {parameter}")).file_name
    }

    #[test]
    fn names_hold_no_path_and_no_tricks() {
        assert_eq!(named("filename=\"../../etc/passwd\""), "passwd");
        assert_eq!(named("filename=\"C:\\\\Users\\\\x\\\\bill.pdf\""), "bill.pdf");
        assert_eq!(named("filename=\"a\u{202e}fdp.exe\""), "afdp.exe");
        assert_eq!(named("filename=\"a\u{1}\tb.txt\""), "a b.txt");
        assert_eq!(named("filename=\"a:b|c?.txt\""), "a_b_c_.txt");
        assert_eq!(named("filename=\"..\""), "attachment-3");
        assert_eq!(named("filename=\"/\""), "attachment-3");
        assert_eq!(named("filename=\".htaccess\""), "htaccess");
    }

    #[test]
    fn encoded_names_are_decoded() {
        assert_eq!(named("filename=\"=?UTF-8?B?44Gm44GZ44GoLnR4dA==?=\""), "てすと.txt");
        assert_eq!(named("filename*=utf-8''R%C3%A4nder%2Epdf"), "Ränder.pdf");
        assert_eq!(named("filename*=utf-8''..%2F..%2Fx.pdf"), "x.pdf");
        assert_eq!(named("filename=\"=?UTF-8?Q?..=2F..=2Fpass?=\""), "pass");
    }

    #[test]
    fn long_names_keep_their_ending() {
        let name = named(&format!("filename=\"{}.pdf\"", "ü".repeat(500)));
        assert_eq!(name.chars().count(), MAX_NAME_CHARS);
        assert!(name.ends_with("ü.pdf"));
    }

    #[test]
    fn missing_names_follow_the_type() {
        assert_eq!(attached("Content-Type: image/png").file_name, "attachment-3.png");
        assert_eq!(attached("Content-Type: x").file_name, "attachment-3");
        assert_eq!(attached("Content-Type: message/rfc822").file_name, "Re_ a-b.eml");
        assert_eq!(attached("Content-Type: message/rfc822; name=x.msg").file_name, "x.msg.eml");
    }

    #[test]
    fn types_are_checked() {
        assert_eq!(attached("Content-Type: Image/PNG; name=x").content_type, "image/png");
        for strange in
            ["image", "image/", "a b/c", "text/html<script>", "multipart/mixed; boundary=x", "/", "tëxt/plain"]
        {
            assert_eq!(attached(&format!("Content-Type: {strange}")).content_type, UNKNOWN_TYPE, "{strange}");
        }
    }

    #[test]
    fn inline_is_what_the_text_refers_to() {
        assert!(attached("Content-ID: <a@b>\nContent-Type: image/png").inline);
        assert!(attached("Content-Disposition: inline").inline);
        assert!(!attached("Content-ID: <a@b>\nContent-Disposition: attachment").inline);
        assert_eq!(attached("Content-ID: <a@b>").content_id.as_deref(), Some("a@b"));
    }
}
