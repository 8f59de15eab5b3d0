//! HTML as readable plain text, for messages without a text of their own. Quotations get ">" so that they are recognised later.

use super::tokens::{Tag, Token, Tokens};
use super::{MAX_TEXT_CHARS, html, text};

const MAX_QUOTE_DEPTH: usize = 10;
/// Longer addresses are trackers; the HTML still has them.
const MAX_SHOWN_LINK: usize = 200;

/// The text of the document. `name_of`: file name of the attachment with that content id.
pub(super) fn of_html(html: &str, name_of: &dyn Fn(&str) -> Option<String>) -> String {
    let mut plain = Plain::default();
    for token in Tokens::of(html) {
        match token {
            Token::Text(text) => plain.text(&text::clean(&text)),
            Token::Open(tag) if tag.name == "img" => plain.text(&html::picture(&tag, name_of)),
            Token::Open(tag) => plain.open(&tag),
            Token::Close(name) => plain.close(&name),
        }
        // Four bytes a character at most; the caller cuts to the exact length and says so.
        if plain.out.len() > MAX_TEXT_CHARS * 4 {
            break;
        }
    }
    plain.out
}

#[derive(Default)]
struct Plain {
    out: String,
    /// Line ends owed before the next text.
    breaks: usize,
    has_space: bool,
    has_bullet: bool,
    quotes: usize,
    preformatted: usize,
    link: Option<Link>,
}

struct Link {
    href: String,
    /// Where its label starts in the output.
    start: usize,
}

impl Plain {
    fn text(&mut self, text: &str) {
        if self.preformatted > 0 {
            return self.verbatim(text);
        }
        for (at, word) in text.split([' ', '\t', '\n', '\u{a0}']).enumerate() {
            self.has_space = self.has_space || at > 0;
            if !word.is_empty() {
                self.begin();
                self.out.push_str(word);
            }
        }
    }

    fn verbatim(&mut self, text: &str) {
        for (at, line) in text.split('\n').enumerate() {
            self.breaks += usize::from(at > 0);
            if !line.is_empty() {
                self.begin();
                self.out.push_str(line);
            }
        }
    }

    /// Writes what is owed before a text: line ends, marks of quotation and list, or a space.
    fn begin(&mut self) {
        let is_first = self.out.is_empty();
        if is_first || self.breaks > 0 {
            let breaks = if is_first { 0 } else { self.breaks };
            self.out.push_str(&"\n".repeat(breaks));
            self.out.push_str(&"> ".repeat(self.quotes.min(MAX_QUOTE_DEPTH)));
        } else if self.has_space {
            self.out.push(' ');
        }
        if self.has_bullet {
            self.out.push_str("- ");
        }
        (self.breaks, self.has_space, self.has_bullet) = (0, false, false);
    }

    fn open(&mut self, tag: &Tag) {
        match tag.name.as_str() {
            "br" => self.breaks = (self.breaks + 1).min(3),
            "hr" => {
                self.owe(1);
                self.text("---");
                self.owe(1);
            }
            "a" => {
                let href = tag.attribute("href").filter(|href| html::is_link(href)).map(text::clean);
                self.link = href.map(|href| Link { href: href.trim().to_owned(), start: self.out.len() });
            }
            "li" => {
                self.owe(1);
                self.has_bullet = true;
            }
            "td" | "th" => self.has_space = true,
            "pre" => {
                self.owe(2);
                self.preformatted += 1;
            }
            "blockquote" => {
                self.owe(2);
                self.quotes += 1;
            }
            name => self.owe(lines_around(name)),
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "a" => self.show_link(),
            "pre" => self.preformatted = self.preformatted.saturating_sub(1),
            "blockquote" => self.quotes = self.quotes.saturating_sub(1),
            _ => {}
        }
        self.owe(lines_around(name));
    }

    fn owe(&mut self, breaks: usize) {
        self.breaks = self.breaks.max(breaks);
    }

    /// Adds the address to a link whose label does not say it already.
    fn show_link(&mut self) {
        let Some(link) = self.link.take() else { return };
        let label = self.out.get(link.start..).unwrap_or_default().trim();
        let address = link.href.strip_prefix("mailto:").unwrap_or(&link.href);
        let bare = address.trim_end_matches('/');
        let bare = bare.split_once("://").map_or(bare, |(_, rest)| rest);
        if !label.is_empty() && !label.contains(bare) && address.len() <= MAX_SHOWN_LINK {
            self.out.push_str(&format!(" ({address})"));
        }
    }
}

/// Line ends that separate an element from what stands before and after it.
fn lines_around(name: &str) -> usize {
    match name {
        "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "table" | "blockquote" | "pre" => 2,
        "address" | "article" | "body" | "center" | "dd" | "div" | "dl" | "dt" | "footer" | "form" | "header"
        | "li" | "main" | "ol" | "section" | "tr" | "ul" => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(html: &str) -> String {
        of_html(html, &|_| None)
    }

    #[test]
    fn blocks_are_lines() {
        assert_eq!(
            plain("<html><head><title>T</title></head><body> a\n <b>b</b>c<p>d<div>e</div>f<br>g<br><br>h"),
            "a bc\n\nd\ne\nf\ng\n\nh"
        );
        assert_eq!(plain("<ul><li>a<li>b</ul><table><tr><td>1<td>2<tr><td>3</table>"), "- a\n- b\n\n1 2\n3");
        assert_eq!(plain("<pre>a\n  b\n\nc</pre>d"), "a\n  b\n\nc\n\nd");
        assert_eq!(plain("<p></p><div><p>&nbsp;</p></div>"), "");
    }

    #[test]
    fn quotations_are_marked() {
        let html = "<div>Yes</div><div>On Monday, Ann wrote:<blockquote>one<br>two<blockquote>three</blockquote></blockquote></div>";
        assert_eq!(plain(html), "Yes\nOn Monday, Ann wrote:\n\n> one\n> two\n\n> > three");
        assert_eq!(super::super::split_quoted(&plain(html)).0.trim(), "Yes");
    }

    #[test]
    fn links_show_where_they_lead() {
        assert_eq!(
            plain("<a href=https://x.org/>here</a>, <a href=https://x.org/>x.org</a>"),
            "here (https://x.org/), x.org"
        );
        assert_eq!(plain("<a href=mailto:a@x.org>Ann</a> <a href=javascript:x>j</a>"), "Ann (a@x.org) j");
        assert_eq!(plain("<a href=http://t><img width=1 src=x></a>a"), "a");
    }
}
