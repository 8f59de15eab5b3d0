//! HTML as a row of texts and tags. It is read in one pass, whatever its nesting, and never fails.
//!
//! It does not decide what is safe: everything made of these tokens goes through the sanitiser. It exists because a full HTML
//! parser takes time and memory by the square of crafted input, and because pictures must become words before sanitising.

use mail_parser::decoders::html::add_html_token;

/// Elements whose content is not text of the message, up to their end tag.
const UNREAD: &[&str] = &[
    "script",
    "style",
    "title",
    "textarea",
    "xmp",
    "iframe",
    "noembed",
    "noframes",
    "plaintext",
    "template",
    "object",
    "select",
];
/// The attributes that anybody asks for; others are not kept.
const KEPT: &[&str] = &["href", "src", "alt", "title", "width", "height", "colspan", "rowspan"];
const MAX_ENTITY_BYTES: usize = 32;

/// A piece of HTML. Texts and values have their entities decoded.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token {
    Text(String),
    Open(Tag),
    Close(String),
}

/// A start tag with its name in lower case.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) name: String,
    attributes: Vec<(&'static str, String)>,
}

impl Tag {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
    }
}

/// The tokens of the document. Comments, declarations and the content of scripts, styles and the like are left out.
pub(super) struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    pub(super) fn of(html: &'a str) -> Self {
        Self { rest: html }
    }

    /// The token at a "<"; `None` if it was something that is left out.
    fn markup(&mut self) -> Option<Token> {
        let rest = self.rest.get(1..).unwrap_or_default();
        let starts_name = |text: &str| text.starts_with(|char: char| char.is_ascii_alphabetic());
        if starts_name(rest) {
            let (tag, rest) = tag(rest)?;
            self.rest = rest;
            if UNREAD.contains(&tag.name.as_str()) {
                self.rest = after_element(rest, &tag.name);
                return None;
            }
            return Some(Token::Open(tag));
        }
        if let Some(end) = rest.strip_prefix('/') {
            if starts_name(end) {
                let (tag, rest) = tag(end)?;
                self.rest = rest;
                return Some(Token::Close(tag.name));
            }
            self.rest = after(end, ">");
            return None;
        }
        if rest.starts_with(['!', '?']) {
            self.rest = after_declaration(rest);
            return None;
        }
        self.rest = rest;
        Some(Token::Text("<".to_owned()))
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        while !self.rest.is_empty() {
            let start = self.rest.find('<').unwrap_or(self.rest.len());
            if start > 0 {
                let (text, rest) = halves(self.rest, start);
                self.rest = rest;
                return Some(Token::Text(decoded(text)));
            }
            let before = self.rest.len();
            if let Some(token) = self.markup() {
                return Some(token);
            }
            if self.rest.len() == before {
                // The document ends within a tag, as browsers see it too.
                self.rest = "";
            }
        }
        None
    }
}

fn halves(text: &str, at: usize) -> (&str, &str) {
    text.split_at_checked(at).unwrap_or((text, ""))
}

fn after<'a>(text: &'a str, end: &str) -> &'a str {
    text.split_once(end).map(|(_, rest)| rest).unwrap_or_default()
}

fn after_declaration(rest: &str) -> &str {
    match rest.strip_prefix("!--") {
        Some(comment) => match comment.strip_prefix('>').or_else(|| comment.strip_prefix("->")) {
            Some(rest) => rest,
            None => after(comment, "-->"),
        },
        None => after(rest, ">"),
    }
}

/// What follows the end tag of an element whose content is not read; nothing if the end tag is missing.
fn after_element<'a>(rest: &'a str, name: &str) -> &'a str {
    for (at, _) in rest.match_indices("</") {
        let end = rest.get(at + 2..).unwrap_or_default();
        let is_name = end.get(..name.len()).is_some_and(|word| word.eq_ignore_ascii_case(name));
        let tail = end.get(name.len()..).unwrap_or_default();
        if is_name && !tail.starts_with(|char: char| char.is_ascii_alphanumeric()) {
            return after(tail, ">");
        }
    }
    ""
}

/// The tag whose name begins here, and what follows it; `None` if the document ends before the tag does.
fn tag(rest: &str) -> Option<(Tag, &str)> {
    let is_end = |char: char| char.is_ascii_whitespace() || matches!(char, '/' | '>');
    let (name, mut rest) = halves(rest, rest.find(is_end)?);
    let mut tag = Tag { name: name.to_ascii_lowercase(), attributes: Vec::new() };
    loop {
        rest = rest.trim_start_matches(|char: char| char.is_ascii_whitespace() || char == '/');
        if let Some(rest) = rest.strip_prefix('>') {
            return Some((tag, rest));
        }
        let (name, value, tail) = attribute(rest)?;
        rest = tail;
        let known = KEPT.iter().find(|kept| name.eq_ignore_ascii_case(kept));
        if let Some(known) = known.filter(|known| tag.attribute(known).is_none()) {
            tag.attributes.push((known, decoded(value)));
        }
    }
}

fn attribute(rest: &str) -> Option<(&str, &str, &str)> {
    let first = rest.chars().next()?.len_utf8();
    let is_end = |char: char| char.is_ascii_whitespace() || matches!(char, '/' | '>' | '=');
    let end = rest.get(first..)?.find(is_end)? + first;
    let (name, rest) = halves(rest, end);
    let Some(value) = rest.trim_ascii_start().strip_prefix('=') else {
        return Some((name, "", rest));
    };
    let value = value.trim_ascii_start();
    for quote in ['"', '\''] {
        if let Some(value) = value.strip_prefix(quote) {
            let (value, rest) = value.split_once(quote)?;
            return Some((name, value, rest));
        }
    }
    let (value, rest) = halves(value, value.find(|char: char| char.is_ascii_whitespace() || char == '>')?);
    Some((name, value, rest))
}

/// Text with its entities replaced. Those without a semicolon stay as they are: in links they are mostly parameters.
fn decoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (plain, entity) = halves(rest, at);
        out.push_str(plain);
        let is_inside = |char: &char| char.is_ascii_alphanumeric() || *char == '#';
        let length = 1 + entity.chars().skip(1).take(MAX_ENTITY_BYTES).take_while(is_inside).count();
        let (name, tail) = halves(entity, length);
        if let Some(tail) = tail.strip_prefix(';').filter(|_| length > 1) {
            add_html_token(&mut out, format!("{name};").as_bytes(), false);
            rest = tail;
        } else {
            out.push_str(name);
            rest = tail;
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(html: &str) -> String {
        let part = |token| match token {
            Token::Text(text) => text,
            Token::Open(tag) => format!("[{}{:?}]", tag.name, tag.attributes).replace("[]", ""),
            Token::Close(name) => format!("[/{name}]"),
        };
        Tokens::of(html).map(part).collect()
    }

    #[test]
    fn tags_and_text_are_told_apart() {
        assert_eq!(shown("a<B>b</b >c<br/>d"), "a[b]b[/b]c[br]d");
        assert_eq!(shown("1 < 2 <3 <> &lt;b&gt; &#x41;&#65; &nope; a&b &amp"), "1 < 2 <3 <> <b> AA &nope; a&b &amp");
    }

    #[test]
    fn attributes_in_every_quoting() {
        assert_eq!(shown("<a HREF='x>y' onclick=evil() alt=z>"), r#"[a[("href", "x>y"), ("alt", "z")]]"#);
        assert_eq!(shown("<a href = \"1\" href=2 = / x>"), r#"[a[("href", "1")]]"#);
        assert_eq!(shown("<a href=java&#115;cript:x>"), r#"[a[("href", "javascript:x")]]"#);
    }

    #[test]
    fn what_is_not_text_is_left_out() {
        assert_eq!(shown("a<!-- <b> -->b<!doctype x>c<?xml ?>d</ x>e<!-->f<!--->g"), "abcdefg");
        assert_eq!(shown("a<style>b{}</style>c<SCRIPT>if (a</b) '</scriptx>'</Script foo>d"), "acd");
        assert_eq!(shown("a<title>x"), "a");
    }

    #[test]
    fn ends_within_tags_are_ends() {
        for html in ["a<b", "a<b x", "a<b x='", "a<b x=y", "a</b", "a<!--", "a<!", "a<b x = "] {
            assert_eq!(shown(html), "a", "{html}");
        }
        assert_eq!(shown("a<"), "a<");
        assert_eq!(shown("&"), "&");
    }
}
