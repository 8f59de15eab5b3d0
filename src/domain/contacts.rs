//! Contacts: the customers, with their names, addresses and a note (C-16).

use super::text::{key, lines, one_line, shorten};
use super::users::parse_email;

/// So many addresses one contact may have.
pub const MOST_ADDRESSES: usize = 20;
/// Characters of a name.
const NAME_CHARS: usize = 120;
/// Characters of a note.
const NOTE_CHARS: usize = 10_000;

/// A "no" about a contact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContactRefusal {
    /// Each address belongs to one contact.
    #[error("{0} belongs to another contact. Merge the two if they are the same person.")]
    AddressTaken(String),
    /// Nothing can be merged with itself.
    #[error("Choose another contact than this one.")]
    Same,
    /// It is not there any more as itself.
    #[error("This contact was merged into another one meanwhile.")]
    Merged,
    /// Putting back is possible for a while only.
    #[error("It’s too late to take this merge back.")]
    TooLate,
    /// Twice is not possible.
    #[error("This merge was taken back already.")]
    Undone,
    /// The later one comes first.
    #[error("The contact was merged once more since. Take that back first.")]
    MergedOnwards,
    /// Without an address nobody would be there.
    #[error("None of the addresses that came with it are left.")]
    NothingLeft,
}

/// A contact's name.
///
/// # Errors
/// The sentence for its field.
pub fn parse_name(input: &str) -> Result<String, &'static str> {
    let name = one_line(input);
    if name.is_empty() {
        return Err("Enter a name");
    }
    if name.chars().count() > NAME_CHARS {
        return Err("A name has at most 120 characters");
    }
    Ok(name)
}

/// What teammates should know about a contact.
///
/// # Errors
/// The sentence for its field.
pub fn parse_note(input: &str) -> Result<String, &'static str> {
    let note = lines(input);
    if note.chars().count() > NOTE_CHARS {
        return Err("A note has at most 10,000 characters");
    }
    Ok(note)
}

/// Addresses, one a line; the same one twice counts once. Replies go to the first.
///
/// # Errors
/// The sentence for their field.
pub fn parse_addresses(input: &str) -> Result<Vec<String>, String> {
    let mut addresses: Vec<String> = Vec::new();
    for line in input.lines().map(one_line).filter(|line| !line.is_empty()) {
        let address = parse_email(&line)
            .map_err(|_| format!("“{}” is no email address. Write one address on each line", shorten(&line, 60)))?;
        if !addresses.iter().any(|known| key(known) == key(&address)) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() {
        return Err("Enter an address: replies need one".to_owned());
    }
    if addresses.len() > MOST_ADDRESSES {
        return Err(format!("A contact has at most {MOST_ADDRESSES} addresses"));
    }
    Ok(addresses)
}

/// The notes of two who become one.
#[must_use]
pub fn joined_notes(kept: &str, merged: &str) -> String {
    match (kept.is_empty(), merged.is_empty()) {
        (_, true) => kept.to_owned(),
        (true, false) => merged.to_owned(),
        (false, false) => format!("{kept}\n\n{merged}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_stand_on_lines_of_their_own() {
        let typed = " harriet@x.example \r\n\nHARRIET@x.example\ncole@work.example";
        assert_eq!(parse_addresses(typed).unwrap(), ["harriet@x.example", "cole@work.example"]);
        assert!(parse_addresses(" \n ").unwrap_err().starts_with("Enter an address"));
        assert!(parse_addresses("a@b.example, c@d.example").unwrap_err().contains("one address on each line"));
        let many: String = (0..=MOST_ADDRESSES).map(|n| format!("a{n}@x.example\n")).collect();
        assert!(parse_addresses(&many).unwrap_err().contains("at most 20"));
    }

    #[test]
    fn notes_are_kept_when_two_become_one() {
        assert_eq!(joined_notes("Likes tents", ""), "Likes tents");
        assert_eq!(joined_notes("", "Calls at noon"), "Calls at noon");
        assert_eq!(joined_notes("Likes tents", "Calls at noon"), "Likes tents\n\nCalls at noon");
    }

    proptest! {
        #[test]
        fn whatever_is_typed_is_read_or_refused(text in "(?s).{0,200}") {
            let _ = parse_name(&text);
            let _ = parse_note(&text);
            if let Ok(addresses) = parse_addresses(&text) {
                prop_assert_eq!(parse_addresses(&addresses.join("\n")), Ok(addresses));
            }
        }
    }
}
