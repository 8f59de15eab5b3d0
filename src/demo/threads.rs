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

use std::fmt::Write as _;
use std::sync::LazyLock;

use super::people::{TAGS, TEAMS};
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
    /// Tags, all of them from [`TAGS`].
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    Name,
    First,
    Agent,
    Order,
    Track,
    Invoice,
    Batch,
    Amount,
    Fee,
    Voucher,
    Date,
    Due,
    Days,
    Quantity,
    Size,
    OtherSize,
    Wear,
    OtherWear,
    Goods(&'static Goods),
}

/// A kind of goods the shop sells. The names need no translation and no article.
#[derive(Debug, PartialEq, Eq)]
struct Goods {
    slot: &'static str,
    prices: (u32, u32),
    names: &'static [&'static str],
}

#[rustfmt::skip] // one line a kind is a table one can read
static GOODS: [Goods; 11] = [
    Goods { slot: "tent", prices: (190, 520), names: &["Ridge 2", "Ridge 3", "Fellside 4", "Tarn 1", "Solstice 3", "Cairn 2", "Skerry 2"] },
    Goods { slot: "jacket", prices: (120, 380), names: &["Skarv", "Norr Shell", "Drizzle Pro", "Windhover", "Alder Down", "Gale 3L", "Kestrel"] },
    Goods { slot: "boots", prices: (110, 260), names: &["Scree Mid", "Moraine High", "Trailhead Low", "Bergen Mid", "Fjell 40", "Causeway"] },
    Goods { slot: "pack", prices: (80, 260), names: &["Carry 45", "Haul 65", "Daybreak 22", "Skye 38", "Porter 55"] },
    Goods { slot: "stove", prices: (45, 160), names: &["Nova", "Nova Duo", "Ember 1", "Ember 2", "Hearth Alpine"] },
    Goods { slot: "bag", prices: (110, 420), names: &["Dormouse 0", "Dormouse −7", "Hollow 300", "Hollow 500", "Larkrise"] },
    Goods { slot: "mat", prices: (60, 180), names: &["Loft 5", "Loft 7", "Featherbed XL", "Drift Light"] },
    Goods { slot: "lamp", prices: (25, 90), names: &["Beacon 350", "Beacon 600", "Glow 200", "Owl R"] },
    Goods { slot: "bottle", prices: (25, 60), names: &["Brook 1L", "Brook 0.6L", "Spring Filter"] },
    Goods { slot: "trousers", prices: (70, 150), names: &["Heath", "Heath Zip-off", "Crag Stretch", "Moor Rain"] },
    Goods { slot: "poles", prices: (40, 140), names: &["Stride Carbon", "Stride Alu", "Trek Fold"] },
];

const WEAR: [&str; 5] = ["S", "M", "L", "XL", "XXL"];

impl Slot {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "name" => Self::Name,
            "first" => Self::First,
            "agent" => Self::Agent,
            "order" => Self::Order,
            "track" => Self::Track,
            "invoice" => Self::Invoice,
            "batch" => Self::Batch,
            "amount" => Self::Amount,
            "fee" => Self::Fee,
            "voucher" => Self::Voucher,
            "date" => Self::Date,
            "due" => Self::Due,
            "days" => Self::Days,
            "qty" => Self::Quantity,
            "size" => Self::Size,
            "size2" => Self::OtherSize,
            "wear" => Self::Wear,
            "wear2" => Self::OtherWear,
            _ => Self::Goods(GOODS.iter().find(|goods| goods.slot == name)?),
        })
    }
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

/// What is filled in, drawn once a story so that the order number stays the same throughout.
struct Facts<'a> {
    cast: &'a Cast<'a>,
    as_drawn: bool,
    order: u32,
    track: u32,
    invoice: u32,
    batch: (u32, u32),
    amount: u32,
    fee: u32,
    voucher: u32,
    date: i64,
    due: i64,
    days: u32,
    quantity: u32,
    size: u32,
    wear: u32,
    goods: u32,
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

    /// Tells the thread once, with everything filled in.
    pub fn tell(&self, rng: &mut Rng, cast: &Cast<'_>) -> Story {
        self.tell_with(rng, cast, false)
    }

    /// Tells the thread with the first of all alternatives, which are those of the drawings where
    /// the thread is drawn. Numbers, dates and goods still vary.
    pub fn tell_as_drawn(&self, rng: &mut Rng, cast: &Cast<'_>) -> Story {
        self.tell_with(rng, cast, true)
    }

    fn tell_with(&self, rng: &mut Rng, cast: &Cast<'_>, as_drawn: bool) -> Story {
        let facts = Facts::draw(rng, cast, self.prices, as_drawn);
        let mut subject = String::with_capacity(64);
        write(&mut subject, &self.subject, rng, &facts, self.language);
        let turns = self
            .turns
            .iter()
            .map(|(speaker, pieces)| {
                let language = match speaker {
                    Speaker::Customer | Speaker::Agent => self.language,
                    Speaker::Note => "en",
                };
                let mut text = String::with_capacity(320);
                write(&mut text, pieces, rng, &facts, language);
                Turn { speaker: *speaker, text }
            })
            .collect();
        Story { subject, language: self.language, tags: self.tags.clone(), team: self.team, turns }
    }
}

impl<'a> Facts<'a> {
    fn draw(rng: &mut Rng, cast: &'a Cast<'a>, prices: (u32, u32), as_drawn: bool) -> Self {
        const CENTS: [u32; 5] = [0, 0, 50, 90, 95];
        let mut cents = || rng.pick(&CENTS).copied().unwrap_or(0);
        let (goods_cents, fee_cents) = (cents(), cents());
        Self {
            cast,
            as_drawn,
            order: rng.between(46_200, 48_999),
            track: rng.between(100_000_000, 999_999_999),
            invoice: rng.between(10_000, 29_999),
            batch: (rng.between(2, 9), rng.between(1_001, 1_052)),
            amount: rng.between(prices.0, prices.1) * 100 + goods_cents,
            fee: rng.between(4, 18) * 100 + fee_cents,
            voucher: rng.between(1, 8) * 2_500,
            date: cast.day.saturating_sub(rng.between(5, 10).into()),
            due: weekday_from(cast.day.saturating_add(rng.between(3, 9).into())),
            days: rng.between(11, 19),
            quantity: rng.between(20, 60),
            size: rng.between(37, 46),
            wear: rng.below(4),
            goods: rng.below(420),
        }
    }
}

/// Moves a Saturday or Sunday to Monday: nothing is promised for a weekend.
const fn weekday_from(day: i64) -> i64 {
    // 1 January 1970 was a Thursday.
    match day.rem_euclid(7) {
        2 => day.saturating_add(2),
        3 => day.saturating_add(1),
        _ => day,
    }
}

fn write(out: &mut String, pieces: &[Piece], rng: &mut Rng, facts: &Facts<'_>, language: &str) {
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Slot(slot) => fill(out, *slot, facts, language),
            Piece::OneOf(choices) => {
                let choice = if facts.as_drawn { choices.first() } else { rng.pick(choices) };
                if let Some(choice) = choice {
                    write(out, choice, rng, facts, language);
                }
            }
        }
    }
}

fn fill(out: &mut String, slot: Slot, facts: &Facts<'_>, language: &str) {
    let cast = facts.cast;
    // Writing into a String can't fail, so the results are of no interest.
    let _ = match slot {
        Slot::Name => out.write_str(cast.contact),
        Slot::First => out.write_str(cast.contact.split_whitespace().next().unwrap_or_default()),
        Slot::Agent => out.write_str(cast.agent),
        Slot::Order => write!(out, "{}", facts.order),
        Slot::Track => write!(out, "FH{}", facts.track),
        Slot::Invoice => write!(out, "R-{}", facts.invoice),
        Slot::Batch => write!(out, "R{}-{}", facts.batch.0, facts.batch.1),
        Slot::Amount => money(out, facts.amount, language),
        Slot::Fee => money(out, facts.fee, language),
        Slot::Voucher => money(out, facts.voucher, language),
        Slot::Date => date(out, facts.date, language),
        Slot::Due => date(out, facts.due, language),
        Slot::Days => write!(out, "{}", facts.days),
        Slot::Quantity => write!(out, "{}", facts.quantity),
        Slot::Size => write!(out, "{}", facts.size),
        Slot::OtherSize => write!(out, "{}", facts.size.saturating_add(1)),
        Slot::Wear => out.write_str(wear(facts.wear)),
        Slot::OtherWear => out.write_str(wear(facts.wear.saturating_add(1))),
        Slot::Goods(goods) => out.write_str(nth(goods.names, facts.goods)),
    };
}

fn wear(size: u32) -> &'static str {
    nth(&WEAR, size)
}

/// The nth word, starting anew after the last one.
fn nth(words: &[&'static str], n: u32) -> &'static str {
    usize::try_from(n)
        .ok()
        .and_then(|n| n.checked_rem(words.len()))
        .and_then(|n| words.get(n))
        .copied()
        .unwrap_or_default()
}

fn money(out: &mut String, cents: u32, language: &str) -> std::fmt::Result {
    let (euros, cents) = (cents / 100, cents % 100);
    match language {
        "en" | "ja" => write!(out, "€{euros}.{cents:02}"),
        "nl" => write!(out, "€\u{a0}{euros},{cents:02}"),
        "ar" => write!(out, "{euros}.{cents:02} يورو"),
        _ => write!(out, "{euros},{cents:02}\u{a0}€"),
    }
}

fn date(out: &mut String, day: i64, language: &str) -> std::fmt::Result {
    let (month, day) = civil(day);
    let name = nth(months(language), month.saturating_sub(1));
    match language {
        "de" => write!(out, "{day}. {name}"),
        "es" => write!(out, "{day} de {name}"),
        "ja" => write!(out, "{month}月{day}日"),
        "fr" if day == 1 => write!(out, "1er {name}"),
        _ => write!(out, "{day} {name}"),
    }
}

/// Month and day of the month (Howard Hinnant's `civil_from_days`), so that the generator needs no
/// calendar library.
fn civil(day: i64) -> (u32, u32) {
    // Nobody starts a demo outside these 5,000 years, and inside nothing can overflow.
    let shifted = day.clamp(-700_000, 1_100_000) + 719_468;
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (u32::try_from(month).unwrap_or(1), u32::try_from(day).unwrap_or(1))
}

/// The months as they are written after a day.
#[rustfmt::skip] // one line a language is a table one can read
const fn months(language: &str) -> &'static [&'static str] {
    match language.as_bytes() {
        b"de" => &["Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"],
        b"fr" => &["janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"],
        b"es" => &["enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"],
        b"pl" => &["stycznia", "lutego", "marca", "kwietnia", "maja", "czerwca", "lipca", "sierpnia", "września", "października", "listopada", "grudnia"],
        b"nl" => &["januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober", "november", "december"],
        b"it" => &["gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto", "settembre", "ottobre", "novembre", "dicembre"],
        b"sv" => &["januari", "februari", "mars", "april", "maj", "juni", "juli", "augusti", "september", "oktober", "november", "december"],
        b"tr" => &["Ocak", "Şubat", "Mart", "Nisan", "Mayıs", "Haziran", "Temmuz", "Ağustos", "Eylül", "Ekim", "Kasım", "Aralık"],
        b"ar" => &["يناير", "فبراير", "مارس", "أبريل", "مايو", "يونيو", "يوليو", "أغسطس", "سبتمبر", "أكتوبر", "نوفمبر", "ديسمبر"],
        b"uk" => &["січня", "лютого", "березня", "квітня", "травня", "червня", "липня", "серпня", "вересня", "жовтня", "листопада", "грудня"],
        _ => &["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"],
    }
}

/// Reads one file of threads, and knows the line for what it has to complain about.
struct Reader {
    language: &'static str,
    line: usize,
}

/// A thread that is being read. Subject and messages are parsed when all their lines are known.
struct Unread {
    name: &'static str,
    line: usize,
    team: Option<&'static str>,
    tags: Vec<&'static str>,
    subject: Vec<Piece>,
    turns: Vec<(Speaker, Vec<Piece>)>,
    prices: Option<(u32, u32)>,
}

impl Reader {
    const fn new(language: &'static str) -> Self {
        Self { language, line: 0 }
    }

    fn problem(&self, what: &str) -> String {
        format!("threads/{}.txt, line {}: {what}.", self.language, self.line)
    }

    fn read(&mut self, text: &'static str) -> Result<Vec<Template>, String> {
        let mut done = Vec::new();
        let mut unread: Option<Unread> = None;
        // The message being read: who speaks, its first line, where it begins and ends in `text`.
        let mut message: Option<(Speaker, usize, usize, usize)> = None;
        let mut end = 0;
        for (number, line) in (1..).zip(text.split_inclusive('\n')) {
            end += line.len();
            let line = line.trim();
            let speaker = match line {
                "@customer" => Some(Speaker::Customer),
                "@agent" => Some(Speaker::Agent),
                "@note" => Some(Speaker::Note),
                _ => None,
            };
            let title = line.strip_prefix("== ");
            if speaker.is_some() || title.is_some() {
                self.finish_message(text, message.take(), unread.as_mut())?;
            }
            self.line = number;
            match (&mut unread, &mut message) {
                _ if title.is_some() => {
                    if let Some(before) = unread.take() {
                        done.push(self.finish(before)?);
                    }
                    unread = title.map(|name| Unread {
                        name,
                        line: number,
                        team: None,
                        tags: Vec::new(),
                        subject: Vec::new(),
                        turns: Vec::new(),
                        prices: None,
                    });
                }
                (Some(_), _) if speaker.is_some() => {
                    message = speaker.map(|speaker| (speaker, number, end, end));
                }
                (Some(_), Some(message)) => message.3 = end,
                (Some(unread), None) if !line.is_empty() => self.header(line, unread)?,
                (None, _) if !line.is_empty() && !line.starts_with('#') => {
                    return Err(self.problem("text has to follow a line that starts with “== ”"));
                }
                _ => {}
            }
        }
        self.finish_message(text, message, unread.as_mut())?;
        if let Some(last) = unread {
            done.push(self.finish(last)?);
        }
        Ok(done)
    }

    fn header(&self, line: &'static str, unread: &mut Unread) -> Result<(), String> {
        let (key, value) =
            line.split_once(':').ok_or_else(|| self.problem("a line before the first message needs a “key:”"))?;
        let value = value.trim();
        match key {
            "team" => {
                let team = TEAMS
                    .iter()
                    .find(|team| team.name == value)
                    .ok_or_else(|| self.problem(&format!("there is no team “{value}”")))?;
                unread.team = Some(team.name);
            }
            "tags" => {
                for tag in value.split(',').map(str::trim) {
                    let tag = TAGS
                        .iter()
                        .find(|known| **known == tag)
                        .ok_or_else(|| self.problem(&format!("there is no tag “{tag}”")))?;
                    unread.tags.push(tag);
                }
            }
            "subject" => unread.subject = self.pieces(value, &mut unread.prices)?,
            _ => return Err(self.problem(&format!("“{key}” is neither team, tags nor subject"))),
        }
        Ok(())
    }

    fn finish_message(
        &mut self,
        text: &'static str,
        message: Option<(Speaker, usize, usize, usize)>,
        unread: Option<&mut Unread>,
    ) -> Result<(), String> {
        let (Some((speaker, line, start, end)), Some(unread)) = (message, unread) else {
            return Ok(());
        };
        self.line = line;
        let words = text.get(start..end).unwrap_or_default().trim();
        if words.is_empty() {
            return Err(self.problem("this message is empty"));
        }
        let pieces = self.pieces(words, &mut unread.prices)?;
        unread.turns.push((speaker, pieces));
        Ok(())
    }

    fn finish(&mut self, unread: Unread) -> Result<Template, String> {
        self.line = unread.line;
        let starts_well = unread.turns.first().is_some_and(|turn| turn.0 == Speaker::Customer);
        if unread.name.is_empty() || unread.tags.is_empty() || unread.subject.is_empty() {
            return Err(self.problem("a thread needs a name, tags and a subject"));
        }
        if !starts_well {
            return Err(self.problem("a thread has to begin with a message by the customer"));
        }
        Ok(Template {
            name: unread.name,
            language: self.language,
            team: unread.team.ok_or_else(|| self.problem("a thread needs a team"))?,
            tags: unread.tags,
            subject: unread.subject,
            turns: unread.turns,
            prices: unread.prices.unwrap_or((40, 300)),
        })
    }

    /// Cuts a text into what stays, what is filled in, and what has alternatives.
    fn pieces(&self, text: &'static str, prices: &mut Option<(u32, u32)>) -> Result<Vec<Piece>, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}', '[', ']', '|']) {
            let (before, from) = rest.split_at(at);
            if !before.is_empty() {
                pieces.push(Piece::Text(before));
            }
            if let Some((name, after)) = from.strip_prefix('{').and_then(|s| s.split_once('}')) {
                let slot =
                    Slot::named(name).ok_or_else(|| self.problem(&format!("“{{{name}}}” is not a placeholder")))?;
                if let Slot::Goods(goods) = slot {
                    prices.get_or_insert(goods.prices);
                }
                pieces.push(Piece::Slot(slot));
                rest = after;
            } else if let Some((choices, after)) = from.strip_prefix('[').and_then(|s| s.split_once(']')) {
                let choices: Vec<_> =
                    choices.split('|').map(|choice| self.pieces(choice, prices)).collect::<Result<_, _>>()?;
                if choices.len() < 2 || choices.iter().any(Vec::is_empty) {
                    return Err(self.problem("“[one|other]” needs at least two alternatives"));
                }
                pieces.push(Piece::OneOf(choices));
                rest = after;
            } else {
                let sign: String = from.chars().take(1).collect();
                return Err(self.problem(&format!("“{sign}” has no counterpart")));
            }
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest));
        }
        Ok(pieces)
    }
}

/// A conversation that is drawn in the mock-ups of the inbox.
#[derive(Debug)]
pub struct Featured {
    /// The thread, for [`Library::named`].
    pub template: &'static str,
    /// Full name of the customer.
    pub contact: &'static str,
    /// Address of the customer.
    pub email: &'static str,
    /// Telephone number of the customer.
    pub phone: &'static str,
    /// Name of the channel.
    pub channel: &'static str,
    /// Address of the user who has it; `None` if it is unassigned.
    pub assignee: Option<&'static str>,
    /// How long ago the customer wrote last, in minutes.
    pub minutes_ago: u32,
}

const fn featured(
    template: &'static str,
    contact: (&'static str, &'static str, &'static str),
    channel: &'static str,
    assignee: Option<&'static str>,
    minutes_ago: u32,
) -> Featured {
    let (contact, email, phone) = contact;
    Featured { template, contact, email, phone, channel, assignee, minutes_ago }
}

/// The inbox as it is drawn, newest first. [`Template::tell_as_drawn`] gives the drawn subjects.
#[rustfmt::skip] // one line a conversation is a table one can read
pub static FEATURED: [Featured; 13] = [
    featured("tent-pole-snapped", ("Marta Lindqvist", "marta.lindqvist@brevlada.example", "+46 70 174 06 12"), "Returns email", Some("elif.yildiz@fernhill.example"), 9),
    featured("refund-not-received", ("Gareth Price", "gareth.price@mail.example", "+44 7700 900461"), "WhatsApp", Some("bob.keller@fernhill.example"), 23),
    featured("fr-echange-taille", ("Amélie Girard", "amelie.girard@courrier.example", "+33 6 39 98 12 40"), "Returns email", Some("noor.van.dijk@fernhill.example"), 41),
    featured("wrong-size-boots", ("Jens Albrecht", "jens.albrecht@postfach.example", "+49 1522 8817386"), "Web chat", None, 50),
    featured("larger-pack-exchange", ("Rosa Jiménez", "rosa.jimenez@buzon.example", "+44 7700 900214"), "Phone", Some("elif.yildiz@fernhill.example"), 76),
    featured("return-label-blank", ("Tom Whitfield", "tom.whitfield@mail.example", "+44 7700 900377"), "Instagram", Some("daniel.osei@fernhill.example"), 92),
    featured("where-is-my-refund", ("Hélène Fabre", "helene.fabre@courrier.example", "+33 6 39 98 41 07"), "Returns email", Some("ruth.mbeki@fernhill.example"), 121),
    featured("stove-leaks-gas", ("Karl Brandt", "karl.brandt@postfach.example", "+49 30 23125 118"), "Support email", Some("samuel.adeyemi@fernhill.example"), 143),
    featured("gift-without-receipt", ("Nadia Benali", "nadia.benali@courrier.example", "+33 6 39 98 66 52"), "Web chat", Some("noor.van.dijk@fernhill.example"), 170),
    featured("replacement-same-fault", ("Oliver Stanton-Featherstonehaugh", "oliver.stanton@brightmail.example", "+44 7700 900509"), "Returns email", Some("bob.keller@fernhill.example"), 199),
    featured("pl-zwrot-kurtki", ("Ewa Kowalczyk", "ewa.kowalczyk@skrzynka.example", "+44 7700 900862"), "Returns WhatsApp", Some("alice.martin@fernhill.example"), 214),
    featured("paid-return-twice", ("Priit Tamm", "priit.tamm@nordpost.example", "+44 7700 900145"), "Returns email", Some("daniel.osei@fernhill.example"), 246),
    featured("awaiting-pickup", ("Sean Gallagher", "sean.gallagher@mail.example", "+44 7700 900690"), "WhatsApp", Some("samuel.adeyemi@fernhill.example"), 271),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::people::{CHANNELS, channel_members, everybody};
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

    #[test]
    fn dates_and_money_are_written_as_in_the_language() {
        let dated = |day, language: &str| {
            let mut out = String::new();
            let _ = date(&mut out, day, language);
            out
        };
        let paid = |language: &str| {
            let mut out = String::new();
            let _ = money(&mut out, 34_090, language);
            out
        };
        assert_eq!(civil(0), (1, 1));
        assert_eq!(civil(-1), (12, 31));
        assert_eq!(civil(19_782), (2, 29));
        assert_eq!(dated(CAST.day, "en"), "22 November");
        assert_eq!(dated(CAST.day, "de"), "22. November");
        assert_eq!(dated(CAST.day, "es"), "22 de noviembre");
        assert_eq!(dated(CAST.day, "ja"), "11月22日");
        assert_eq!(dated(CAST.day + 9, "fr"), "1er décembre");
        // 22 November 2026 is a Sunday.
        assert_eq!(weekday_from(CAST.day), CAST.day + 1);
        assert_eq!(weekday_from(CAST.day - 1), CAST.day + 1);
        assert_eq!(weekday_from(CAST.day - 2), CAST.day - 2);
        assert_eq!(paid("en"), "€340.90");
        assert_eq!(paid("de"), "340,90\u{a0}€");
        for (language, ..) in FILES {
            assert_eq!(months(language).len(), 12, "{language}");
        }
    }

    #[test]
    fn what_is_drawn_can_be_told() -> Result<(), String> {
        let library = library()?;
        for row in &FEATURED {
            assert!(library.named(row.template).is_some(), "{}", row.template);
            assert!(row.email.ends_with(".example"), "{}", row.email);
            assert!(row.phone.starts_with('+'), "{}", row.phone);
            assert!(CHANNELS.iter().any(|channel| channel.name == row.channel));
            if let Some(email) = row.assignee {
                assert!(everybody().any(|person| person.email == email), "{email}");
                let member = CHANNELS
                    .iter()
                    .filter(|channel| channel.name == row.channel)
                    .flat_map(channel_members)
                    .any(|person| person.email == email);
                assert!(member, "{email} cannot see {}", row.channel);
            }
        }
        let drawn = library.named("tent-pole-snapped").map(|template| {
            let story = template.tell_as_drawn(&mut Rng::new(1), &CAST);
            (story.subject, story.turns.into_iter().map(|turn| turn.text).next())
        });
        let Some((subject, Some(text))) = drawn else {
            return Err("The drawn thread is missing.".to_owned());
        };
        assert_eq!(subject, "Tent pole snapped on the first night");
        assert!(text.starts_with("Hello, I bought the "), "{text}");
        Ok(())
    }

    #[test]
    fn a_malformed_file_is_refused_in_a_sentence() {
        let cases: [(&'static str, &str); 12] = [
            ("lost", "line 1: text has to follow"),
            ("== a\nteam: Nobody", "line 2: there is no team “Nobody”"),
            ("== a\ntags: nothing", "line 2: there is no tag “nothing”"),
            ("== a\nfoo: bar", "line 2: “foo” is neither"),
            ("== a\nfoo", "line 2: a line before the first message"),
            ("== a\n@customer\n", "line 2: this message is empty"),
            ("\n== a\n@customer\nHello", "line 2: a thread needs a name, tags"),
            ("== a\ntags: gift\nsubject: S\n@agent\nHello", "line 1: a thread has to begin"),
            ("== a\ntags: gift\nsubject: S\n@customer\nHello", "line 1: a thread needs a team"),
            ("== a\nsubject: {nonsense}", "line 2: “{nonsense}” is not a placeholder"),
            ("== a\nsubject: [only one]", "line 2: “[one|other]” needs at least two"),
            ("== a\n@customer\nHello {name", "line 2: “{” has no counterpart"),
        ];
        let refused = |text, words: &str| match Library::parse(&[("xx", 1, text)]) {
            Ok(_) => assert!(words.is_empty(), "accepted: {text}"),
            Err(problem) => {
                assert!(problem.contains(words) && problem.ends_with('.'), "{problem}");
            }
        };
        for (text, words) in cases {
            refused(text, words);
        }
        refused("# nothing but a comment", "no threads at all");
        let twice: &'static str = "== a\nteam: Returns\ntags: return\nsubject: S\n@customer\nOne\n== a\nteam: Returns\ntags: return\nsubject: S\n@customer\nTwo\n";
        refused(twice, "two threads are called “a”");
    }
}
