//! Markdown, as people type it into the composer, made into clean HTML: for the mail's HTML part and for the page.

use std::sync::LazyLock;

use comrak::Options;

use super::incoming::clean_html;

static OPTIONS: LazyLock<Options<'static>> = LazyLock::new(|| {
    let mut options = Options::default();
    options.extension.strikethrough = true;
    options.extension.autolink = true;
    // Whoever presses Enter in a message means a new line, and a line of dashes below a text is no heading.
    options.render.hardbreaks = true;
    options.parse.ignore_setext = true;
    // Tags that are typed are text.
    options.render.escape = true;
    options
});

/// Bytes that the markup of a message may have: more than the longest message can become.
const ROOM: usize = 16_000_000;

/// The HTML of a text: what of it is Markdown is laid out, everything else stands there as it was typed. It passes the same sanitiser as
/// strangers' mails, and so loads nothing and runs nothing.
#[must_use]
pub fn to_html(source: &str) -> String {
    let html = clean_html(&comrak::markdown_to_html(source, &OPTIONS), ROOM);
    // Marks around nothing would leave nothing to be seen.
    if html.is_empty() { from_text(source) } else { html }
}

/// Plain text as HTML: its paragraphs and lines, and nothing laid out.
#[must_use]
pub fn from_text(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let paragraphs = escaped.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty());
    paragraphs.map(|paragraph| format!("<p>{}</p>", paragraph.replace('\n', "<br>"))).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_the_toolbar_writes_is_laid_out() {
        let cases = [
            ("Hello **you** and *me*", "<p>Hello <strong>you</strong> and <em>me</em></p>"),
            ("one\ntwo\n\nthree", "<p>one<br>\ntwo</p>\n<p>three</p>"),
            ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
            ("1. a\n2. b", "<ol>\n<li>a</li>\n<li>b</li>\n</ol>"),
            ("> quoted", "<blockquote>\n<p>quoted</p>\n</blockquote>"),
            ("`x < y`", "<p><code>x &lt; y</code></p>"),
            ("```\na\n  b\n```", "<pre><code>a\n  b\n</code></pre>"),
            ("~~gone~~", "<p><s>gone</s></p>"),
            (">>", "<p>&gt;&gt;</p>"),
            ("Hello\n---\nBye", "<p>Hello</p>\n<hr>\n<p>Bye</p>"),
        ];
        for (source, html) in cases {
            assert_eq!(to_html(source), html, "{source}");
        }
        let link = "<a href=\"https://x.example/a?b=1&amp;c\" target=\"_blank\" rel=\"noopener noreferrer nofollow\">";
        assert_eq!(to_html("[here](https://x.example/a?b=1&c)"), format!("<p>{link}here</a></p>"));
        assert!(to_html("See https://x.example/a today.").contains("<a href=\"https://x.example/a\""));
    }

    #[test]
    fn nothing_runs_or_loads() {
        assert_eq!(
            to_html("<b onclick=x()>hi</b> <script>alert(1)</script>"),
            "<p>&lt;b onclick=x()&gt;hi&lt;/b&gt; &lt;script&gt;alert(1)&lt;/script&gt;</p>"
        );
        for source in
            ["[x](javascript:alert(1))", "[x](data:text/html,y)", "<javascript:alert(1)>", "[x](//evil.example)"]
        {
            assert!(!to_html(source).contains("href"), "{source}: {}", to_html(source));
        }
        assert_eq!(to_html("![a cat](https://evil.example/t.png)"), "<p>[image: a cat]</p>");
    }

    #[test]
    fn crafted_texts_cost_little() {
        for source in [
            ">".repeat(50_000),
            "*a ".repeat(30_000),
            "[".repeat(50_000),
            "- ".repeat(30_000),
            "`".repeat(90_000),
            "_*".repeat(40_000),
            "![[]()".repeat(10_000),
            "<a ".repeat(30_000),
        ] {
            let start = Instant::now();
            assert!(!to_html(&source).is_empty());
            assert!(start.elapsed().as_secs() < 10, "{}: {:?}", source.get(..4).unwrap_or_default(), start.elapsed());
        }
    }

    proptest! {
        #[test]
        fn plain_words_stay(words in "[a-zA-Z0-9 ,\u{e4}\u{627}\u{1f600}]{1,80}") {
            prop_assume!(!words.trim().is_empty() && !words.starts_with("    "));
            let html = to_html(&words);
            let text: String = html.replace("<p>", "").replace("</p>", "");
            prop_assert!(text.contains(words.trim()) || html.contains("<pre>"), "{}", html);
        }
    }
}
