//! What customers of the demo workspace are called.

use std::fmt::Write as _;
use std::sync::LazyLock;

use super::random::Rng;

/// A customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Full name, often in its own script.
    pub name: String,
    /// E-mail address in ASCII. The same address always comes with the same name, but both can
    /// come up again, as customers do write more than once.
    pub email: String,
    /// A telephone number from the ranges that are kept free for films and examples.
    pub phone: String,
    /// The language they write in.
    pub language: &'static str,
}

/// The names contacts are made of.
#[derive(Debug)]
pub struct Names {
    sections: Vec<Section>,
}

#[derive(Debug, Default)]
struct Section {
    language: &'static str,
    share: u32,
    domains: Vec<&'static str>,
    first: Vec<Spelling>,
    last: Vec<Spelling>,
    family_first: bool,
    joined: bool,
}

/// A name as it is shown, and as it stands in an address.
#[derive(Debug)]
struct Spelling {
    shown: String,
    ascii: String,
}

/// The names of `names.txt`, read once; a sentence if the file is malformed.
pub fn names() -> Result<&'static Names, String> {
    static NAMES: LazyLock<Result<Names, String>> = LazyLock::new(|| Names::parse(include_str!("names.txt")));
    NAMES.as_ref().map_err(Clone::clone)
}

impl Names {
    /// Reads names. A section starts with `== ` and its name, followed by lines `key: value`:
    ///
    /// - `language`: the language these people write in,
    /// - `share`: how common they are among all contacts,
    /// - `domains`: of their addresses,
    /// - `first`, `last` (both may be repeated): names, separated by spaces,
    /// - `order: family-first` and `join: none`, where that is how names are written.
    fn parse(text: &'static str) -> Result<Self, String> {
        let mut sections: Vec<Section> = Vec::new();
        for (number, line) in (1_u32..).zip(text.lines()) {
            let at = |problem: &str| format!("names.txt, line {number}: {problem}.");
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if line.starts_with("== ") {
                sections.push(Section::default());
                continue;
            }
            let section =
                sections.last_mut().ok_or_else(|| at("names have to follow a line that starts with “== ”"))?;
            let (key, value) = line.split_once(':').ok_or_else(|| at("a line has to look like “key: value”"))?;
            let value = value.trim();
            match key {
                "language" => section.language = value,
                "share" => {
                    section.share = value.parse().map_err(|_| at("the share has to be a whole number"))?;
                }
                "domains" => section.domains.extend(value.split_whitespace()),
                // The language comes first in a section, as it decides how ä, ö and ü are spelled.
                "first" | "last" => {
                    let language = section.language;
                    let names = match key {
                        "first" => &mut section.first,
                        _ => &mut section.last,
                    };
                    for word in value.split_whitespace() {
                        names.push(
                            Spelling::parse(word, language)
                                .ok_or_else(|| at(&format!("“{word}” needs its Latin spelling, like “name=latin”")))?,
                        );
                    }
                }
                "order" if value == "family-first" => section.family_first = true,
                "join" if value == "none" => section.joined = true,
                _ => return Err(at(&format!("“{line}” is not understood"))),
            }
        }
        let complete = |s: &Section| {
            !(s.language.is_empty() || s.share == 0 || s.domains.is_empty() || s.first.is_empty() || s.last.is_empty())
        };
        if sections.is_empty() || !sections.iter().all(complete) {
            return Err("names.txt: every section needs language, share, domains, first and last names.".to_owned());
        }
        Ok(Self { sections })
    }

    /// A contact who writes in the given language, or any contact if nobody does.
    pub fn contact(&self, rng: &mut Rng, language: &str) -> Contact {
        let section =
            rng.weighted(&self.sections, |section| if section.language == language { section.share } else { 0 });
        match section {
            Some(section) => section.contact(rng),
            None => self.any_contact(rng),
        }
    }

    /// A contact in whatever language.
    pub fn any_contact(&self, rng: &mut Rng) -> Contact {
        match rng.weighted(&self.sections, |section| section.share) {
            Some(section) => section.contact(rng),
            // Not reached, as there is a section and no share is 0; a contact beats a panic.
            None => Section::default().contact(rng),
        }
    }
}

impl Section {
    fn contact(&self, rng: &mut Rng) -> Contact {
        let none = Spelling { shown: String::new(), ascii: String::new() };
        let first = rng.pick(&self.first).unwrap_or(&none);
        let last = rng.pick(&self.last).unwrap_or(&none);
        let (one, two) = if self.family_first { (last, first) } else { (first, last) };
        let gap = if self.joined { "" } else { " " };
        let name = [one.shown.as_str(), gap, two.shown.as_str()].concat();

        // Always both names in the same order: two people never share an address by accident.
        let dot = rng.pick(&[".", ".", "_", "-"]).copied().unwrap_or(".");
        let mut email = [first.ascii.as_str(), dot, last.ascii.as_str()].concat();
        if rng.chance(40) {
            let _ = write!(email, "{}", rng.between(2, 99));
        }
        email.push('@');
        email.push_str(rng.pick(&self.domains).copied().unwrap_or_default());

        Contact { name, email, phone: phone(rng, self.language), language: self.language }
    }
}

impl Spelling {
    /// `None` if there is no spelling in ASCII.
    fn parse(word: &str, language: &str) -> Option<Self> {
        let (shown, latin) = match word.split_once('=') {
            Some((shown, latin)) => (shown, latin),
            None => (word, word),
        };
        let shown = shown.replace('~', " ");
        let mut ascii = String::with_capacity(latin.len());
        for letter in latin.chars().flat_map(char::to_lowercase) {
            match fold(letter, language == "de") {
                Some(letters) => ascii.push_str(letters),
                None if letter.is_ascii_lowercase() || letter == '-' => ascii.push(letter),
                None => return None,
            }
        }
        (!ascii.is_empty()).then_some(Self { shown, ascii })
    }
}

/// What stands for a letter with a mark in an address.
const fn fold(letter: char, german: bool) -> Option<&'static str> {
    Some(match letter {
        'ä' if german => "ae",
        'ö' if german => "oe",
        'ü' if german => "ue",
        'á' | 'à' | 'â' | 'ä' | 'ã' | 'å' | 'ą' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'č' => "c",
        'é' | 'è' | 'ê' | 'ë' | 'ę' | 'ě' => "e",
        'ğ' => "g",
        'í' | 'ì' | 'î' | 'ï' | 'ı' => "i",
        'ł' => "l",
        'ñ' | 'ń' => "n",
        'ó' | 'ò' | 'ô' | 'ö' | 'õ' | 'ø' => "o",
        'ś' | 'ş' | 'š' => "s",
        'ß' => "ss",
        'ú' | 'ù' | 'û' | 'ü' => "u",
        'ý' => "y",
        'ź' | 'ż' | 'ž' => "z",
        'ð' => "d",
        // A space, an apostrophe, and the dot that is left of a Turkish İ in lower case.
        '~' | '’' | '\u{307}' => "",
        _ => return None,
    })
}

/// A number nobody has: from the ranges that the authorities keep free for films and examples.
fn phone(rng: &mut Rng, language: &str) -> String {
    match language {
        "de" => format!("+49 30 23125 {:03}", rng.below(1_000)),
        "fr" => format!("+33 6 39 98 {:02} {:02}", rng.below(100), rng.below(100)),
        "sv" => format!("+46 70 174 06 {:02}", rng.between(5, 99)),
        _ => format!("+44 7700 900{:03}", rng.below(1_000)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashMap};

    use super::*;

    #[test]
    fn large_languages_have_enough_names() -> Result<(), String> {
        for section in &names()?.sections {
            let first: BTreeSet<_> = section.first.iter().map(|name| &name.ascii).collect();
            let last: BTreeSet<_> = section.last.iter().map(|name| &name.ascii).collect();
            assert_eq!(first.len(), section.first.len(), "first names, {}", section.language);
            assert_eq!(last.len(), section.last.len(), "last names, {}", section.language);
        }
        for language in ["en", "de", "fr", "es"] {
            let enough = names()?
                .sections
                .iter()
                .any(|section| section.language == language && section.first.len() >= 40 && section.last.len() >= 60);
            assert!(enough, "{language}");
        }
        Ok(())
    }

    #[test]
    fn the_same_seed_gives_the_same_contacts() -> Result<(), String> {
        let row = |seed| -> Result<Vec<Contact>, String> {
            let mut rng = Rng::new(seed);
            let names = names()?;
            Ok((0..200).map(|_| names.any_contact(&mut rng)).collect())
        };
        assert_eq!(row(7)?, row(7)?);
        assert_ne!(row(7)?, row(8)?);
        Ok(())
    }

    #[test]
    fn an_address_belongs_to_one_name() -> Result<(), String> {
        let names = names()?;
        let mut rng = Rng::new(3);
        let mut seen: HashMap<String, String> = HashMap::new();
        let mut people = BTreeSet::new();
        for round in 0..100_000 {
            let contact = names.any_contact(&mut rng);
            assert!(contact.email.is_ascii(), "{}", contact.email);
            assert!(contact.email.ends_with(".example"), "{}", contact.email);
            assert!(!contact.email.contains(char::is_whitespace), "{}", contact.email);
            assert!(!contact.name.is_empty() && contact.name.trim() == contact.name);
            if round < 2_000 {
                people.insert(contact.name.clone());
            }
            let name = seen.entry(contact.email).or_insert_with(|| contact.name.clone());
            assert_eq!(*name, contact.name);
        }
        assert!(people.len() > 1_600, "only {} of 2,000 names differ", people.len());
        Ok(())
    }

    #[test]
    fn contacts_write_in_the_language_asked_for() -> Result<(), String> {
        let names = names()?;
        let mut rng = Rng::new(4);
        for language in ["en", "de", "ja", "uk"] {
            for _ in 0..50 {
                assert_eq!(names.contact(&mut rng, language).language, language);
            }
        }
        assert!(!names.contact(&mut rng, "tlh").name.is_empty());
        Ok(())
    }

    #[test]
    fn a_malformed_file_is_refused_in_a_sentence() {
        for (text, words) in [
            ("first: Anna", "line 1: names have to follow"),
            ("== de\nlanguage", "line 2: a line has to look like"),
            ("== de\nshare: much", "line 2: the share has to be"),
            ("== uk\nlanguage: uk\nfirst: Олена", "line 3: “Олена” needs its Latin"),
            ("== de\norder: odd", "line 2: “order: odd” is not understood"),
            ("== de\nlanguage: de", "every section needs"),
            ("", "every section needs"),
        ] {
            match Names::parse(text) {
                Ok(_) => assert!(words.is_empty(), "accepted: {text}"),
                Err(problem) => {
                    assert!(problem.contains(words) && problem.ends_with('.'), "{problem}");
                }
            }
        }
    }
}
