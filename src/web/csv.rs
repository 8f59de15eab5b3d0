//! CSV that a spreadsheet opens as it was meant: UTF-8 with its mark, and no cell that is taken for a formula.

use std::borrow::Cow;

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_DISPOSITION, ContentDisposition, DispositionParam, DispositionType};
use actix_web::web::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _};

use crate::failure::Failure;

/// By this a spreadsheet knows that the text is UTF-8.
const MARK: &str = "\u{feff}";

/// A cell as text. Spreadsheets run what begins like a formula, and people choose their own names.
fn inert(cell: &str) -> Cow<'_, str> {
    let begins = |c: char| matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠' | '\t' | '\r' | '\n');
    if cell.starts_with(begins) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

/// Rows as they stand in the file.
fn print<C: AsRef<str>>(rows: &[Vec<C>]) -> Result<Vec<u8>, Failure> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        let cells = row.iter().map(|cell| inert(cell.as_ref()).into_owned());
        writer.write_record(cells).map_err(|_| Failure::Bug("rows of a file differ in length"))?;
    }
    writer.into_inner().map_err(|_| Failure::Bug("memory refuses a write"))
}

/// A file that is sent while it is read, part by part.
///
/// # Errors
/// None at present.
pub fn download<S>(name: &str, header: &[&str], parts: S) -> Result<HttpResponse, Failure>
where
    S: Stream<Item = Result<Vec<Vec<String>>, Failure>> + 'static,
{
    let mut head = MARK.as_bytes().to_vec();
    head.extend(print(&[header.to_vec()])?);
    let body = parts.map(|part| part.and_then(|rows| print(&rows)).map(Bytes::from));
    let body = stream::iter([Ok(Bytes::from(head))]).chain(body);
    let disposition = ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![DispositionParam::Filename(name.to_owned())],
    };
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((CONTENT_DISPOSITION, disposition))
        .insert_header(("Cache-Control", "no-store"))
        .streaming(body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cells_are_quoted_and_kept_from_being_formulas() {
        let rows = [vec!["=HYPERLINK(\"https://evil.example\")", "Weiss, Dana", "say \"hi\""], vec!["-1", "@x", "1-1"]];
        let file = String::from_utf8(print(&rows).unwrap()).unwrap();
        let expected =
            "\"'=HYPERLINK(\"\"https://evil.example\"\")\",\"Weiss, Dana\",\"say \"\"hi\"\"\"\r\n'-1,'@x,1-1\r\n";
        assert_eq!(file, expected);
    }

    proptest! {
        #[test]
        fn what_is_read_back_is_what_was_written(cells in proptest::collection::vec("[^\u{feff}]*", 2..6)) {
            let file = print(std::slice::from_ref(&cells)).unwrap();
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(file.as_slice());
            let row = reader.records().next().unwrap().unwrap();
            for (read, written) in row.iter().zip(&cells) {
                prop_assert_eq!(read, &*inert(written));
                prop_assert!(!read.starts_with(['=', '+', '-', '@', '\t', '\r']));
            }
        }
    }
}
