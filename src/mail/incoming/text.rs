//! Text that can be stored, and short forms of it for lists.

use super::quoted::split_quoted;

const PREVIEW_CHARS: usize = 140;
const CUT_MARK: &str = "\n\n[Baton cut the rest: the message is longer than can be shown.]";

/// The beginning of what is new in a message, on one line, for lists: whitespace collapsed, at most 140 characters, "…" if cut.
#[must_use]
pub fn preview(text: &str) -> String {
    one_line(split_quoted(text).0, PREVIEW_CHARS)
}

/// Lines end with line feeds, and there is no other control character but tab: PostgreSQL refuses NUL, browsers show the rest as
/// rubbish.
pub(super) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\r' if chars.peek() == Some(&'\n') => {}
            '\r' => out.push('\n'),
            '\n' | '\t' => out.push(char),
            _ if char.is_control() => {}
            _ => out.push(char),
        }
    }
    out
}

/// Without empty lines before and after; the indentation of the first line stays.
pub(super) fn without_blank_edges(text: &str) -> &str {
    let text = text.trim_end();
    let blank = text.len() - text.trim_start().len();
    let start = text.get(..blank).and_then(|blanks| blanks.rfind('\n')).map_or(0, |at| at + 1);
    text.get(start..).unwrap_or(text)
}

/// On one line with single spaces, at most `max` characters; "…" stands for the rest.
pub(super) fn one_line(text: &str, max: usize) -> String {
    let mut out = String::new();
    let mut length = 0;
    let mut pending_space = false;
    for char in text.chars().filter(|char| char.is_whitespace() || !(char.is_control() || is_direction(*char))) {
        if char.is_whitespace() {
            pending_space = length > 0;
            continue;
        }
        let needed = 1 + usize::from(pending_space);
        if length + needed > max {
            return ellipsised(&out, max);
        }
        if pending_space {
            out.push(' ');
        }
        out.push(char);
        length += needed;
        pending_space = false;
    }
    out
}

fn ellipsised(line: &str, max: usize) -> String {
    let mut out: String = line.chars().take(max.saturating_sub(1)).collect();
    out.truncate(out.trim_end().len());
    out.push('…');
    out
}

/// At most `max` characters and a sentence that says that there was more.
pub(super) fn shortened(text: &str, max: usize) -> String {
    let mark = CUT_MARK.chars().count();
    if text.chars().nth(max).is_none() {
        return text.to_owned();
    }
    let mut out: String = text.chars().take(max.saturating_sub(mark)).collect();
    out.push_str(CUT_MARK);
    out
}

/// Characters that reorder what follows and so make "exe.fdp" look like "pdf.exe". Marks that right-to-left scripts need inside a
/// text are among them, so this is for names and single lines only.
pub(super) fn is_direction(char: char) -> bool {
    matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Characters that take no room and so make two different names look the same.
pub(super) fn is_invisible(char: char) -> bool {
    matches!(char, '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_vanish() {
        assert_eq!(clean("a\0b\u{1b}[0m\r\nc\rd\te\u{85}\u{7f}"), "ab[0m\nc\nd\te");
    }

    #[test]
    fn previews_are_one_short_line() {
        assert_eq!(preview(" Hello\n\n  there\t!\n"), "Hello there !");
        assert_eq!(preview(""), "");
        assert_eq!(preview("Yes.\n\n> question\n"), "Yes.");
        let long = preview(&"ü ".repeat(500));
        assert!(long.chars().count() <= PREVIEW_CHARS && long.ends_with("ü…"), "{long}");
        assert_eq!(preview(&"x".repeat(140)), "x".repeat(140));
        assert_eq!(preview(&"x".repeat(141)), format!("{}…", "x".repeat(139)));
    }

    #[test]
    fn blank_edges_vanish() {
        assert_eq!(without_blank_edges(" \n\n  a\n\n b \n"), "  a\n\n b");
        assert_eq!(without_blank_edges(" \n "), "");
        assert_eq!(without_blank_edges("  a"), "  a");
    }

    #[test]
    fn long_texts_say_that_they_are_cut() {
        assert_eq!(shortened("abc", 3), "abc");
        let cut = shortened(&"ü".repeat(300), 200);
        assert_eq!(cut.chars().count(), 200);
        assert!(cut.ends_with(CUT_MARK));
    }

    #[test]
    fn direction_marks_leave_single_lines() {
        assert_eq!(one_line("a\u{202e}b \u{2067}c", 10), "ab c");
    }
}
