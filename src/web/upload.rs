//! Forms that may carry a file: as `multipart/form-data`, or as plain ones.

use std::future::Future;
use std::pin::Pin;

use actix_multipart::Multipart;
use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::StreamExt as _;

use super::error::WebError;
use super::extract::check_origin;

/// The most bytes that a form with a file may have.
pub const UPLOAD_LIMIT: usize = 6_000_000;

/// The most fields that a form with a file may have: many more than any of ours. Each costs more than its bytes.
const FIELDS: usize = 5_000;

const TOO_MUCH: WebError = WebError::BadForm("That is more than a form may hold. Split the list and send it in parts.");
const UNREADABLE: WebError = WebError::BadForm("The form could not be read. Go back and send it again.");

/// The fields of a form, in order, and the bytes of the file, if one was chosen.
#[derive(Clone, Debug, Default)]
pub struct Upload {
    fields: Vec<(String, String)>,
    file: Vec<u8>,
}

impl Upload {
    /// The first value of a field, or nothing.
    #[must_use]
    pub fn one(&self, name: &str) -> &str {
        self.fields.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value.as_str())
    }

    /// All values of a field.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<String> {
        self.fields.iter().filter(|(field, _)| field == name).map(|(_, value)| value.clone()).collect()
    }

    /// The file, if it holds anything.
    #[must_use]
    pub fn file(&self) -> Option<&[u8]> {
        (!self.file.is_empty()).then_some(self.file.as_slice())
    }
}

async fn read(mut form: Multipart) -> Result<Upload, WebError> {
    let (mut upload, mut left, mut parts) = (Upload::default(), UPLOAD_LIMIT, 0);
    while let Some(part) = form.next().await {
        let mut part = part.map_err(|_| UNREADABLE)?;
        let name = part.name().unwrap_or_default().to_owned();
        left = left.checked_sub(name.len()).ok_or(TOO_MUCH)?;
        parts += 1;
        if parts > FIELDS {
            return Err(TOO_MUCH);
        }
        let is_file = part.content_disposition().is_some_and(|what| what.get_filename().is_some());
        let mut bytes: Vec<u8> = Vec::new();
        while let Some(chunk) = part.next().await {
            let chunk = chunk.map_err(|_| UNREADABLE)?;
            left = left.checked_sub(chunk.len()).ok_or(TOO_MUCH)?;
            bytes.extend_from_slice(&chunk);
        }
        if is_file {
            upload.file = bytes;
        } else {
            upload.fields.push((name, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    Ok(upload)
}

impl FromRequest for Upload {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, actix_web::Error>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let kind = req.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let req = req.clone();
        if kind.starts_with("multipart/form-data") {
            let form = Multipart::new(req.headers(), payload.take());
            return Box::pin(async move {
                let upload = read(form).await?;
                check_origin(&req, upload.one("csrf_token"))?;
                Ok(upload)
            });
        }
        let bytes = web::Bytes::from_request(&req, payload);
        Box::pin(async move {
            let bytes = bytes.await?;
            let fields: Vec<_> = url::form_urlencoded::parse(&bytes).into_owned().take(FIELDS + 1).collect();
            if fields.len() > FIELDS {
                return Err(TOO_MUCH.into());
            }
            let upload = Self { fields, file: Vec::new() };
            check_origin(&req, upload.one("csrf_token"))?;
            Ok(upload)
        })
    }
}
