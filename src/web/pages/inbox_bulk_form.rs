//! What the bulk bar and the confirmation send: which conversations, and what is to be done with them.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Deserialize;

use super::inbox::read::Named;
use crate::domain::assignment::Target;
use crate::domain::bulk::BulkRefusal;
use crate::domain::bulk_change::Change;
use crate::domain::conversations::{Priority, StatusChange};
use crate::domain::inbox::Address;
use crate::domain::snooze;
use crate::domain::text::{key, one_line, shorten};
use crate::web::error::WebError;

/// Characters of a tag.
const TAG_CHARS: usize = 40;

/// What is selected, and what is to be done with it.
///
/// A filter and a change have fields of the same names. A change that is said in one field (`change`) leaves them to the
/// filter; otherwise the last of each name is the change's.
#[derive(Clone, Debug, Deserialize, Default)]
#[serde(default)]
pub struct BulkForm {
    action: String,
    change: String,
    target: String,
    status: Vec<String>,
    tag: Vec<String>,
    priority: Vec<String>,
    snooze_until: String,
    conversation: Vec<String>,
    scope: String,
    /// The count that was shown.
    pub expected: String,
    submission: String,
    /// Where the list is.
    pub back: String,
    #[serde(flatten)]
    rest: Address,
}

/// What a form asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wanted {
    /// This.
    Change(Change),
    /// A tag that there is none of yet.
    NewTag(String),
}

impl BulkForm {
    /// Whether all that match are meant.
    pub fn is_matching(&self) -> bool {
        self.scope == "matching"
    }

    /// The numbers of the rows, each once.
    ///
    /// # Errors
    /// If one is none.
    pub fn numbers(&self) -> Result<Vec<i64>, WebError> {
        let numbers = self.conversation.iter().map(|number| number.parse().map_err(|_| WebError::NotFound));
        let mut numbers = numbers.collect::<Result<Vec<i64>, _>>()?;
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers)
    }

    /// A word that the same form repeats, if it has one.
    pub fn submission(&self) -> String {
        shorten(&one_line(&self.submission), 100)
    }

    /// What is to be done, and with what: `status` and `closed`.
    pub fn parts(&self) -> (&str, &str) {
        if let Some((action, value)) = self.change.split_once(':') {
            return (action, value);
        }
        let last = |values: &'_ [String]| values.last().map_or("", String::as_str).to_owned();
        let value = match self.action.as_str() {
            "status" if last(&self.status) == "snoozed" => return ("snooze", &self.snooze_until),
            "status" => self.status.last(),
            "snooze" => Some(&self.snooze_until),
            "add_tag" | "remove_tag" => self.tag.last(),
            "priority" => self.priority.last(),
            _ => Some(&self.target),
        };
        let action = if self.action.is_empty() { self.change.as_str() } else { self.action.as_str() };
        let action = if action.is_empty() { "assign" } else { action };
        (action, value.map_or("", String::as_str))
    }

    /// The filter of the list.
    pub fn filter(&self) -> Address {
        let (action, _) = self.parts();
        let told_apart = !self.change.is_empty();
        let first = |name: &str, values: &[String]| {
            let takes_last = !told_apart && (action == name || (name == "tag" && action.ends_with("_tag")));
            let takes_last =
                takes_last || (!told_apart && name == "status" && action == "snooze" && self.action == "status");
            let of_filter = if takes_last { values.len().saturating_sub(1) } else { values.len() };
            values.iter().take(of_filter).next().cloned().unwrap_or_default()
        };
        Address {
            status: first("status", &self.status),
            tag: first("tag", &self.tag),
            priority: first("priority", &self.priority),
            ..self.rest.clone()
        }
    }

    /// What is asked for.
    ///
    /// # Errors
    /// What is missing, or cannot be done.
    pub(super) fn wanted(&self, named: &Named, now: DateTime<Utc>, zone: Tz) -> Result<Wanted, BulkRefusal> {
        let (action, value) = self.parts();
        let change = match action {
            "assign" => match value.strip_prefix("spread:") {
                Some(team) => Change::Spread(team.parse().map_err(|_| BulkRefusal::NoTarget)?),
                None => Change::Assign(Target::parse(value).ok_or(BulkRefusal::NoTarget)?),
            },
            "status" => Change::Status(match value {
                "open" => StatusChange::Open,
                "closed" => StatusChange::Close,
                "archived" => StatusChange::Archive,
                _ => return Err(BulkRefusal::NoChange),
            }),
            "snooze" => {
                Change::Status(StatusChange::Snooze(snooze::parse(value, now, zone).ok_or(BulkRefusal::NoTime)?))
            }
            "wake" => Change::Wake,
            "priority" => Change::Priority(Priority::parse(value).ok_or(BulkRefusal::NoChange)?),
            "add_tag" | "remove_tag" => {
                let name = shorten(&one_line(value), TAG_CHARS);
                if name.is_empty() {
                    return Err(BulkRefusal::NoTag);
                }
                let known = named.tags.iter().find(|(id, one)| id.to_string() == name || key(one) == key(&name));
                match (known, action) {
                    (Some((tag, _)), "add_tag") => Change::AddTag(*tag),
                    (Some((tag, _)), _) => Change::RemoveTag(*tag),
                    (None, "add_tag") => return Ok(Wanted::NewTag(name)),
                    (None, _) => return Err(BulkRefusal::UnknownTag),
                }
            }
            _ => return Err(BulkRefusal::NoChange),
        };
        Ok(Wanted::Change(change))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::roster::Roster;
    use std::sync::Arc;

    fn read(text: &str) -> BulkForm {
        serde_html_form::from_str(text).unwrap()
    }

    fn wanted(text: &str) -> Result<Wanted, BulkRefusal> {
        read(text).wanted(&Named::new(Arc::new(Roster::of(Vec::new()))), DateTime::UNIX_EPOCH, Tz::UTC)
    }

    #[test]
    fn rows_and_filter_are_read_from_one_form() {
        let form = read("conversation=3&conversation=1&conversation=3&target=none&back=%2Finbox");
        assert_eq!(form.numbers().unwrap(), [1, 3]);
        assert!(!form.is_matching());
        let form = read("scope=matching&expected=12&view=mine&q=a+b&priority=high&target=none");
        assert!(form.is_matching());
        assert_eq!(form.filter().query(), "view=mine&priority=high&q=a+b");
        assert!(form.numbers().unwrap().is_empty());
        assert!(read("conversation=x").numbers().is_err());
    }

    #[test]
    fn a_filter_and_a_change_of_the_same_name_are_told_apart() {
        let form = read("scope=matching&status=open&tag=7&change=status:closed");
        assert_eq!((form.parts(), form.filter().query().as_str()), (("status", "closed"), "status=open&tag=7"));
        let form = read("scope=matching&action=status&status=open&status=closed&priority=high");
        assert_eq!((form.parts(), form.filter().query().as_str()), (("status", "closed"), "status=open&priority=high"));
        let form = read("action=priority&priority=urgent&conversation=1");
        assert_eq!((form.parts(), form.filter().query().as_str()), (("priority", "urgent"), ""));
        let form = read("scope=matching&action=add_tag&tag=7&tag=vip&status=open");
        assert_eq!((form.parts(), form.filter().query().as_str()), (("add_tag", "vip"), "status=open&tag=7"));
    }

    #[test]
    fn every_action_is_read() {
        let done = |change| Ok(Wanted::Change(change));
        assert_eq!(wanted("target=none"), done(Change::Assign(Target::Nobody)));
        assert_eq!(wanted("action=status&status=closed"), done(Change::Status(StatusChange::Close)));
        assert_eq!(wanted("action=wake"), done(Change::Wake));
        assert_eq!(wanted("change=wake:"), done(Change::Wake));
        let hour = DateTime::UNIX_EPOCH + chrono::TimeDelta::hours(1);
        for text in
            ["action=snooze&snooze_until=1h", "change=snooze:1h", "action=status&status=snoozed&snooze_until=1h"]
        {
            assert_eq!(wanted(text), done(Change::Status(StatusChange::Snooze(hour))), "{text}");
        }
        assert_eq!(wanted("action=priority&priority=low"), done(Change::Priority(Priority::Low)));
        assert_eq!(wanted("action=add_tag&tag=new+one"), Ok(Wanted::NewTag("new one".to_owned())));
        let refused = [
            ("", BulkRefusal::NoTarget),
            ("target=spread:x", BulkRefusal::NoTarget),
            ("action=status&status=asleep", BulkRefusal::NoChange),
            ("action=dance", BulkRefusal::NoChange),
            ("action=snooze", BulkRefusal::NoTime),
            ("action=add_tag&tag=+", BulkRefusal::NoTag),
            ("action=remove_tag&tag=x", BulkRefusal::UnknownTag),
        ];
        for (text, refusal) in refused {
            assert_eq!(wanted(text), Err(refusal), "{text}");
        }
    }
}
