//! What is to be forgotten of a person in texts that Baton wrote, and how it is taken out of them (U-11).

use super::users::Name;

/// What is to be forgotten of a person, in texts that Baton wrote.
#[derive(Clone, Debug)]
pub struct Traces {
    email: String,
    full: String,
    display: String,
    neutral: String,
}

impl Traces {
    /// Of somebody who is called `neutral` from now on.
    #[must_use]
    pub fn new(email: &str, name: &Name, neutral: &str) -> Self {
        Self {
            email: email.to_owned(),
            full: name.full.clone(),
            display: name.display.clone(),
            neutral: neutral.to_owned(),
        }
    }

    /// Their address.
    #[must_use]
    pub fn email(&self) -> &str {
        &self.email
    }

    /// Their full name.
    #[must_use]
    pub fn full(&self) -> &str {
        &self.full
    }

    /// What they are called from now on.
    #[must_use]
    pub fn neutral(&self) -> &str {
        &self.neutral
    }

    /// Whether a text names them: by address, whatever its case, or by full name, plain or as HTML or JSON write it.
    #[must_use]
    pub fn are_in(&self, text: &str) -> bool {
        find_email(text, &self.email).is_some() || spellings(&self.full).iter().any(|name| text.contains(name))
    }

    /// The text with address and names replaced.
    #[must_use]
    pub fn erased_from(&self, text: &str) -> String {
        let mut text = replace_email(text, &self.email, &self.neutral);
        for name in spellings(&self.full).iter().chain(&spellings(&self.display)) {
            text = replace_word(&text, name, &self.neutral);
        }
        text
    }
}

/// A name as it stands in plain text, in HTML and in JSON.
fn spellings(name: &str) -> Vec<String> {
    if name.is_empty() {
        return Vec::new();
    }
    let mut all = vec![name.to_owned()];
    let html = name
        .replace('&', "&#38;")
        .replace('<', "&#60;")
        .replace('>', "&#62;")
        .replace('"', "&#34;")
        .replace('\'', "&#39;");
    let json = name.replace('\\', "\\\\").replace('"', "\\\"");
    for other in [html, json] {
        if !all.contains(&other) {
            all.push(other);
        }
    }
    all
}

fn find_email(text: &str, email: &str) -> Option<usize> {
    if email.is_empty() {
        return None;
    }
    let (text, email) = (text.to_ascii_lowercase(), email.to_ascii_lowercase());
    text.find(&email)
}

/// Replaces an address, whatever its case, where it is not the end or the beginning of another one.
fn replace_email(text: &str, email: &str, with: &str) -> String {
    let before = |c: char| c.is_ascii_alphanumeric() || "._%+-@".contains(c);
    let after = |rest: &str| {
        let mut next = rest.chars();
        match next.next() {
            // A full stop may end the sentence.
            Some('.') => next.next().is_some_and(|c| c.is_ascii_alphanumeric()),
            Some(c) => c.is_ascii_alphanumeric() || "_%+-@".contains(c),
            None => false,
        }
    };
    replace_whole(text, |rest| find_email(rest, email), email.len(), with, before, after)
}

/// Replaces a name where it stands as a word of its own.
fn replace_word(text: &str, word: &str, with: &str) -> String {
    let joined = char::is_alphanumeric;
    let after = |rest: &str| rest.chars().next().is_some_and(joined);
    replace_whole(text, |rest| rest.find(word).filter(|_| !word.is_empty()), word.len(), with, joined, after)
}

/// Replaces what is found, unless it goes on before or after, or stands in an address of a page: a short name may be part of
/// a link's secret.
fn replace_whole(
    text: &str,
    find: impl Fn(&str) -> Option<usize>,
    length: usize,
    with: &str,
    before: impl Fn(char) -> bool,
    after: impl Fn(&str) -> bool,
) -> String {
    let html = text.trim_start().starts_with("<!doctype");
    let mut done = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((head, tail)) = find(rest).and_then(|at| rest.split_at_checked(at)) {
        let Some((found, following)) = tail.split_at_checked(length) else { break };
        done.push_str(head);
        let part = done.chars().next_back().is_some_and(&before) || after(following);
        let kept = part || in_link(&done) || following.starts_with("://") || (html && in_tag(&done));
        done.push_str(if kept { found } else { with });
        rest = following;
    }
    done.push_str(rest);
    done
}

/// Whether a piece of HTML ends inside of a tag.
fn in_tag(before: &str) -> bool {
    before.rfind('<') > before.rfind('>')
}

/// Whether a text ends inside of a link.
fn in_link(before: &str) -> bool {
    let ends = |c: char| c.is_whitespace() || "\"'<>()".contains(c);
    let begun = before.rsplit(ends).next().unwrap_or_default();
    begun.contains("://")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn other_peoples_words_and_links_are_left_alone() {
        let traces =
            Traces::new("ann@x.example", &Name { full: "Li".to_owned(), display: "Li".to_owned() }, "Deleted user 3");
        let text =
            "joann@x.example, ann@x.example.org and Ann@x.example. Lila met Li: https://baton.example/invites/Li-Li";
        let left = "joann@x.example, ann@x.example.org and Deleted user 3. Lila met Deleted user 3: https://baton.example/invites/Li-Li";
        assert_eq!(traces.erased_from(text), left);
        let traces =
            Traces::new("p@x.example", &Name { full: "p".to_owned(), display: "https".to_owned() }, "Deleted user 3");
        let html = "<!doctype html><p>Hello p, <a href=\"https://baton.example/invites/p\">start</a></p>";
        assert_eq!(traces.erased_from(html), html.replace("Hello p", "Hello Deleted user 3"));
    }

    #[test]
    fn traces_are_erased_in_every_spelling() {
        let name = Name { full: "Bo O’Brien & \"Sons\"".into(), display: "Bo".into() };
        let traces = Traces::new("Bo@Fernhill.example", &name, "Deleted user 3");
        let text =
            "Hi Bo, bo@fernhill.example and Bo O’Brien & \"Sons\" and Bo O’Brien &#38; &#34;Sons&#34; took a Bow.";
        assert!(traces.are_in(text));
        let erased = traces.erased_from(text);
        assert_eq!(erased, "Hi Deleted user 3, Deleted user 3 and Deleted user 3 and Deleted user 3 took a Bow.");
        assert!(!traces.are_in(&erased));
    }

    proptest! {
        #[test]
        fn nothing_of_a_person_is_left_in_a_text(before in ".{0,40}", after in ".{0,40}", name in "[A-Z][a-z]{2,8} [A-Z'&<]{1,3}[a-z]{2,8}") {
            let first = name.split(' ').next().unwrap_or_default().to_owned();
            let traces = Traces::new("x.y@fernhill.example", &Name { full: name.clone(), display: first }, "Deleted user 1");
            let text = format!("{before} {name}, {after} X.Y@fernhill.example {before}");
            prop_assert!(!traces.are_in(&traces.erased_from(&text)));
        }
    }
}
