//! Files of messages. They are a stranger's, so a browser gets them to keep, never to run.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS};

use crate::actions::incoming::may_open;
use crate::domain::ids::AttachmentId;
use crate::failure::Failure;
use crate::store::{self, db::blocking};
use crate::web::error::WebError;
use crate::web::extract::{Id, Seeing};
use crate::web::reply::Reply;

/// Kinds that are told as what they are; everything else is just bytes.
const KNOWN: [&str; 6] = ["image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/plain"];

/// A file, for who may see its conversation.
///
/// # Errors
/// [`WebError::NotFound`], or trouble with the database or the disk.
pub async fn show(Seeing(viewer): Seeing, id: Id<AttachmentId>) -> Reply {
    let (id, sees, workspace) = (id.0, viewer.sees(), viewer.scope().workspace);
    let file = viewer
        .read(move |rx| {
            let (file, conversation) = store::messages::find_attachment(rx, id)?.ok_or(Failure::NotFound)?;
            if may_open(rx, conversation, &sees)? { Ok(file) } else { Err(Failure::NotFound) }
        })
        .await?;
    let (files, sha256) = (viewer.app.files.clone(), file.sha256.clone());
    let bytes = blocking(move || files.read(workspace, &sha256).map_err(|error| Failure::Io("a kept file", error)));
    let bytes = bytes.await.map_err(WebError::Failure)?;
    Ok(HttpResponse::Ok()
        .content_type(content_type(&file.content_type))
        .insert_header((CONTENT_DISPOSITION, disposition(&file.file_name)))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"))
        .insert_header((CACHE_CONTROL, "private, no-store"))
        .body(bytes))
}

fn content_type(said: &str) -> &'static str {
    let kind = said.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match KNOWN.into_iter().find(|known| *known == kind) {
        Some("text/plain") => "text/plain; charset=utf-8",
        Some(known) => known,
        None => "application/octet-stream",
    }
}

/// "attachment" with the file's name: once for old programs in ASCII, once in full (RFC 6266, RFC 8187).
fn disposition(name: &str) -> String {
    let clean: String = name.chars().filter(|c| !c.is_control()).collect();
    let clean = clean.rsplit(['/', '\\']).next().unwrap_or_default().trim().to_owned();
    let clean = if clean.is_empty() { "file".to_owned() } else { clean };
    let plain: String =
        clean.chars().map(|c| if c.is_ascii() && !matches!(c, '"' | '\\' | '%' | ';') { c } else { '_' }).collect();
    let mut full = String::with_capacity(clean.len() * 3);
    for byte in clean.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') {
            full.push(char::from(byte));
        } else {
            full.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{full}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_the_header() {
        assert_eq!(disposition("a.pdf"), "attachment; filename=\"a.pdf\"; filename*=UTF-8''a.pdf");
        let said = disposition("../x\"; filename=\"evil\r\n.exe");
        assert_eq!(
            said,
            "attachment; filename=\"x__ filename=_evil.exe\"; filename*=UTF-8''x%22%3B%20filename%3D%22evil.exe"
        );
        assert_eq!(
            disposition("Größe.txt"),
            "attachment; filename=\"Gr__e.txt\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.txt"
        );
        assert_eq!(disposition("\n"), "attachment; filename=\"file\"; filename*=UTF-8''file");
    }

    #[test]
    fn only_harmless_kinds_are_told() {
        assert_eq!(content_type("IMAGE/PNG; name=x"), "image/png");
        assert_eq!(content_type("text/plain"), "text/plain; charset=utf-8");
        for odd in ["text/html", "image/svg+xml", "", "application/javascript"] {
            assert_eq!(content_type(odd), "application/octet-stream");
        }
    }
}
