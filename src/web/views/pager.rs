//! "Showing 1–25 of 44", with links to the pages beside.

use crate::domain::text::grouped;

/// A numbered page of a list.
#[derive(Clone, Debug)]
pub struct Pager {
    /// "Showing 1–25 of 44".
    pub text: String,
    /// The page before, if there is one.
    pub before: Option<String>,
    /// The page after, if there is one.
    pub after: Option<String>,
}

impl Pager {
    /// The pager of page `page` (from 1) of `total` rows. `link` makes the address of a page.
    #[must_use]
    pub fn new(page: i64, size: i64, total: i64, shown: usize, link: impl Fn(i64) -> String) -> Self {
        let first = (page - 1) * size;
        let last = first + i64::try_from(shown).unwrap_or(0);
        let text = if shown == 0 {
            String::new()
        } else {
            format!("Showing {}–{} of {}", grouped(first + 1), grouped(last), grouped(total))
        };
        Self {
            text,
            before: (page > 1).then(|| link(page - 1)),
            after: (last < total && shown > 0).then(|| link(page + 1)),
        }
    }
}
