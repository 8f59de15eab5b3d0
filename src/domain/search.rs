//! Search: what counts as a word, alike for what is searched in and for what is searched for (C-2).
//!
//! Case, accents and the forms of a letter do not matter. Scripts that are written without spaces are cut into pairs of
//! characters, so that any part of a sentence is found. Everything that is neither letter nor digit only separates words,
//! so no character means anything to a database.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// So many bytes of a word count.
const LONGEST: usize = 64;
/// So much of a text is searched in; what comes after is more likely a log file than a letter.
const LONGEST_TEXT: usize = 200_000;
/// So many different words of a conversation can be found: of the longest, as many as PostgreSQL keeps in one place.
pub const MOST: usize = 16_000;

/// The words of a text.
#[must_use]
pub fn words(text: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    add(&mut words, text);
    words
}

/// Adds the words of a text to others.
pub fn add(words: &mut BTreeSet<String>, text: &str) {
    for run in runs(text) {
        if words.len() >= MOST {
            return;
        }
        match run {
            Run::Word(word) => {
                words.insert(word);
            }
            Run::Dense(signs) => {
                words.extend(pairs(&signs));
                words.extend(signs.iter().map(char::to_string));
            }
        }
    }
}

/// What is searched for: every word has to occur, the last one may be the beginning of one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// Words as they are.
    pub whole: Vec<String>,
    /// The beginning of a word.
    pub begun: Option<String>,
}

impl Wanted {
    /// What somebody typed; `None` if there is no letter and no digit in it, so that nothing can be found by it.
    #[must_use]
    pub fn read(typed: &str) -> Option<Self> {
        let (mut whole, mut begun) = (Vec::new(), None);
        for run in runs(typed) {
            whole.extend(begun.take());
            match run {
                Run::Word(word) => begun = Some(word),
                Run::Dense(signs) if signs.len() == 1 => whole.extend(signs.iter().map(char::to_string)),
                Run::Dense(signs) => whole.extend(pairs(&signs)),
            }
        }
        // Nearly every conversation has a word that begins with a certain letter; so one letter is a word.
        if begun.as_ref().is_some_and(|word| word.chars().count() < 2) {
            whole.extend(begun.take());
        }
        whole.sort_unstable();
        whole.dedup();
        (!whole.is_empty() || begun.is_some()).then_some(Self { whole, begun })
    }

    /// Whether a text with these words is found.
    #[must_use]
    pub fn is_in(&self, words: &BTreeSet<String>) -> bool {
        self.whole.iter().all(|word| words.contains(word))
            && self.begun.as_ref().is_none_or(|begun| {
                words.range(begun.clone()..).next().is_some_and(|next| next.starts_with(begun.as_str()))
            })
    }
}

enum Run {
    Word(String),
    Dense(Vec<char>),
}

fn pairs(signs: &[char]) -> impl Iterator<Item = String> {
    signs.windows(2).map(|pair| pair.iter().collect())
}

fn runs(text: &str) -> impl Iterator<Item = Run> {
    let mut end = text.len().min(LONGEST_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut signs = fold(text.get(..end).unwrap_or_default()).chars().collect::<Vec<_>>().into_iter().peekable();
    std::iter::from_fn(move || {
        while signs.next_if(|c| !is_of_word(*c)).is_some() {}
        let dense = is_dense(*signs.peek()?);
        let mut run = Vec::new();
        while let Some(sign) = signs.next_if(|c| is_of_word(*c) && is_dense(*c) == dense) {
            run.push(sign);
        }
        Some(if dense { Run::Dense(run) } else { Run::Word(shortened(&run)) })
    })
}

fn shortened(run: &[char]) -> String {
    let mut word = String::new();
    for c in run {
        if word.len() + c.len_utf8() > LONGEST {
            break;
        }
        word.push(*c);
    }
    word
}

/// One form for all forms of a letter.
fn fold(text: &str) -> String {
    let bare = text.nfkd().filter(|c| !is_ornament(*c)).flat_map(char::to_lowercase);
    let mut folded = String::with_capacity(text.len());
    for c in bare {
        match c {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'đ' | 'ð' => folded.push('d'),
            'ł' => folded.push('l'),
            'ı' => folded.push('i'),
            'ς' => folded.push('σ'),
            c if is_ornament(c) => {}
            c => folded.push(c),
        }
    }
    // Kana and Hangul were taken apart, too.
    folded.nfc().collect()
}

/// What stands above or below a letter without making it another one to whoever searches: accents, vowel points; and what
/// is not seen at all.
const fn is_ornament(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{fe20}'..='\u{fe2f}'
        | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}' | '\u{5c4}' | '\u{5c5}' | '\u{5c7}'
        | '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6dc}'
        | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c)
}

/// Whether words of this script stand without spaces between them, or with endings that grow into them.
const fn is_dense(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{323af}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn finds(typed: &str, text: &str) -> bool {
        Wanted::read(typed).is_some_and(|wanted| wanted.is_in(&words(text)))
    }

    #[test]
    fn words_are_found_in_many_languages() {
        let found = [
            ("grosse zelte", "Größe der Zelte"),
            ("GRÖSSE", "größe"),
            ("creme brulee", "Crème brûlée, déjà vu"),
            ("Crème", "creme"),
            ("елка", "Новогодняя ёлка"),
            ("ПАЛАТК", "Где моя палатка?"),
            ("σκηνη", "Η ΣΚΗΝΉ έφτασε"),
            ("χρηστος", "Χρήστος"),
            ("مكسور", "الطلب مَكْسُور"),
            ("אהל", "אֹהֶל"),
            ("帐篷", "我的帐篷坏了"),
            ("篷坏", "我的帐篷坏了"),
            ("坏", "我的帐篷坏了"),
            ("テント", "新しいテントが届きました"),
            ("ﾃﾝﾄ", "新しいテント"),
            ("텐트", "텐트를 받았어요"),
            ("เต็นท์", "ฉันซื้อเต็นท์ใหม่"),
            ("strasse lodz", "Straße in Łódź"),
            ("office", "oﬃce"),
            ("tent ret", "The return of a TENT"),
            ("harriet.cole@customer.example", "Harriet.Cole@customer.example"),
            ("50%", "50% off"),
            ("a_b", "b, then a"),
        ];
        for (typed, text) in found {
            assert!(finds(typed, text), "{typed} in {text}: {:?} in {:?}", Wanted::read(typed), words(text));
        }
    }

    #[test]
    fn what_does_not_occur_is_not_found() {
        let lost = [("tent pole", "a tent"), ("ret tent", "the return of a tent"), ("ent", "a tent"), ("t", "tent")];
        for (typed, text) in lost {
            assert!(!finds(typed, text), "{typed} in {text}");
        }
    }

    #[test]
    fn operators_and_wildcards_are_just_text() {
        assert_eq!(Wanted::read("% _ ' \\ \" * ( ) : - ^ &|!<>"), None);
        for typed in ["tent OR pole", "tent NEAR pole", "NOT tent", "tent AND pole"] {
            assert!(!finds(typed, "a tent"), "{typed}");
        }
        assert!(finds("(tent*) \"pole\":* -not ^near", "near not a tent pole"));
    }

    proptest! {
        #[test]
        fn words_are_clean_and_each_finds_its_text(text in "\\PC{0,60}") {
            let all = words(&text);
            for word in &all {
                let clean = word.chars().all(|c| !c.is_whitespace() && !c.is_ascii_punctuation());
                prop_assert!(clean && !word.is_empty(), "{:?}", word);
            }
            prop_assert!(Wanted::read(&text).is_none_or(|wanted| wanted.is_in(&all)));
        }
    }
}
