//! What customers and agents of the demo workspace write to each other.
//!
//! The texts lie in `threads/*.txt`, one file a language. A thread looks like this:
//!
//! ```text
//! == its-name
//! team: Returns
//! tags: return, refund
//! subject: [Where is my refund?|Refund for order {order}?]
//! @customer
//! [Hello|Hi], I sent the {jacket} back.
//! @agent
//! Hello {first}, the {amount} are on their way.
//! @note
//! Only for teammates, always in English.
//! ```
//!
//! `[one|other]` gives one of the alternatives, `{order}` and the like are filled in; within a
//! thread the same placeholder always gives the same text. Lines that start with `#` before the
//! first thread are comments. Every thread can be cut off after any message.

mod featured;
mod read;
mod slots;
mod tell;

use std::sync::LazyLock;

pub use featured::{FEATURED, Featured};
use read::Reader;
use slots::Slot;

use super::people::TEAMS;
use super::random::Rng;

/// The languages, each with its share of the threads and its file. Germans are served by a team of
/// their own, whose share of the work decides how common German is.
const FILES: &[(&str, u32, &str)] = &[
    ("en", 62, include_str!("threads/en.txt")),
    ("de", 9, include_str!("threads/de.txt")),
    ("fr", 9, include_str!("threads/fr.txt")),
    ("es", 8, include_str!("threads/es.txt")),
    ("pl", 5, include_str!("threads/pl.txt")),
    ("nl", 4, include_str!("threads/nl.txt")),
    ("it", 4, include_str!("threads/it.txt")),
    ("sv", 3, include_str!("threads/sv.txt")),
    ("tr", 3, include_str!("threads/tr.txt")),
    ("ja", 2, include_str!("threads/ja.txt")),
    ("ar", 2, include_str!("threads/ar.txt")),
    ("uk", 2, include_str!("threads/uk.txt")),
];

/// Who says something in a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// The contact.
    Customer,
    /// Whoever answers.
    Agent,
    /// A teammate, in an internal note that the customer never sees.
    Note,
}

/// One message or note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Whose it is.
    pub speaker: Speaker,
    /// What it says, without blank lines at either end.
    pub text: String,
}

/// A thread, ready to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// The subject.
    pub subject: String,
    /// The language of subject and messages, as a two-letter code.
    pub language: &'static str,
    /// Tags, all of them from [`TAGS`](super::people::TAGS).
    pub tags: Vec<&'static str>,
    /// The team that usually answers, from [`TEAMS`].
    pub team: &'static str,
    /// What was said, oldest first; the customer begins.
    pub turns: Vec<Turn>,
}

/// Who plays in a story, and when it begins.
#[derive(Clone, Copy, Debug)]
pub struct Cast<'a> {
    /// Full name of the customer.
    pub contact: &'a str,
    /// Name the agent signs with.
    pub agent: &'a str,
    /// The day of the first message, in days since 1 January 1970. Dates in the texts lie a little
    /// before or after it.
    pub day: i64,
}

/// All threads the demo can tell.
#[derive(Debug)]
pub struct Library {
    /// Beside the others, so that there is always one to fall back on.
    head: Template,
    tail: Vec<Template>,
    teams: Vec<Shelf>,
}

/// The threads of one team, by language.
#[derive(Debug)]
struct Shelf {
    team: &'static str,
    share: u32,
    languages: Vec<(u32, Vec<usize>)>,
}

/// A thread as it was written, with places to fill in.
#[derive(Debug)]
pub struct Template {
    name: &'static str,
    language: &'static str,
    team: &'static str,
    tags: Vec<&'static str>,
    subject: Vec<Piece>,
    turns: Vec<(Speaker, Vec<Piece>)>,
    /// What the goods in this thread cost, in whole euros.
    prices: (u32, u32),
}

#[derive(Debug)]
enum Piece {
    Text(&'static str),
    Slot(Slot),
    OneOf(Vec<Vec<Piece>>),
}

/// The threads of the demo, read once; a sentence if a file is malformed.
pub fn library() -> Result<&'static Library, String> {
    static LIBRARY: LazyLock<Result<Library, String>> = LazyLock::new(|| Library::parse(FILES));
    LIBRARY.as_ref().map_err(Clone::clone)
}

impl Library {
    fn parse(files: &[(&'static str, u32, &'static str)]) -> Result<Self, String> {
        let mut templates: Vec<Template> = Vec::new();
        let mut teams: Vec<Shelf> = Vec::new();
        for &(language, share, text) in files {
            let mut of_this_file: Vec<(&'static str, Vec<usize>)> = Vec::new();
            for template in Reader::new(language).read(text)? {
                if templates.iter().any(|other| other.name == template.name) {
                    return Err(format!("threads/{language}.txt: two threads are called “{}”.", template.name));
                }
                let index = templates.len();
                match of_this_file.iter_mut().find(|(team, _)| *team == template.team) {
                    Some((_, indices)) => indices.push(index),
                    None => of_this_file.push((template.team, vec![index])),
                }
                templates.push(template);
            }
            for (team, indices) in of_this_file {
                match teams.iter_mut().find(|shelf| shelf.team == team) {
                    Some(shelf) => shelf.languages.push((share, indices)),
                    None => teams.push(Shelf {
                        team,
                        share: TEAMS.iter().find(|known| known.name == team).map_or(1, |known| u32::from(known.open)),
                        languages: vec![(share, indices)],
                    }),
                }
            }
        }
        let mut templates = templates.into_iter();
        let head = templates.next().ok_or_else(|| "The demo has no threads at all.".to_owned())?;
        Ok(Self { head, tail: templates.collect(), teams })
    }

    fn at(&self, index: usize) -> &Template {
        index.checked_sub(1).and_then(|index| self.tail.get(index)).unwrap_or(&self.head)
    }

    fn on_shelf(&self, rng: &mut Rng, shelf: &Shelf) -> &Template {
        rng.weighted(&shelf.languages, |language| language.0)
            .and_then(|(_, indices)| rng.pick(indices).copied())
            .map_or(&self.head, |index| self.at(index))
    }

    /// A thread, each team being as common as it is in the drawings.
    pub fn pick(&self, rng: &mut Rng) -> &Template {
        rng.weighted(&self.teams, |shelf| shelf.share).map_or(&self.head, |shelf| self.on_shelf(rng, shelf))
    }

    /// A thread for one team, or for any team if nothing was written for this one.
    pub fn pick_for_team(&self, rng: &mut Rng, team: &str) -> &Template {
        match self.teams.iter().find(|shelf| shelf.team == team) {
            Some(shelf) => self.on_shelf(rng, shelf),
            None => self.pick(rng),
        }
    }

    /// The thread of that name.
    pub fn named(&self, name: &str) -> Option<&Template> {
        self.templates().find(|template| template.name == name)
    }

    /// All threads, in the order of the files.
    pub fn templates(&self) -> impl Iterator<Item = &Template> {
        std::iter::once(&self.head).chain(&self.tail)
    }

    /// Picks a thread and tells it.
    pub fn story(&self, rng: &mut Rng, cast: &Cast<'_>) -> Story {
        self.pick(rng).tell(rng, cast)
    }
}

impl Template {
    /// Its name, unique among all threads.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The language of its messages, as a two-letter code.
    pub const fn language(&self) -> &'static str {
        self.language
    }

    /// The team that usually answers.
    pub const fn team(&self) -> &'static str {
        self.team
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// 22 November 2026, the day of the drawings.
    const CAST: Cast<'_> = Cast { contact: "Marta Lindqvist", agent: "Elif Yıldız", day: 20_779 };

    #[test]
    fn there_is_enough_to_tell() -> Result<(), String> {
        let library = library()?;
        let all = library.templates().count();
        let english = library.templates().filter(|one| one.language == "en").count();
        let languages: BTreeSet<_> = library.templates().map(|one| one.language).collect();
        assert!(all >= 60, "{all} threads");
        assert!(languages.len() >= 10, "{languages:?}");
        assert!(FILES.iter().all(|file| languages.contains(file.0)));
        assert!(english * 3 > all, "{english} of {all} are English");
        for template in library.templates() {
            let messages = template.turns.iter().filter(|turn| turn.0 != Speaker::Note);
            assert!((1..=6).contains(&messages.count()), "{}", template.name);
        }
        for team in TEAMS {
            assert!(library.teams.iter().any(|shelf| shelf.team == team.name), "{}", team.name);
        }
        Ok(())
    }

    #[test]
    fn everything_is_filled_in() -> Result<(), String> {
        let mut rng = Rng::new(5);
        for template in library()?.templates() {
            for _ in 0..20 {
                let story = template.tell(&mut rng, &CAST);
                let texts = story.turns.iter().map(|turn| &turn.text);
                for text in texts.chain([&story.subject]) {
                    assert!(!text.contains(['{', '}', '[', ']', '|', '\r']), "{text}");
                    assert!(!text.contains("  ") && !text.contains("\n\n\n"), "{text}");
                    assert!(!text.is_empty() && text.trim() == text, "{text}");
                }
                let length = story.subject.chars().count();
                assert!((5..=75).contains(&length), "{length}: {}", story.subject);
            }
        }
        Ok(())
    }

    #[test]
    fn agents_sign_and_facts_stay_the_same() -> Result<(), String> {
        let mut rng = Rng::new(6);
        for template in library()?.templates() {
            let story = template.tell(&mut rng, &CAST);
            for turn in &story.turns {
                assert_eq!(
                    turn.text.contains(CAST.agent),
                    turn.speaker == Speaker::Agent,
                    "{}: {}",
                    template.name,
                    turn.text
                );
            }
            let all: String = story.turns.iter().map(|turn| turn.text.as_str()).collect();
            let orders: BTreeSet<_> = all
                .split(|c: char| !c.is_ascii_digit())
                .filter(|word| word.len() == 5 && word.starts_with('4'))
                .collect();
            assert!(orders.len() <= 1, "{}: {orders:?}", template.name);
        }
        Ok(())
    }

    #[test]
    fn every_thread_comes_up_and_most_are_english() -> Result<(), String> {
        let library = library()?;
        let mut rng = Rng::new(7);
        let mut seen = BTreeSet::new();
        let (mut english, mut german) = (0, 0);
        for _ in 0..20_000 {
            let template = library.pick(&mut rng);
            seen.insert(template.name);
            english += u32::from(template.language == "en");
            german += u32::from(template.team == "German desk");
        }
        assert_eq!(seen.len(), library.templates().count());
        assert!(english > 10_000, "{english} of 20,000");
        assert!((1_600..2_100).contains(&german), "{german} of 20,000");
        for team in TEAMS {
            assert_eq!(library.pick_for_team(&mut rng, team.name).team, team.name);
        }
        assert!(!library.pick_for_team(&mut rng, "Nobody").name.is_empty());
        Ok(())
    }

    #[test]
    fn the_same_seed_tells_the_same() -> Result<(), String> {
        let tell = |seed| -> Result<Vec<Story>, String> {
            let library = library()?;
            let mut rng = Rng::new(seed);
            Ok((0..300).map(|_| library.story(&mut rng, &CAST)).collect())
        };
        assert_eq!(tell(1)?, tell(1)?);
        assert_ne!(tell(1)?, tell(2)?);
        Ok(())
    }

    #[test]
    fn stories_hardly_repeat() -> Result<(), String> {
        let library = library()?;
        let mut rng = Rng::new(8);
        let stories: Vec<_> = (0..2_000).map(|_| library.story(&mut rng, &CAST)).collect();
        let first = |story: &Story| story.turns.first().map(|turn| turn.text.clone());
        let firsts: BTreeSet<_> = stories.iter().map(first).collect();
        let subjects: BTreeSet<_> = stories.iter().map(|story| &story.subject).collect();
        assert!(firsts.len() > 1_400, "{} first messages differ", firsts.len());
        assert!(subjects.len() > 700, "{} subjects differ", subjects.len());
        Ok(())
    }

    #[test]
    fn a_hundred_thousand_stories_take_no_time() -> Result<(), String> {
        let library = library()?;
        let mut rng = Rng::new(9);
        let start = std::time::Instant::now();
        let letters: usize = (0..100_000)
            .map(|_| library.story(&mut rng, &CAST))
            .flat_map(|story| story.turns)
            .map(|turn| turn.text.len())
            .sum();
        assert!(letters > 10_000_000);
        // Generous, for a busy machine and a build without optimisation.
        assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
        Ok(())
    }
}
