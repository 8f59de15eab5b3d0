//! Style sheet, script, icons and fonts: embedded, compressed once, served under an address that holds the hash of all
//! of them, so that browsers may keep them for good.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write as _;
use std::sync::LazyLock;

use actix_web::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpRequest, HttpResponse, web};
use rust_embed::RustEmbed;
use sha2::{Digest as _, Sha256};

use super::error::WebError;

#[derive(RustEmbed)]
#[folder = "static/"]
struct Embedded;

struct Asset {
    bytes: Cow<'static, [u8]>,
    gzip: Option<Vec<u8>>,
    content_type: String,
}

struct Bundle {
    root: String,
    assets: HashMap<String, Asset>,
}

static BUNDLE: LazyLock<Bundle> = LazyLock::new(|| {
    let mut names: Vec<String> = Embedded::iter().map(Cow::into_owned).collect();
    names.sort_unstable();
    let mut hash = Sha256::new();
    let mut assets = HashMap::new();
    for name in names {
        let Some(file) = Embedded::get(&name) else { continue };
        hash.update(name.as_bytes());
        hash.update(&file.data);
        let mime = mime_guess::from_path(&name).first_or_octet_stream();
        let text = mime.type_() == "text" || matches!(mime.subtype().as_str(), "javascript" | "svg");
        let content_type = if text { format!("{mime}; charset=utf-8") } else { mime.to_string() };
        let gzip = text.then(|| gzip(&file.data)).flatten();
        assets.insert(name, Asset { bytes: file.data, gzip, content_type });
    }
    let version: String = hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    Bundle { root: format!("/static/{version}"), assets }
});

fn gzip(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

/// The address that all assets stand under.
#[must_use]
pub fn root() -> &'static str {
    &BUNDLE.root
}

/// Answers `/static/{version}/{name}`. An old version gets the new file, but is told not to keep it.
///
/// # Errors
/// [`WebError::NotFound`].
pub async fn show(req: HttpRequest, path: web::Path<(String, String)>) -> Result<HttpResponse, WebError> {
    let (version, name) = path.into_inner();
    let asset = BUNDLE.assets.get(&name).ok_or(WebError::NotFound)?;
    let current = root().ends_with(&version);
    let keep = if current { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut reply = HttpResponse::Ok();
    reply
        .insert_header((CONTENT_TYPE, asset.content_type.as_str()))
        .insert_header((CACHE_CONTROL, keep))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((VARY, "Accept-Encoding"));
    let takes_gzip = req
        .headers()
        .get(ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.contains("gzip"));
    Ok(match &asset.gzip {
        Some(gzip) if takes_gzip => reply.insert_header((CONTENT_ENCODING, "gzip")).body(gzip.clone()),
        _ => reply.insert_header((CONTENT_ENCODING, "identity")).body(asset.bytes.to_vec()),
    })
}
