//! HTML of strangers, made harmless: few elements, no style, nothing that loads anything.
//!
//! Two passes. The first writes the document anew with only known elements, properly nested, with words in place of pictures, and
//! so bounds what the second has to do. The second is ammonia, which has the last word on what is safe.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};

use super::text;
use super::tokens::{Tag, Token, Tokens};

const ELEMENTS: &[&str] = &[
    "a",
    "b",
    "blockquote",
    "br",
    "code",
    "div",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "li",
    "ol",
    "p",
    "pre",
    "s",
    "span",
    "strong",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "u",
    "ul",
];
const TABLE_PARTS: &[&str] = &["tbody", "td", "th", "thead", "tr"];
const SCHEMES: &[&str] = &["http", "https", "mailto"];
/// Real mails nest tables some thirty deep.
const MAX_DEPTH: usize = 100;
const MAX_ALT_CHARS: usize = 200;
const CUT_MARK: &str = "<p>[Baton cut the rest: the message is longer than can be shown.]</p>";

static SANITISER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::default();
    builder
        .tags(ELEMENTS.iter().copied().collect())
        .clean_content_tags(HashSet::from(["script", "style"]))
        .generic_attributes(HashSet::new())
        .tag_attributes(HashMap::from([
            ("a", HashSet::from(["href", "title"])),
            ("td", HashSet::from(["colspan", "rowspan"])),
            ("th", HashSet::from(["colspan", "rowspan"])),
        ]))
        .tag_attribute_values(HashMap::new())
        .allowed_classes(HashMap::new())
        .url_schemes(SCHEMES.iter().copied().collect())
        .url_relative(UrlRelative::Deny)
        .set_tag_attribute_value("a", "target", "_blank")
        .link_rel(Some("noopener noreferrer nofollow"));
    builder
});

/// The document without anything that could run, load or cover something; empty if nothing of it can be seen. `room`: bytes that
/// its markup may have. `name_of`: file name of the attachment with that content id.
pub(super) fn sanitised(html: &str, room: usize, name_of: &dyn Fn(&str) -> Option<String>) -> String {
    let mut tidy = Tidy { out: String::new(), open: Vec::new(), room, is_blank: true, is_full: false };
    for token in Tokens::of(html) {
        match token {
            Token::Text(text) => tidy.text(&text),
            Token::Open(tag) if tag.name == "img" => tidy.text(&picture(&tag, name_of)),
            Token::Open(tag) => tidy.open(&tag),
            Token::Close(name) => tidy.close(&name),
        }
        if tidy.is_full {
            break;
        }
    }
    tidy.close_to(0);
    if tidy.is_blank {
        return String::new();
    }
    if tidy.is_full {
        tidy.out.push_str(CUT_MARK);
    }
    SANITISER.clean(&tidy.out).to_string().trim().to_owned()
}

/// Plain text as a paragraph, for messages that mix both.
pub(super) fn from_text(text: &str, room: usize) -> String {
    let lines: Vec<String> = text::shortened(text.trim(), room).lines().map(escaped).collect();
    format!("<p>{}</p>", lines.join("<br>"))
}

/// Words in place of a picture. Pictures are never loaded: that would tell the sender who reads when and where. Those too small to
/// be seen, which are there only for that, leave nothing.
pub(super) fn picture(tag: &Tag, name_of: &dyn Fn(&str) -> Option<String>) -> String {
    let is_dot = |name| {
        let size: Option<&str> = tag.attribute(name);
        size.is_some_and(|size| matches!(size.trim().trim_end_matches("px"), "0" | "1"))
    };
    if is_dot("width") || is_dot("height") {
        return String::new();
    }
    let alt = text::one_line(tag.attribute("alt").unwrap_or_default(), MAX_ALT_CHARS);
    let id = tag.attribute("src").and_then(|src| src.trim().strip_prefix("cid:"));
    match id.and_then(name_of) {
        Some(file_name) => format!("[image: {file_name}]"),
        None if alt.is_empty() => "[image]".to_owned(),
        None => format!("[image: {alt}]"),
    }
}

/// Whether a link to there is kept.
pub(super) fn is_link(href: &str) -> bool {
    let scheme = href.trim().split_once(':').map(|(scheme, _)| scheme).unwrap_or_default();
    SCHEMES.iter().any(|allowed| scheme.eq_ignore_ascii_case(allowed))
}

struct Tidy {
    out: String,
    open: Vec<&'static str>,
    room: usize,
    is_blank: bool,
    is_full: bool,
}

impl Tidy {
    fn text(&mut self, text: &str) {
        let text = text::clean(text);
        self.is_blank = self.is_blank && text.trim().is_empty();
        let room = self.room.saturating_sub(self.out.len());
        if text.len() > room {
            let some: String = text.chars().take(room / 4).collect();
            self.out.push_str(&escaped(&some));
            self.is_full = true;
            return;
        }
        self.push(&escaped(&text));
    }

    fn push(&mut self, markup: &str) {
        if self.out.len() + markup.len() > self.room {
            self.is_full = true;
        } else {
            self.out.push_str(markup);
        }
    }

    fn open(&mut self, tag: &Tag) {
        let Some(name) = known(&tag.name) else { return };
        self.imply_ends(name);
        let is_stray = TABLE_PARTS.contains(&name) && !self.open.contains(&"table");
        let is_dead = name == "a" && !tag.attribute("href").is_some_and(is_link);
        if is_stray || is_dead || self.open.len() >= MAX_DEPTH {
            return;
        }
        self.push(&start_tag(name, tag));
        if !self.is_full && !matches!(name, "br" | "hr") {
            self.open.push(name);
        }
    }

    fn close(&mut self, name: &str) {
        let Some(name) = known(name) else { return };
        if name == "br" {
            return self.push("<br>");
        }
        let walls: &[&str] = match name {
            "table" => &[],
            _ if TABLE_PARTS.contains(&name) => &["table"],
            _ => &["table", "td", "th"],
        };
        if let Some(at) = self.position(&[name], walls) {
            self.close_to(at);
        }
    }

    /// Ends what HTML ends without saying so: a paragraph before a block, an item before the next.
    fn imply_ends(&mut self, name: &str) {
        let (ended, walls): (&[&str], &[&str]) = match name {
            "a" => (&["a"], &["table"]),
            "li" => (&["li"], &["ul", "ol", "table"]),
            "td" | "th" => (&["td", "th"], &["tr", "table"]),
            "tr" => (&["tr"], &["table"]),
            "tbody" | "thead" => (&["tbody", "thead"], &["table"]),
            "b" | "br" | "code" | "em" | "i" | "s" | "span" | "strong" | "u" => return,
            _ => (&["p"], &["td", "th", "li", "blockquote", "div", "table"]),
        };
        if let Some(at) = self.position(ended, walls) {
            self.close_to(at);
        }
    }

    /// Where the innermost of these elements is open, if none of the walls is open within it.
    fn position(&self, names: &[&str], walls: &[&str]) -> Option<usize> {
        let at = self.open.iter().rposition(|open| names.contains(open) || walls.contains(open))?;
        self.open.get(at).filter(|open| names.contains(open)).map(|_| at)
    }

    fn close_to(&mut self, depth: usize) {
        while self.open.len() > depth {
            if let Some(name) = self.open.pop() {
                // Without regard to the room, which is why it is not `push`: what was opened must be closed.
                self.out.push_str(&format!("</{name}>"));
            }
        }
    }
}

fn start_tag(name: &str, tag: &Tag) -> String {
    let kept: &[&str] = match name {
        "a" => &["href", "title"],
        "td" | "th" => &["colspan", "rowspan"],
        _ => &[],
    };
    let attributes = kept.iter().filter_map(|key| tag.attribute(key).map(|value| (key, value.trim())));
    let attributes: String =
        attributes.map(|(key, value)| format!(" {key}=\"{}\"", escaped(&text::clean(value)))).collect();
    format!("<{name}{attributes}>")
}

/// The element to write for one of that name: itself or the nearest that is allowed.
fn known(name: &str) -> Option<&'static str> {
    let name = match name {
        "address" | "article" | "center" | "dd" | "dl" | "dt" | "fieldset" | "footer" | "form" | "header" | "main"
        | "section" => "div",
        "del" | "strike" => "s",
        "ins" => "u",
        "kbd" | "samp" | "tt" => "code",
        "tfoot" => "tbody",
        _ => name,
    };
    ELEMENTS.iter().find(|element| **element == name).copied()
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(char),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn safe(html: &str) -> String {
        sanitised(html, 1_000_000, &|id| (id == "logo@x").then(|| "logo.png".to_owned()))
    }

    #[test]
    fn ordinary_markup_stays() {
        let kept = "<h1>T</h1><p>a <b>b</b><br>c</p><ul><li>1</li></ul><blockquote><pre>q</pre></blockquote><hr>";
        assert_eq!(safe(kept), kept);
        let table = "<table><tbody><tr><td colspan=\"2\">x</td></tr></tbody></table>";
        assert_eq!(safe(table), table);
        assert_eq!(safe("<p style='x' class=y id=z onclick=e()>a"), "<p>a</p>");
    }

    #[test]
    fn links_are_marked_and_limited() {
        assert_eq!(
            safe("<a href=https://x.org/?a=1&b=2 onclick=x>l</a>"),
            "<a href=\"https://x.org/?a=1&amp;b=2\" target=\"_blank\" rel=\"noopener noreferrer nofollow\">l</a>"
        );
        for href in [
            "javascript:alert(1)",
            "JaVaScRiPt:x",
            "java\tscript:x",
            "&#1;javascript:x",
            "java&#10;script:x",
            "data:text/html,x",
            "vbscript:x",
            "//evil.org",
            "/a",
            "ftp://x",
            "http&#58;//[",
            "",
        ] {
            let shown = safe(&format!("<a href=\"{href}\">l</a>"));
            assert!(!shown.contains("href") || shown.contains("href=\"http"), "{href}: {shown}");
            assert!(shown.contains('l'));
        }
    }

    #[test]
    fn pictures_are_words() {
        assert_eq!(safe("<img src=http://x/y.png alt='A &quot;cat&quot;'>"), "[image: A \"cat\"]");
        assert_eq!(safe("<img src=data:image/png;base64,xx>"), "[image]");
        assert_eq!(safe("<img src=cid:logo@x alt=z>"), "[image: logo.png]");
        assert_eq!(safe("<img src=cid:other alt='<script>'>"), "[image: &lt;script&gt;]");
        assert_eq!(safe("x<img src=http://x/t.gif width=1 height=1>"), "x");
    }

    #[test]
    fn scripts_and_loaders_vanish() {
        for html in [
            "<script>alert(1)</script>",
            "<style>@import url(http://x)</style>",
            "<iframe src=http://x></iframe>",
            "<object data=x><embed src=y></object>",
            "<link rel=stylesheet href=http://x>",
            "<meta http-equiv=refresh content='0;url=http://x'>",
            "<base href=http://x>",
            "<input autofocus onfocus=alert(1)>",
            "<svg onload=alert(1)>",
            "<video src=http://x onerror=e()>",
            "<!--[if mso]><script>x</script><![endif]-->",
            "<template><script>x</script></template>",
            "",
            "<p> &nbsp; </p>",
        ] {
            assert_eq!(safe(html), "", "{html}");
        }
        assert_eq!(safe("<form action=http://x><button formaction=y>Go</button></form>"), "<div>Go</div>");
    }

    #[test]
    fn parser_differences_are_no_way_in() {
        for html in [
            "<svg></p><style><a id=\"</style><img src=1 onerror=alert(1)>\">",
            "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
            "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
            "<form><math><mtext></form><form><mglyph><svg><mtext><style><path id=\"</style><img onerror=alert(1) src>\">",
            "<a href='x\" onmouseover=\"alert(1)'>x</a>",
            "<<script>alert(1)//<</script>",
            "<img src=x:x onerror=alert(1) alt='\"><script>'>",
            "<xmp><p title=\"</xmp><svg/onload=alert(1)>\">",
            "<plaintext><script>x",
            "<a title='</a><script>x</script>' href=http://x>y",
        ] {
            let shown = safe(html);
            let page = shown.to_lowercase();
            for bad in ["<script", "<img", "<svg", "<style", "<math", "<form"] {
                assert!(!page.contains(bad), "{html}: {shown}");
            }
            assert!(
                !page.replace("&lt;", "<").contains(" on")
                    || !page.contains('<')
                    || page.contains("title=")
                    || page.contains("&gt;"),
                "{shown}"
            );
        }
    }

    #[test]
    fn broken_nesting_is_mended() {
        assert_eq!(
            safe("<b>a<p>b</b>c"),
            "<b>a</b><p><b>b</b>c</p>".replace("</b><p><b>", "<p>").replace("</b>c</p>", "</p></b>c")
        );
        assert_eq!(safe("<p>a<p>b<div>c"), "<p>a</p><p>b</p><div>c</div>");
        assert_eq!(safe("<ul><li>a<li>b<ul><li>c</ul></ul>"), "<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>");
        assert_eq!(safe("</div><td>a</td></table></b>"), "a");
        assert_eq!(
            safe("<table><tr><td>a</div><td>b</table>c"),
            "<table><tbody><tr><td>a</td><td>b</td></tr></tbody></table>c"
        );
    }

    #[test]
    fn long_documents_are_cut_visibly() {
        let cut = sanitised(&"<div><p>long text</p></div>".repeat(1000), 2000, &|_| None);
        assert!(cut.len() < 2200 && cut.contains("Baton cut the rest"), "{cut}");
        let cut = sanitised(&"ü".repeat(10_000), 1000, &|_| None);
        assert!(cut.len() < 1200 && cut.contains("Baton cut the rest"), "{cut}");
    }

    /// Inputs that take a plain HTML parser minutes or gigabytes.
    #[test]
    fn crafted_nesting_costs_little() {
        let attributes: String = (0..90).map(|n| format!("<b title={n}>")).collect();
        for html in [
            "<div>".repeat(400_000),
            "<b><p>".repeat(300_000),
            "<a href=http://x><p>".repeat(60_000),
            format!("<p>{attributes}<p>{}", "x<p>".repeat(300_000)),
            format!("{}{}", "<b><i><u><s>".repeat(25), "<p>x</i></u>".repeat(100_000)),
            "<table><tr><td><b>".repeat(100_000),
            "<table>x".repeat(200_000),
            "<blockquote><li>".repeat(100_000),
            "</p>".repeat(500_000),
            "<!--".repeat(500_000),
            "<style>".repeat(300_000),
            "<a ".repeat(700_000),
        ] {
            let start = Instant::now();
            let shown = sanitised(&html, 200_000, &|_| None);
            assert!(start.elapsed().as_secs() < 20, "{}: {:?}", html.get(..20).unwrap(), start.elapsed());
            assert!(shown.len() < 2_500_000, "{}: {}", html.get(..20).unwrap(), shown.len());
        }
    }
}
