//! What people set for themselves (U-15).

use chrono_tz::Tz;

/// A language that the interface is written in. There is one so far; another one counts when it is translated.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 1] = [Self::English];

    /// The name under which it is stored and stands in pages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::English => "en",
        }
    }

    /// Its own name for itself.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::English => "English",
        }
    }

    /// The language of this stored name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.as_str() == name)
    }
}

/// How somebody wants Baton to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Preferences {
    /// In which zone they read times; `None` means the workspace's.
    pub time_zone: Option<Tz>,
    /// In which language; `None` means that they never chose.
    pub language: Option<Language>,
    /// Whether single letters are shortcuts.
    pub shortcuts: bool,
}

/// The zone that was typed or picked; nothing means the workspace's. Case and blanks do not matter.
///
/// # Errors
/// A sentence for the field.
pub fn parse_zone(input: &str) -> Result<Option<Tz>, &'static str> {
    let typed = super::text::one_line(input).replace(' ', "_");
    if typed.is_empty() {
        return Ok(None);
    }
    let found = chrono_tz::TZ_VARIANTS.iter().find(|zone| zone.name().eq_ignore_ascii_case(&typed));
    found.map(|zone| Some(*zone)).ok_or("Choose a time zone from the list, like Europe/Berlin")
}

/// The zones that are offered, by name: those of places, without old names and offsets.
pub fn zones() -> impl Iterator<Item = &'static str> {
    let areas =
        ["Africa/", "America/", "Antarctica/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/"];
    chrono_tz::TZ_VARIANTS
        .iter()
        .map(|zone| zone.name())
        .filter(move |name| *name == "UTC" || areas.iter().any(|area| name.starts_with(area)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn zones_are_found_however_they_are_typed() {
        assert_eq!(parse_zone("  "), Ok(None));
        assert_eq!(parse_zone("europe/berlin"), Ok(Some(chrono_tz::Europe::Berlin)));
        assert_eq!(parse_zone(" America/New York "), Ok(Some(chrono_tz::America::New_York)));
        assert!(parse_zone("Middle-earth/Shire").is_err());
        for zone in zones() {
            assert_eq!(parse_zone(zone).map(|zone| zone.map(|zone| zone.name())), Ok(Some(zone)));
        }
        assert_eq!(Language::parse("en"), Some(Language::English));
        assert_eq!(Language::parse("tlh"), None);
    }

    proptest! {
        #[test]
        fn nothing_that_is_typed_breaks_it(input in ".{0,80}") {
            let _ = parse_zone(&input);
        }
    }
}
