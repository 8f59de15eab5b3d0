//! Mail boxes in mbox form, one message after the other.
//!
//! Not `mail-parser`'s reader: that one begins a new message at every line that starts with "From ", also in the middle of a
//! paragraph, and keeps messages of any size in memory.

use std::io::{self, BufRead, Read};

use super::incoming::MAX_MESSAGE_BYTES;

/// Lines are read in pieces of at most this many bytes.
const PIECE_BYTES: u64 = 64 * 1024;

/// The messages of a mail box, in its order, as they came over the wire: without their "From " lines and with ">From " unquoted as
/// mboxrd has it. A "From " line counts at the start and after an empty line. A file without any such line is one message.
///
/// Memory is bounded: of a message longer than `incoming::MAX_MESSAGE_BYTES` one byte more than that is kept, so that
/// `incoming::read` refuses it.
///
/// # Errors
/// The reader's; the messages end with the first.
pub fn messages(reader: impl BufRead) -> impl Iterator<Item = io::Result<Vec<u8>>> {
    Messages { reader, limit: MAX_MESSAGE_BYTES + 1, after_blank: true, is_done: false }
}

struct Messages<R> {
    reader: R,
    limit: usize,
    /// Whether the line before was empty, or there was none.
    after_blank: bool,
    is_done: bool,
}

impl<R: BufRead> Iterator for Messages<R> {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.is_done {
            match self.message() {
                Ok(message) if message.trim_ascii().is_empty() => {}
                Ok(message) => return Some(Ok(message)),
                Err(error) => {
                    self.is_done = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

impl<R: BufRead> Messages<R> {
    /// What stands before the next "From " line or the end.
    fn message(&mut self) -> io::Result<Vec<u8>> {
        let mut message = Vec::new();
        let mut piece = Vec::new();
        let mut is_line_start = true;
        loop {
            piece.clear();
            // The last reader's `take` must not swallow bytes beyond the piece, so it borrows.
            if (&mut self.reader).take(PIECE_BYTES).read_until(b'\n', &mut piece)? == 0 {
                self.is_done = true;
                return Ok(message);
            }
            let ends_line = piece.ends_with(b"\n");
            if is_line_start && self.after_blank && piece.starts_with(b"From ") {
                if !ends_line {
                    self.skip_line()?;
                }
                self.after_blank = false;
                return Ok(without_separating_line(message));
            }
            let text = if is_line_start { unquoted(&piece) } else { &piece };
            let room = self.limit.saturating_sub(message.len());
            message.extend(text.iter().take(room));
            self.after_blank = is_line_start && piece.trim_ascii().is_empty();
            is_line_start = ends_line;
        }
    }

    fn skip_line(&mut self) -> io::Result<()> {
        let mut piece = Vec::new();
        while !piece.ends_with(b"\n") {
            piece.clear();
            if (&mut self.reader).take(PIECE_BYTES).read_until(b'\n', &mut piece)? == 0 {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// ">From " stands for "From ", ">>From " for ">From ".
fn unquoted(line: &[u8]) -> &[u8] {
    let quotes = line.iter().take_while(|byte| **byte == b'>').count();
    let is_quoted = quotes > 0 && line.get(quotes..).is_some_and(|rest| rest.starts_with(b"From "));
    if is_quoted { line.get(1..).unwrap_or(line) } else { line }
}

/// The empty line before "From " belongs to the mail box.
fn without_separating_line(mut message: Vec<u8>) -> Vec<u8> {
    for end in [b"\r\n\r\n".as_slice(), b"\n\n"] {
        if message.ends_with(end) {
            message.truncate(message.len() - end.len() / 2);
            break;
        }
    }
    message
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Cursor};

    use proptest::prelude::*;

    use super::*;

    fn split(mbox: &str) -> Vec<String> {
        messages(Cursor::new(mbox)).map(|message| String::from_utf8(message.unwrap()).unwrap()).collect()
    }

    #[test]
    fn messages_begin_at_separators() {
        assert_eq!(split("From a Mon\nA: 1\n\nx\n\nFrom b Tue\nA: 2\n\ny\n"), ["A: 1\n\nx\n", "A: 2\n\ny\n"]);
        assert_eq!(split("From a\r\nA: 1\r\n\r\nx\r\n\r\nFrom b\r\nA: 2\r\n"), ["A: 1\r\n\r\nx\r\n", "A: 2\r\n"]);
        assert_eq!(split("A: 1\n\nx"), ["A: 1\n\nx"]);
        assert!(split("").is_empty());
        assert!(split("\n\nFrom a\n\n\nFrom b\n").is_empty());
    }

    #[test]
    fn from_within_a_paragraph_is_text() {
        assert_eq!(split("From a\nA: 1\n\nx\nFrom now on\n"), ["A: 1\n\nx\nFrom now on\n"]);
    }

    #[test]
    fn quoted_from_lines_are_unquoted_once() {
        assert_eq!(
            split("From a\nA: 1\n\n>From b\n>>From c\n> From d\n>Frome\n"),
            ["A: 1\n\nFrom b\n>From c\n> From d\n>Frome\n"]
        );
    }

    #[test]
    fn large_messages_and_lines_are_bounded() {
        let mbox = format!("From a\n{}\nFrom {}\nB: 2\n", "x".repeat(300_000), "y".repeat(300_000));
        let reader = BufReader::with_capacity(1000, Cursor::new(mbox.replace("x\nF", "x\n\nF")));
        let kept: Vec<_> =
            Messages { reader, limit: 1000, after_blank: true, is_done: false }.map(Result::unwrap).collect();
        assert_eq!(kept, [vec![b'x'; 1000], b"B: 2\n".to_vec()]);
    }

    #[test]
    fn trouble_ends_the_messages() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("gone"))
            }
        }
        let mut found = messages(BufReader::new(Cursor::new("From a\nA: 1\n\n").chain(Broken)));
        assert!(found.next().unwrap().is_err());
        assert!(found.next().is_none());
    }

    proptest! {
        #[test]
        fn any_mailbox_is_read(bodies in proptest::collection::vec("(a|>|From |\n|\r|\\PC){0,40}", 0..5)) {
            let quote = |body: &String| body.split('\n').map(|line| {
                let is_from = line.trim_start_matches('>').starts_with("From ");
                if is_from { format!(">{line}") } else { line.to_owned() }
            }).collect::<Vec<_>>().join("\n");
            let mbox: String = bodies.iter().map(|body| format!("From x\nA: 1\n\n{}\n\n", quote(body))).collect();
            let found = split(&mbox);
            prop_assert_eq!(found.len(), bodies.len());
            for (found, body) in found.iter().zip(&bodies) {
                prop_assert!(found.starts_with(&format!("A: 1\n\n{body}")), "{:?} {:?}", found, body);
            }
        }
    }
}
