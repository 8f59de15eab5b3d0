//! Telling a thread: everything is filled in, in its language.

use std::fmt::Write as _;

use super::slots::{Slot, WEAR};
use super::{Cast, Piece, Speaker, Story, Template, Turn};
use crate::demo::random::Rng;

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

#[cfg(test)]
mod tests {
    use super::super::FILES;
    use super::*;

    /// 22 November 2026, the day of the drawings.
    const DAY: i64 = 20_779;

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
        assert_eq!(dated(DAY, "en"), "22 November");
        assert_eq!(dated(DAY, "de"), "22. November");
        assert_eq!(dated(DAY, "es"), "22 de noviembre");
        assert_eq!(dated(DAY, "ja"), "11月22日");
        assert_eq!(dated(DAY + 9, "fr"), "1er décembre");
        // 22 November 2026 is a Sunday.
        assert_eq!(weekday_from(DAY), DAY + 1);
        assert_eq!(weekday_from(DAY - 1), DAY + 1);
        assert_eq!(weekday_from(DAY - 2), DAY - 2);
        assert_eq!(paid("en"), "€340.90");
        assert_eq!(paid("de"), "340,90\u{a0}€");
        for (language, ..) in FILES {
            assert_eq!(months(language).len(), 12, "{language}");
        }
    }
}
