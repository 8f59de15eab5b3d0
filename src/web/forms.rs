//! A form as it is shown: what was typed, what is wrong with it.

use crate::failure::Refusal;

/// Sentences by field. The empty name stands for the whole form.
#[derive(Clone, Debug, Default)]
pub struct Problems(Vec<(&'static str, String)>);

impl Problems {
    /// No problem yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One problem with the whole form.
    #[must_use]
    pub fn of(refusal: &Refusal) -> Self {
        let mut problems = Self::new();
        problems.add("", refusal.to_string());
        problems
    }

    /// Notes a problem.
    pub fn add(&mut self, field: &'static str, sentence: impl Into<String>) {
        self.0.push((field, sentence.into()));
    }

    /// Takes the good value, or notes the problem and goes on with nothing.
    pub fn take<T: Default>(&mut self, field: &'static str, parsed: Result<T, impl Into<String>>) -> T {
        match parsed {
            Ok(value) => value,
            Err(sentence) => {
                self.add(field, sentence);
                T::default()
            }
        }
    }

    /// Whether the form is fine.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is wrong with a field.
    #[must_use]
    pub fn at(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| *name == field).map(|(_, sentence)| sentence.as_str())
    }

    /// All of them, for the summary: field and sentence.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(field, sentence)| (*field, sentence.as_str()))
    }
}

/// Whether a check box was ticked.
#[must_use]
pub fn is_on(value: &str) -> bool {
    matches!(value, "on" | "true" | "1" | "yes")
}

/// Ids in a list of a form: what is no id is an unknown one.
///
/// # Errors
/// [`super::error::WebError::NotFound`].
pub fn ids<T: std::str::FromStr>(list: &[String]) -> Result<Vec<T>, super::error::WebError> {
    list.iter()
        .filter(|text| !text.is_empty())
        .map(|text| text.parse().map_err(|_| super::error::WebError::NotFound))
        .collect()
}
