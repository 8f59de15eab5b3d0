//! Reading a file of threads.

use super::slots::Slot;
use super::{Piece, Speaker, Template};
use crate::demo::people::{TAGS, TEAMS};

/// Reads one file of threads, and knows the line for what it has to complain about.
pub(super) struct Reader {
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
    pub(super) const fn new(language: &'static str) -> Self {
        Self { language, line: 0 }
    }

    fn problem(&self, what: &str) -> String {
        format!("threads/{}.txt, line {}: {what}.", self.language, self.line)
    }

    pub(super) fn read(&mut self, text: &'static str) -> Result<Vec<Template>, String> {
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

#[cfg(test)]
mod tests {
    use super::super::Library;

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
