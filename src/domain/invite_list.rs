//! A list of people to be invited, as it is pasted or uploaded (I-1): one address a line, or columns with a header.
//! Reading it never fails half-way: each person is fine, or has a sentence that says what to mend.

use super::text::{grouped, one_line};

/// The most people that one list may have.
pub const MOST: usize = 10_000;

/// Why a list cannot be read at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListProblem {
    /// Nothing in it.
    #[error("Enter at least one email address, or choose a file")]
    Empty,
    /// Too long.
    #[error("This list has {} people. Invite at most {} at a time.", grouped(i64::try_from(*.0).unwrap_or(0)), grouped(10_000))]
    TooMany(usize),
    /// A header without the one column that is needed.
    #[error("The first line names columns, but none of them is called “email”")]
    NoEmailColumn,
    /// A spreadsheet's own format.
    #[error("This is a spreadsheet file. Save it as “CSV UTF-8” and upload that.")]
    Workbook,
    /// Bytes that are no text.
    #[error("This file isn’t text that can be read. Save it as “CSV UTF-8” and upload that.")]
    NotText,
}

/// The text of an uploaded file: UTF-8, UTF-16 with or without its mark, or Windows-1252, which is what spreadsheets
/// write.
///
/// # Errors
/// A sentence, if it is no text.
pub fn decode(bytes: &[u8]) -> Result<String, ListProblem> {
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]) {
        return Err(ListProblem::Workbook);
    }
    if let Some((encoding, _)) = encoding_rs::Encoding::for_bom(bytes) {
        let (text, _, broken) = encoding.decode(bytes);
        return if broken { Err(ListProblem::NotText) } else { readable(&text) };
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return readable(text);
    }
    let zeros = |from: usize| bytes.iter().skip(from).step_by(2).filter(|byte| **byte == 0).count();
    let encoding = match (zeros(0), zeros(1)) {
        (0, 0) => encoding_rs::WINDOWS_1252,
        (high, low) if high > low => encoding_rs::UTF_16BE,
        _ => encoding_rs::UTF_16LE,
    };
    // The five bytes that Windows-1252 leaves free come out as control characters.
    let (text, broken) = encoding.decode_without_bom_handling(bytes);
    if broken { Err(ListProblem::NotText) } else { readable(&text) }
}

fn readable(text: &str) -> Result<String, ListProblem> {
    // A file of UTF-16 without its mark can be valid UTF-8 as well, with a NUL beside every letter.
    if text.contains('\0') {
        let units: Vec<u8> = text.bytes().collect();
        let big = units.first() == Some(&0);
        let encoding = if big { encoding_rs::UTF_16BE } else { encoding_rs::UTF_16LE };
        let (text, broken) = encoding.decode_without_bom_handling(&units);
        return if broken || text.contains('\0') { Err(ListProblem::NotText) } else { Ok(text.into_owned()) };
    }
    let control = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if text.chars().any(control) { Err(ListProblem::NotText) } else { Ok(text.to_owned()) }
}

/// Somebody in the list, as written there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The line, from 1.
    pub line: u64,
    /// What stands for the address.
    pub email: String,
    /// Their full name, if it is there.
    pub full_name: String,
    /// Their display name, if it is there.
    pub display_name: String,
    /// Names of roles, if they are there.
    pub roles: String,
    /// Names of teams, if they are there.
    pub teams: String,
    /// Whether there is more than can be understood.
    pub more: bool,
}

/// A list as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    /// The people, in order.
    pub entries: Vec<Entry>,
    /// Columns that mean nothing here.
    pub unknown_columns: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    Email,
    FullName,
    DisplayName,
    Roles,
    Teams,
    Unknown,
}

impl Column {
    fn parse(cell: &str) -> Self {
        let word: String = cell.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
        match word.as_str() {
            "email" | "mail" | "emailaddress" | "mailaddress" => Self::Email,
            "fullname" | "name" => Self::FullName,
            "displayname" | "nickname" => Self::DisplayName,
            "role" | "roles" => Self::Roles,
            "team" | "teams" => Self::Teams,
            _ => Self::Unknown,
        }
    }
}

fn records(text: &str, separator: u8) -> impl Iterator<Item = csv::StringRecord> {
    csv::ReaderBuilder::new()
        .delimiter(separator)
        .has_headers(false)
        .flexible(true)
        .from_reader(std::io::Cursor::new(text.as_bytes().to_vec()))
        .into_records()
        .filter_map(Result::ok)
}

/// The separator and columns of a list whose first line names them.
fn header(text: &str) -> Option<(u8, Vec<Column>, Vec<String>)> {
    let first = text.lines().find(|line| !line.trim().is_empty())?;
    if first.contains('@') {
        return None;
    }
    let read = |separator: u8| {
        let cells: Vec<String> = records(first, separator).next()?.iter().map(one_line).collect();
        let columns: Vec<Column> = cells.iter().map(|cell| Column::parse(cell)).collect();
        let known = columns.iter().filter(|column| **column != Column::Unknown).count();
        (known > 0).then_some((known, (separator, columns, cells)))
    };
    b",;\t"
        .iter()
        .filter_map(|separator| read(*separator))
        .rev()
        .max_by_key(|(known, _)| *known)
        .map(|(_, found)| found)
}

/// Reads a list.
///
/// # Errors
/// A [`ListProblem`], if it cannot be read at all.
pub fn read(text: &str) -> Result<List, ListProblem> {
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    let list = match header(&text) {
        Some((separator, columns, cells)) => columns_of(&text, separator, &columns, &cells)?,
        None => List {
            entries: (1..).zip(text.lines()).flat_map(|(line, text)| line_of(line, text)).collect(),
            unknown_columns: Vec::new(),
        },
    };
    match list.entries.len() {
        0 => Err(ListProblem::Empty),
        count if count > MOST => Err(ListProblem::TooMany(count)),
        _ => Ok(list),
    }
}

fn columns_of(text: &str, separator: u8, columns: &[Column], cells: &[String]) -> Result<List, ListProblem> {
    if !columns.contains(&Column::Email) {
        return Err(ListProblem::NoEmailColumn);
    }
    let unknown = columns.iter().zip(cells).filter(|(column, cell)| **column == Column::Unknown && !cell.is_empty());
    let unknown_columns = unknown.map(|(_, cell)| cell.clone()).collect();
    let mut entries = Vec::new();
    for record in records(text, separator).skip(1) {
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        let line = record.position().map_or(0, csv::Position::line);
        let mut entry = Entry { line, ..Entry::default() };
        for (place, cell) in record.iter().enumerate() {
            let cell = one_line(cell);
            match columns.get(place) {
                Some(Column::Email) => set(&mut entry.email, cell),
                Some(Column::FullName) => set(&mut entry.full_name, cell),
                Some(Column::DisplayName) => set(&mut entry.display_name, cell),
                Some(Column::Roles) => set(&mut entry.roles, cell),
                Some(Column::Teams) => set(&mut entry.teams, cell),
                Some(Column::Unknown) => {}
                None => entry.more |= !cell.is_empty(),
            }
        }
        if let Some((name, email)) = in_angles(&entry.email) {
            set(&mut entry.full_name, name);
            entry.email = email;
        }
        entries.push(entry);
    }
    Ok(List { entries, unknown_columns })
}

fn set(field: &mut String, cell: String) {
    if field.is_empty() {
        *field = cell;
    }
}

/// `Amara Nwosu <amara@fernhill.example>`: name and address.
fn in_angles(text: &str) -> Option<(String, String)> {
    let (name, rest) = text.split_once('<')?;
    let (email, _) = rest.split_once('>')?;
    Some((one_line(name.trim().trim_matches('"')), one_line(email)))
}

/// The pieces of a line between commas, semicolons and tabs, except inside of quotes and angle brackets.
fn pieces(line: &str) -> Vec<String> {
    let (mut pieces, mut piece, mut quoted, mut angled) = (Vec::new(), String::new(), false, false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            '<' => angled = true,
            '>' => angled = false,
            _ => {}
        }
        if matches!(c, ',' | ';' | '\t') && !quoted && !angled {
            pieces.push(std::mem::take(&mut piece));
        } else {
            piece.push(c);
        }
    }
    pieces.push(piece);
    pieces.into_iter().map(|piece| one_line(&piece)).filter(|piece| !piece.is_empty()).collect()
}

/// The people of a line without columns: `address`, `address, name`, `name, address`, `Name <address>`, and several
/// addresses, as they are copied out of a mail.
fn line_of(line: u64, text: &str) -> Vec<Entry> {
    let mut people: Vec<Entry> = Vec::new();
    let mut before: Option<String> = None;
    for piece in pieces(text) {
        let found = in_angles(&piece).or_else(|| among_words(&piece));
        match (found, people.last_mut()) {
            (Some((name, email)), _) => {
                // "Nwosu, Amara <amara@…>" is how some mail programs write names.
                let full_name = match (before.take(), name.is_empty()) {
                    (Some(last), false) => format!("{name} {last}"),
                    (Some(name), true) => name,
                    (None, _) => name,
                };
                people.push(Entry { line, email, full_name, ..Entry::default() });
            }
            (None, Some(last)) if last.full_name.is_empty() => last.full_name = unquoted(&piece),
            (None, Some(last)) => last.more = true,
            (None, None) if before.is_none() => before = Some(unquoted(&piece)),
            (None, None) => {}
        }
    }
    if let Some(email) = before {
        people.push(Entry { line, email, ..Entry::default() });
    }
    people
}

fn unquoted(piece: &str) -> String {
    one_line(piece.trim_matches('"'))
}

/// The word with an "@" and the others.
fn among_words(piece: &str) -> Option<(String, String)> {
    let piece = unquoted(piece);
    let email = piece.split(' ').find(|word| word.contains('@'))?;
    let name: Vec<&str> = piece.split(' ').filter(|word| *word != email).collect();
    Some((name.join(" "), email.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn people(text: &str) -> Vec<(u64, String, String)> {
        read(text).unwrap().entries.into_iter().map(|one| (one.line, one.email, one.full_name)).collect()
    }

    fn row(line: u64, email: &str, name: &str) -> (u64, String, String) {
        (line, email.to_owned(), name.to_owned())
    }

    #[test]
    fn a_line_is_an_address_with_or_without_a_name() {
        let text = "amara@f.example\r\n\n  Chen Wei <chen@f.example>\nbea@f.example, Bea López\nDee Tay; dee@f.example\r\
             \"Nwosu, A.\" <an@f.example>\nNwosu, Ada <ada@f.example>\neve@f.example Eve Eden\nnobody";
        let expected = [
            row(1, "amara@f.example", ""),
            row(3, "chen@f.example", "Chen Wei"),
            row(4, "bea@f.example", "Bea López"),
            row(5, "dee@f.example", "Dee Tay"),
            row(6, "an@f.example", "Nwosu, A."),
            row(7, "ada@f.example", "Ada Nwosu"),
            row(8, "eve@f.example", "Eve Eden"),
            row(9, "nobody", ""),
        ];
        assert_eq!(people(text), expected);
    }

    #[test]
    fn addresses_of_one_line_are_people_of_their_own() {
        let text = "a@f.example, b@f.example; Cy Cole <c@f.example>\td@f.example";
        let emails: Vec<String> = people(text).into_iter().map(|one| one.1).collect();
        assert_eq!(emails, ["a@f.example", "b@f.example", "c@f.example", "d@f.example"]);
        assert!(read("a@f.example, Ann, Annie, x").unwrap().entries[0].more);
    }

    #[test]
    fn columns_are_read_by_their_names_whatever_separates_them() {
        for (text, separator) in [
            (
                "E-Mail,Full name,display_name,Roles,Teams,Phone\na@f.example,\"Ann, A.\",Annie,\"Agent;Reader\",Returns,1",
                ',',
            ),
            (
                "email;full_name;display_name;roles;teams;Phone\na@f.example;Ann, A.;Annie;\"Agent;Reader\";Returns;1",
                ';',
            ),
            ("email\tname\tnickname\trole\tteam\tPhone\n\na@f.example\tAnn, A.\tAnnie\tAgent;Reader\tReturns\t1", '\t'),
        ] {
            let list = read(text).unwrap();
            assert_eq!(list.unknown_columns, ["Phone"], "{separator}");
            let one = &list.entries[0];
            assert_eq!((one.email.as_str(), one.full_name.as_str()), ("a@f.example", "Ann, A."), "{separator}");
            assert_eq!((one.display_name.as_str(), one.roles.as_str()), ("Annie", "Agent;Reader"));
            assert_eq!(one.teams, "Returns");
        }
        assert_eq!(read("full_name,roles\nAnn,Agent"), Err(ListProblem::NoEmailColumn));
        assert_eq!(read("email\n"), Err(ListProblem::Empty));
        assert_eq!(people("email\nAnn A <a@f.example>"), [row(2, "a@f.example", "Ann A")]);
        assert!(read("email,name\na@f.example,Ann,what").unwrap().entries[0].more);
    }

    #[test]
    fn ten_thousand_are_enough() {
        let text = |count: usize| (0..count).map(|n| format!("p{n}@f.example\n")).collect::<String>();
        assert_eq!(read(&text(MOST)).unwrap().entries.len(), MOST);
        let said = read(&text(MOST + 1)).unwrap_err().to_string();
        assert_eq!(said, "This list has 10,001 people. Invite at most 10,000 at a time.");
    }

    #[test]
    fn files_of_spreadsheets_are_text() {
        let text = "email,full_name\nbea@f.example,Béa Łopez\n";
        let utf16 = |big: bool| -> Vec<u8> {
            text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
        };
        let marked = |mark: &[u8], rest: Vec<u8>| [mark.to_vec(), rest].concat();
        let files = [
            text.as_bytes().to_vec(),
            marked(b"\xef\xbb\xbf", text.as_bytes().to_vec()),
            marked(b"\xff\xfe", utf16(false)),
            marked(b"\xfe\xff", utf16(true)),
            utf16(false),
            utf16(true),
        ];
        for (place, file) in files.iter().enumerate() {
            assert_eq!(decode(file).as_deref(), Ok(text), "{place}");
        }
        let (latin, _, _) = encoding_rs::WINDOWS_1252.encode("email;name\nbea@f.example;Béa “B” López");
        assert_eq!(decode(&latin).unwrap(), "email;name\nbea@f.example;Béa “B” López");
        assert_eq!(decode(b"PK\x03\x04..."), Err(ListProblem::Workbook));
        assert_eq!(decode(b"\x89PNG\r\n\x1a\n\x81\x00\x00"), Err(ListProblem::NotText));
    }

    proptest! {
        #[test]
        fn nothing_that_is_typed_breaks_reading(text in "(?s).{0,300}") {
            if let Ok(list) = read(&text) {
                prop_assert!(!list.entries.is_empty());
            }
        }

        #[test]
        fn no_file_breaks_decoding(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
        }
    }
}
