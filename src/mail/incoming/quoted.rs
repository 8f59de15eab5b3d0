//! What is new in a reply, and what it repeats from earlier messages.

/// Longer lines introduce nothing.
const MAX_INTRODUCTION_CHARS: usize = 300;
/// Programs fold "On …, Ann <ann@example.org> wrote:" over so many lines.
const MAX_INTRODUCTION_LINES: usize = 3;

/// First word and end of the line that introduces a quotation, by language. Lower case.
const INTRODUCTIONS: &[(&[&str], &[&str])] = &[
    (&["on "], &["wrote:", "writes:"]),
    (&["am ", "an "], &["schrieb:", "geschrieben:"]),
    (&["le "], &["a écrit :", "a écrit:", "a ecrit :"]),
    (&["el "], &["escribió:", "escribio:"]),
    (
        &["w dniu ", "dnia ", "pon.", "wt.", "śr.", "czw.", "pt.", "sob.", "niedz."],
        &["napisał(a):", "napisał:", "napisała:", "pisze:"],
    ),
    (&["il "], &["ha scritto:"]),
    (&["em "], &["escreveu:"]),
    (&["op "], &["schreef:"]),
];
/// Introductions in which the name stands after the verb.
const VERBS_BEFORE_NAME: &[(&str, &str)] = &[("am ", " schrieb "), ("op ", " schreef "), ("em ", " escreveu ")];

/// Between dashes above a repeated message. Forwarded messages are not among them: they are what the sender wants to show.
const HEADINGS: &[&str] = &[
    "original message",
    "original-nachricht",
    "ursprüngliche nachricht",
    "originalnachricht",
    "message d'origine",
    "message d’origine",
    "message original",
    "message initial",
    "mensaje original",
    "wiadomość oryginalna",
    "oryginalna wiadomość",
    "messaggio originale",
    "mensagem original",
    "oorspronkelijk bericht",
];

/// Header fields that programs put above a repeated message: the first, and those of which one must follow. Lower case.
const BLOCKS: &[(&str, &[&str])] = &[
    ("from", &["sent", "date", "to"]),
    ("von", &["gesendet", "datum", "an"]),
    ("de", &["envoyé", "date", "à", "enviado", "fecha", "para", "enviada", "data"]),
    ("od", &["wysłano", "data", "do"]),
    ("da", &["inviato", "data", "a"]),
    ("van", &["verzonden", "datum", "aan"]),
];

/// What the sender wrote, and the history that follows to the end; the two are the whole text. The history is empty if there is
/// none, if answers stand between its lines, or if nothing else is in the message.
#[must_use]
pub fn split_quoted(text: &str) -> (&str, &str) {
    let lines = lines(text);
    let tail = quoted_tail(&lines);
    let found = (0..lines.len()).find(|at| starts_history(&lines, *at, tail)).unwrap_or(tail);
    let found = with_rule_above(&lines, found);
    let start = lines.get(found).map_or(text.len(), |line| line.start);
    match text.split_at_checked(start) {
        Some((new, history)) if !new.trim().is_empty() && !history.trim().is_empty() => (new, history),
        _ => (text, ""),
    }
}

struct Line<'a> {
    start: usize,
    text: &'a str,
}

impl Line<'_> {
    fn is_blank(&self) -> bool {
        self.text.is_empty()
    }

    fn is_quote(&self) -> bool {
        self.text.starts_with('>')
    }
}

fn lines(text: &str) -> Vec<Line<'_>> {
    let mut start = 0;
    let mut lines = Vec::new();
    for line in text.split_inclusive('\n') {
        lines.push(Line { start, text: line.trim() });
        start += line.len();
    }
    lines
}

/// The line from which on there are only quotations and empty lines; past the last line if the text does not end like that.
fn quoted_tail(lines: &[Line<'_>]) -> usize {
    let after_last_own = lines.iter().rposition(|line| !line.is_blank() && !line.is_quote()).map_or(0, |at| at + 1);
    let quotes = lines.get(after_last_own..).unwrap_or_default();
    quotes.iter().position(Line::is_quote).map_or(lines.len(), |first| after_last_own + first)
}

fn starts_history(lines: &[Line<'_>], at: usize, tail: usize) -> bool {
    let Some(line) = lines.get(at) else {
        return false;
    };
    if line.is_blank() || line.is_quote() || line.text.chars().nth(MAX_INTRODUCTION_CHARS).is_some() {
        return false;
    }
    let rest = lines.get(at..).unwrap_or_default();
    if is_heading(line.text) || starts_block(rest) {
        return true;
    }
    // Own words after a marked quotation are an answer to it; hiding them would hide what is new.
    introduction(rest).is_some_and(|found| match rest.iter().skip(found.lines).position(|line| !line.is_blank()) {
        Some(next) if rest.get(found.lines + next).is_some_and(Line::is_quote) => at + found.lines + next >= tail,
        Some(_) => found.has_day,
        None => false,
    })
}

/// "-----Original Message-----" and its translations.
fn is_heading(line: &str) -> bool {
    let words = line.trim_matches(|char: char| char == '-' || char == '_' || char.is_whitespace());
    line.starts_with("--") && line.ends_with('-') && HEADINGS.contains(&words.to_lowercase().as_str())
}

/// "From: …", and soon after it "Sent: …" or "To: …".
fn starts_block(lines: &[Line<'_>]) -> bool {
    let Some(first) = lines.first().and_then(|line| label(line.text)) else {
        return false;
    };
    let mut following =
        lines.iter().skip(1).filter(|line| !line.is_blank()).take(3).filter_map(|line| label(line.text));
    let block = BLOCKS.iter().find(|(from, _)| *from == first);
    block.is_some_and(|(_, others)| following.any(|label| others.contains(&label.as_str())))
}

/// What stands before the colon: "De :" and "*From:*" are labels too.
fn label(line: &str) -> Option<String> {
    let (label, value) = line.trim_start_matches('*').split_once(':')?;
    let is_short = label.chars().count() <= 15 && !value.trim().is_empty();
    is_short.then(|| label.trim().trim_end_matches('*').to_lowercase())
}

/// A sentence that introduces a quotation.
struct Introduction {
    lines: usize,
    /// Without marks on the quotation, only a date tells this from "On this I wrote:".
    has_day: bool,
}

fn introduction(lines: &[Line<'_>]) -> Option<Introduction> {
    let mut sentence = String::new();
    for (at, line) in lines.iter().take(MAX_INTRODUCTION_LINES).enumerate() {
        if line.is_blank() || line.is_quote() || sentence.len() > MAX_INTRODUCTION_CHARS * 4 {
            return None;
        }
        sentence.push_str(&line.text.to_lowercase());
        if is_introduction(&sentence) {
            let has_day = sentence.chars().any(|char| char.is_ascii_digit());
            return Some(Introduction { lines: at + 1, has_day });
        }
        sentence.push(' ');
    }
    None
}

fn is_introduction(sentence: &str) -> bool {
    let known = INTRODUCTIONS.iter().any(|(starts, ends)| {
        starts.iter().any(|start| sentence.starts_with(start)) && ends.iter().any(|end| sentence.ends_with(end))
    });
    let mut turned = VERBS_BEFORE_NAME.iter();
    known
        || turned.any(|(start, verb)| sentence.starts_with(start) && sentence.contains(verb) && sentence.ends_with(':'))
}

/// Outlook draws a line of underscores above the block.
fn with_rule_above(lines: &[Line<'_>], found: usize) -> usize {
    let above = lines.get(..found).unwrap_or_default();
    let last = above.iter().rposition(|line| !line.is_blank());
    let is_rule = |line: &&Line<'_>| line.text.len() >= 10 && line.text.chars().all(|char| char == '_');
    match last.and_then(|at| above.get(at).filter(is_rule).map(|_| at)) {
        Some(rule) if found < lines.len() => rule,
        _ => found,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HISTORY: &[&str] = &[
        "> one\n> two\n",
        "On Mon, 3 Jun 2024 at 10:00, Ann <ann@x.org> wrote:\n> one\n>> two\n\n",
        "On Mon, 3 Jun 2024 at 10:00, Ann With A Long Name\n<ann@x.org>\nwrote:\n\n> one\n",
        "On 3 June 2024, Ann wrote:\n\none\ntwo\n",
        "Am 03.06.2024 um 10:00 schrieb Ann <ann@x.org>:\n> eins\n",
        "Am Mo., 3. Juni 2024 um 10:00 Uhr schrieb Ann <\nann@x.org>:\n\n> eins\n",
        "Le lun. 3 juin 2024 à 10:00, Ann <ann@x.org> a écrit :\n> un\n",
        "El lun, 3 jun 2024 a las 10:00, Ann (<ann@x.org>) escribió:\n> uno\n",
        "W dniu 3.06.2024 o 10:00, Ann pisze:\n> raz\n",
        "pon., 3 cze 2024 o 10:00 Ann <ann@x.org> napisał(a):\n\n> raz\n",
        "Il giorno lun 3 giu 2024 alle ore 10:00 Ann <ann@x.org> ha scritto:\n> uno\n",
        "Em seg., 3 de jun. de 2024 às 10:00, Ann <ann@x.org> escreveu:\n> um\n",
        "Op ma 3 jun 2024 om 10:00 schreef Ann <ann@x.org>:\n> een\n",
        "-----Original Message-----\nFrom: Ann\nhello\n",
        "-----Ursprüngliche Nachricht-----\nVon: Ann\nhallo\n",
        "-----Message d'origine-----\nDe : Ann\nbonjour\n",
        "-----Mensaje original-----\nhola\n",
        "-----Wiadomość oryginalna-----\ncześć\n",
        "________________________________\nFrom: Ann <ann@x.org>\nSent: Monday\nTo: Bob\nSubject: x\n\nhello\n",
        "Von: Ann\nGesendet: Montag\nAn: Bob\nBetreff: x\n\nhallo\n",
        "De : Ann\nEnvoyé : lundi\nÀ : Bob\nObjet : x\n\nbonjour\n",
        "De: Ann\nEnviado: lunes\nPara: Bob\nAsunto: x\n\nhola\n",
        "Od: Ann\nWysłano: poniedziałek\nDo: Bob\nTemat: x\n\ncześć\n",
        "*From:* Ann\n*Date:* Monday\n\nhello\n",
    ];

    #[test]
    fn history_is_split_off() {
        for history in HISTORY {
            for own in ["Thank you.\n\nAnn\n\n", "Yes\n", "From here it works: on Monday.\n\n-- \nAnn\n"] {
                assert_eq!(split_quoted(&format!("{own}{history}")), (own, *history));
            }
            assert_eq!(split_quoted(history), (*history, ""), "nothing of one's own");
        }
    }

    #[test]
    fn windows_line_ends_do_not_matter() {
        assert_eq!(split_quoted("Yes\r\n\r\n> a\r\n"), ("Yes\r\n\r\n", "> a\r\n"));
    }

    #[test]
    fn answers_between_quotations_are_new() {
        for text in [
            "On 3 June 2024, Ann wrote:\n> one?\nYes.\n> two?\nNo.\n",
            "> one?\nYes.\n",
            "Hello\n\nOn 3 June 2024, Ann wrote:\n> one?\n\nYes.\n",
        ] {
            assert_eq!(split_quoted(text), (text, ""));
        }
        assert_eq!(split_quoted("> one?\nYes.\n> two?\n"), ("> one?\nYes.\n", "> two?\n"));
    }

    #[test]
    fn ordinary_text_is_all_new() {
        for text in [
            "",
            "\n",
            "On Monday I wrote:\nhello\n",
            "From: me, with love\nand more\n",
            "On the 3rd my friend wrote: nothing\n",
            "----------\nmenu\n----------\n",
            "---------- Forwarded message ----------\nfrom somebody\nhello\n",
            "Look:\n________________________\n",
            "On 3 June Ann wrote:\n",
        ] {
            assert_eq!(split_quoted(text), (text, ""));
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost(text in "(\\PC|\n|> |On 3, wrote:\n|From: a\nTo: b\n){0,60}") {
            let (new, history) = split_quoted(&text);
            prop_assert_eq!(format!("{new}{history}"), text.clone());
            prop_assert!(text.trim().is_empty() || !new.trim().is_empty());
        }
    }
}
