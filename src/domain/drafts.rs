//! Unsent answers: one for each user and conversation, saved while it is typed, taken over from people who cannot log in (C-12).

use chrono::{DateTime, Utc};

use super::conversations::ConversationRefusal;
use super::ids::UserId;
use super::text;

/// The longest draft, in characters: as long as a message.
const LONGEST: usize = 100_000;
/// The longest name of a composer.
const COMPOSER_CHARS: usize = 64;

/// What somebody typed and did not send yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Draft {
    /// Whose it is.
    pub author: UserId,
    /// What it says.
    pub body: String,
    /// Whether it is to be a note.
    pub note: bool,
    /// Raised with each change, also after it was sent and begun anew.
    pub version: i64,
    /// The open page that saved it last.
    pub composer: String,
    /// How often that page had saved it.
    pub turn: i64,
    /// Whose it was before it was taken over.
    pub begun_by: Option<UserId>,
    /// When it was saved.
    pub updated_at: DateTime<Utc>,
}

/// What an open page knows of the draft.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seen {
    /// The version that it shows; 0 if there was none.
    pub version: i64,
    /// The page's own name.
    pub composer: String,
    /// How often it has saved, this time included; 0 if it does not count.
    pub turn: i64,
}

impl Seen {
    /// What a form says of it; `None` if it says nothing, as forms that scripts post.
    #[must_use]
    pub fn parse(version: &str, composer: &str) -> Option<Self> {
        let version = version.trim().parse().ok().filter(|version| *version >= 0)?;
        Some(Self { version, composer: composer_name(composer), turn: 0 })
    }

    /// The same, saying how often the page has saved.
    #[must_use]
    pub fn counted(self, turn: &str) -> Self {
        Self { turn: turn.trim().parse().ok().filter(|turn| *turn >= 0).unwrap_or(0), ..self }
    }

    /// Whether the page itself has saved something later already: of what it sends at once, any may arrive first.
    #[must_use]
    pub fn is_overtaken(&self, kept: Option<&Draft>) -> bool {
        !self.composer.is_empty()
            && self.turn > 0
            && kept.is_some_and(|kept| kept.composer == self.composer && kept.turn > self.turn)
    }

    /// Whether the page may change, send or discard what is kept: it shows it, or saved it last itself.
    ///
    /// # Errors
    /// That another window was quicker.
    pub fn check(&self, kept: Option<&Draft>) -> Result<(), DraftRefusal> {
        match kept {
            None if self.version == 0 => Ok(()),
            None => Err(DraftRefusal::GoneElsewhere),
            Some(kept) if kept.version == self.version => Ok(()),
            Some(kept) if !self.composer.is_empty() && kept.composer == self.composer => Ok(()),
            Some(_) => Err(DraftRefusal::ChangedElsewhere),
        }
    }
}

/// The name of an open page, as it is kept; empty if it has none.
#[must_use]
pub fn composer_name(typed: &str) -> String {
    text::shorten(&text::one_line(typed), COMPOSER_CHARS)
}

/// A "no" about a draft.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DraftRefusal {
    /// Sent, or thrown away.
    #[error("This was sent or discarded in another window. Look at the conversation before you send it again.")]
    GoneElsewhere,
    /// Typed on.
    #[error(
        "You wrote something else here in another window. What stands here replaces it if you send or save it again."
    )]
    ChangedElsewhere,
    /// A page sends one message.
    #[error("This page has sent its message already. If what stands here is another one, send it again.")]
    SentAlready,
    /// C-12.
    #[error("Only drafts of people who can’t log in can be taken over.")]
    AuthorActive,
}

/// The text of a draft as it is kept: everything that was typed, also what a message would not have.
///
/// # Errors
/// If it is too long.
pub fn parse(input: &str) -> Result<String, ConversationRefusal> {
    let body = text::typed(input);
    if body.chars().count() > LONGEST {
        return Err(ConversationRefusal::LongMessage);
    }
    Ok(if body.trim().is_empty() { String::new() } else { body })
}

/// The version that follows another one.
#[must_use]
pub fn next_version(before: Option<i64>, now: DateTime<Utc>) -> i64 {
    now.timestamp_millis().max(before.map_or(1, |before| before.saturating_add(1)))
}

/// What somebody who takes over a draft has then: their own text first, and nothing of either lost.
#[must_use]
pub fn joined(own: Option<&Draft>, theirs: &Draft) -> String {
    match own.filter(|own| !own.body.trim().is_empty()) {
        Some(own) => format!("{}\n\n{}", own.body.trim_end(), theirs.body),
        None => theirs.body.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(version: i64, composer: &str, body: &str) -> Draft {
        Draft {
            author: UserId::NIL,
            body: body.to_owned(),
            note: false,
            version,
            composer: composer.to_owned(),
            turn: 3,
            begun_by: None,
            updated_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn only_what_a_page_shows_or_saved_itself_is_changed_by_it() {
        let seen = |version, composer: &str| Seen { version, composer: composer.to_owned(), turn: 0 };
        let kept = draft(7, "b", "Hello");
        let cases = [
            (seen(0, "a"), None, Ok(())),
            (seen(3, "a"), None, Err(DraftRefusal::GoneElsewhere)),
            (seen(7, "a"), Some(&kept), Ok(())),
            (seen(5, "b"), Some(&kept), Ok(())),
            (seen(0, "b"), Some(&kept), Ok(())),
            (seen(5, "a"), Some(&kept), Err(DraftRefusal::ChangedElsewhere)),
            (seen(0, ""), Some(&kept), Err(DraftRefusal::ChangedElsewhere)),
        ];
        for (seen, kept, said) in cases {
            assert_eq!(seen.check(kept), said, "{seen:?} {kept:?}");
        }
    }

    #[test]
    fn a_page_without_a_name_is_not_mistaken_for_another_one() {
        let kept = draft(7, "", "Hello");
        let seen = Seen { version: 5, composer: String::new(), turn: 1 };
        assert_eq!(seen.check(Some(&kept)), Err(DraftRefusal::ChangedElsewhere));
        assert_eq!(Seen::parse("", "a"), None);
        assert_eq!(Seen::parse("-1", "a"), None);
        assert_eq!(Seen::parse("12", " a "), Some(Seen { version: 12, composer: "a".to_owned(), turn: 0 }));
        assert!(!seen.is_overtaken(Some(&kept)));
    }

    #[test]
    fn what_a_page_saved_earlier_does_not_replace_what_it_saved_later() {
        let kept = draft(7, "a", "Hello there");
        let of = |turn: &str, composer| Seen::parse("0", composer).map(|seen| seen.counted(turn));
        let cases = [
            ("2", "a", true),
            ("3", "a", false),
            ("4", "a", false),
            ("", "a", false),
            ("-1", "a", false),
            ("2", "b", false),
        ];
        for (turn, composer, overtaken) in cases {
            assert_eq!(
                of(turn, composer).map(|seen| seen.is_overtaken(Some(&kept))),
                Some(overtaken),
                "{turn} {composer}"
            );
        }
        assert_eq!(of("2", "a").map(|seen| seen.is_overtaken(None)), Some(false));
    }

    #[test]
    fn taking_over_loses_nothing() {
        let theirs = draft(1, "", "Dear Harriet,\n");
        assert_eq!(joined(None, &theirs), "Dear Harriet,\n");
        assert_eq!(joined(Some(&draft(2, "", " \n")), &theirs), "Dear Harriet,\n");
        assert_eq!(joined(Some(&draft(2, "", "Mine\n")), &theirs), "Mine\n\nDear Harriet,\n");
    }

    #[test]
    fn versions_only_rise() {
        let at = |ms| DateTime::from_timestamp_millis(ms).unwrap_or_default();
        assert_eq!(next_version(None, at(5_000)), 5_000);
        assert_eq!(next_version(Some(5_000), at(5_000)), 5_001);
        assert_eq!(next_version(Some(9_000), at(5_000)), 9_001);
        assert!(next_version(None, at(0)) > 0);
    }

    #[test]
    fn what_is_typed_is_kept_as_it_is() {
        assert_eq!(parse("Hello,\r\n\r\n  there \n").as_deref(), Ok("Hello,\n\n  there \n"));
        assert_eq!(parse(" \n\t").as_deref(), Ok(""));
        assert_eq!(parse(&"x".repeat(LONGEST + 1)), Err(ConversationRefusal::LongMessage));
    }
}
