//! Where the history of an HTML message begins, so that a page can fold it.

use super::quoted::split_quoted;

/// Elements that do not begin a new line.
const INLINE: &[&str] = &["a", "b", "code", "em", "i", "s", "span", "strong", "u"];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Piece<'a> {
    Open(&'a str),
    Close(&'a str),
    Alone,
    Text,
}

/// The pieces of sanitised HTML with where they begin. It is well-formed; a `>` within quotes ends no tag.
fn pieces(html: &str) -> Vec<(usize, &str, Piece<'_>)> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(rest) = html.get(at..).filter(|rest| !rest.is_empty()) {
        let length = if rest.starts_with('<') {
            let mut quoted = false;
            let end = rest.bytes().position(|byte| {
                quoted ^= byte == b'"';
                byte == b'>' && !quoted
            });
            end.map_or(rest.len(), |end| end + 1)
        } else {
            rest.find('<').unwrap_or(rest.len())
        };
        let Some(raw) = rest.get(..length) else { break };
        let name = |tag: &'_ str| tag.len() - tag.trim_start_matches(|c: char| c.is_ascii_alphanumeric()).len();
        let piece = if let Some(tag) = raw.strip_prefix("</") {
            Piece::Close(tag.get(..name(tag)).unwrap_or_default())
        } else if let Some(tag) = raw.strip_prefix('<') {
            match tag.get(..name(tag)).unwrap_or_default() {
                "br" | "hr" => Piece::Alone,
                tag => Piece::Open(tag),
            }
        } else {
            Piece::Text
        };
        pieces.push((at, raw, piece));
        at += length;
    }
    pieces
}

/// What the sender wrote, and the history that follows to the end, each well-formed; the history is empty if there is none. The rules
/// are those of plain text, where quotations stand behind marks.
#[must_use]
pub fn split_quoted_html(html: &str) -> (String, String) {
    let whole = || (html.to_owned(), String::new());
    let pieces = pieces(html);
    let Some(cut) = history(&pieces) else { return whole() };
    let mut open: Vec<(&str, &str)> = Vec::new();
    for (_, raw, piece) in pieces.iter().take_while(|(at, ..)| *at < cut) {
        match piece {
            Piece::Open(name) => open.push((name, raw)),
            Piece::Close(_) => {
                open.pop();
            }
            Piece::Alone | Piece::Text => {}
        }
    }
    let Some((new, old)) = html.split_at_checked(cut) else { return whole() };
    let closed: String = open.iter().rev().map(|(name, _)| format!("</{name}>")).collect();
    let opened: String = open.iter().map(|(_, raw)| *raw).collect();
    (format!("{new}{closed}"), format!("{opened}{old}"))
}

/// Where the history begins.
fn history(pieces: &[(usize, &str, Piece)]) -> Option<usize> {
    // Lines as somebody sees them, and the piece with which each begins.
    let (mut text, mut starts): (String, Vec<(usize, usize)>) = (String::new(), Vec::new());
    let (mut depth, mut fresh) = (0_usize, true);
    for (number, (_, raw, piece)) in pieces.iter().enumerate() {
        match piece {
            Piece::Text if raw.trim().is_empty() || *raw == "\u{a0}" => {}
            Piece::Text => {
                if fresh {
                    text.push('\n');
                    starts.push((text.len(), number));
                    text.push_str(if depth > 0 { "> " } else { "" });
                    fresh = false;
                }
                text.push_str(&plain(&raw.replace('\n', " ")));
            }
            Piece::Open("blockquote") => (depth, fresh) = (depth + 1, true),
            Piece::Close("blockquote") => (depth, fresh) = (depth.saturating_sub(1), true),
            Piece::Open(name) | Piece::Close(name) => fresh |= !INLINE.contains(name),
            Piece::Alone => fresh = true,
        }
    }
    let (new, old) = split_quoted(&text);
    if old.trim().is_empty() {
        return None;
    }
    let number = starts.iter().find(|(start, _)| *start >= new.len()).map(|(_, number)| *number)?;
    // The elements that begin with it belong to it.
    let before = pieces.get(..number)?;
    let kept = before.iter().rposition(|(_, raw, piece)| !matches!(piece, Piece::Open(_)) && !raw.trim().is_empty());
    pieces.get(kept.map_or(0, |kept| kept + 1)).map(|(at, ..)| *at)
}

/// The few characters that count for the rules.
fn plain(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", " ").replace('\u{a0}', " ").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_history_of_a_message_is_split_off() {
        let gmail = "<div>Thanks!</div><br><div><div>On Mon, 3 Jun 2024 at 10:00, Ann &lt;<a href=\"mailto:a@x.org\">a@x.org</a>&gt; wrote:<br></div><blockquote><div>Hello</div></blockquote></div>";
        let (new, old) = split_quoted_html(gmail);
        assert_eq!(new, "<div>Thanks!</div><br>");
        assert!(old.starts_with("<div><div>On Mon") && old.ends_with("</blockquote></div>"), "{old}");

        let nested = "<div><p>Yes.</p><blockquote><p>No?</p></blockquote></div>";
        let (new, old) = split_quoted_html(nested);
        assert_eq!(
            (new.as_str(), old.as_str()),
            ("<div><p>Yes.</p></div>", "<div><blockquote><p>No?</p></blockquote></div>")
        );

        let outlook =
            "<p>Fine.</p><div><p><b>From:</b> Ann<br><b>Sent:</b> Monday<br><b>To:</b> Bob</p></div><p>Hello</p>";
        let (new, old) = split_quoted_html(outlook);
        assert_eq!(new, "<p>Fine.</p>");
        assert!(old.contains("Hello"));
    }

    #[test]
    fn everything_else_stays_whole() {
        for html in [
            "<p>Hello</p>",
            "<blockquote><p>Only this</p></blockquote>",
            "<blockquote><p>A?</p></blockquote><p>Yes.</p>",
            "<p title=\"a>b\">x</p>",
            "",
            "text",
        ] {
            assert_eq!(split_quoted_html(html), (html.to_owned(), String::new()), "{html}");
        }
    }
}
