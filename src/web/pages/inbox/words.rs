//! A filter in words: chips above the list, the sentence in a confirmation and on a job's page.

use super::read::Named;
use crate::domain::inbox::{Activity, Address, Assignee, Filter, Statuses, Teams, View, Waiting};
use crate::web::views::person::PersonView;

/// A filter that is on, and how to be rid of it.
#[derive(Clone, Debug)]
pub(in crate::web::pages) struct Chip {
    /// What is filtered by.
    pub key: &'static str,
    /// The value in words.
    pub value: String,
    /// The person, if the value is one.
    pub person: Option<PersonView>,
    /// The list without it.
    pub href: String,
}

impl Chip {
    /// The whole chip in words.
    pub(in crate::web::pages) fn label(&self) -> String {
        let gone = self.person.as_ref().map_or("", PersonView::mark);
        format!("{}: {}{gone}", self.key, self.value)
    }
}

/// The address of a list.
pub(in crate::web::pages) fn href(address: &Address) -> String {
    with_query("/inbox", address)
}

/// The same list from its start, whatever it was found under.
pub(in crate::web::pages) fn unnamed(address: &Address) -> Address {
    Address { saved: String::new(), ..address.from_start() }
}

/// A path that keeps the list beside it.
pub(in crate::web::pages) fn with_query(path: &str, address: &Address) -> String {
    let query = address.query();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// The chips of an address: only what was asked for by name, not what the view brings.
pub(in crate::web::pages) fn chips(
    address: &Address,
    filter: &Filter,
    named: &Named,
    contact: Option<&str>,
) -> Vec<Chip> {
    let mut chips = Vec::new();
    let start = unnamed(address);
    let mut add = |key, value: String, person, without: Address| {
        chips.push(Chip { key, value, person, href: href(&without) });
    };
    if let (false, Statuses::Only(status)) = (address.status.is_empty(), filter.statuses) {
        add("Status", status.label().to_owned(), None, Address { status: String::new(), ..start.clone() });
    }
    if let (false, Some(assignee)) = (address.assignee.is_empty(), filter.assignee) {
        let (value, person) = match assignee {
            Assignee::User(user) => {
                let person = named.people.get(user);
                (person.name.clone(), Some(person))
            }
            Assignee::Nobody => ("Nobody".to_owned(), None),
            Assignee::Inactive => ("Anyone who can’t log in".to_owned(), None),
        };
        add("Assigned to", value, person, Address { assignee: String::new(), ..start.clone() });
    }
    if let (false, Some(teams)) = (address.team.is_empty(), &filter.teams) {
        add("Team", team_words(teams, named), None, Address { team: String::new(), ..start.clone() });
    }
    if let Some(channel) = filter.channel {
        let name = named.channel(channel).map_or("A channel that is gone", |one| one.name.as_str());
        add("Channel", name.to_owned(), None, Address { channel: String::new(), ..start.clone() });
    }
    if let Some(tag) = filter.tag {
        add(
            "Tag",
            named.tag(tag).unwrap_or("A tag that is gone").to_owned(),
            None,
            Address { tag: String::new(), ..start.clone() },
        );
    }
    if let Some(priority) = filter.priority {
        add("Priority", priority.label().to_owned(), None, Address { priority: String::new(), ..start.clone() });
    }
    if let (false, Some(waiting)) = (address.waiting.is_empty(), filter.waiting) {
        add("Waiting", waiting_words(waiting).to_owned(), None, Address { waiting: String::new(), ..start.clone() });
    }
    if let Some(name) = contact {
        add("Contact", name.to_owned(), None, Address { contact: String::new(), ..start.clone() });
    }
    if let Some(words) = activity_words(&address.activity) {
        add("Last activity", words.to_owned(), None, Address { activity: String::new(), ..start.clone() });
    }
    if filter.words.is_some() {
        let words = crate::domain::text::shorten(&crate::domain::text::one_line(&address.q), 60);
        add("Search", format!("“{words}”"), None, Address { q: String::new(), ..start });
    }
    chips
}

fn team_words(teams: &Teams, named: &Named) -> String {
    match teams {
        Teams::One(team) => named.team(*team).unwrap_or("A team that is gone").to_owned(),
        Teams::Any(_) => "My teams".to_owned(),
    }
}

const fn waiting_words(waiting: Waiting) -> &'static str {
    match waiting {
        Waiting::OnUs => "On us",
        Waiting::OnCustomer => "On the customer",
    }
}

/// The words of an activity filter's name.
pub(in crate::web::pages) fn activity_words(name: &str) -> Option<&'static str> {
    match name {
        "today" => Some("Last 24 hours"),
        "week" => Some("Last 7 days"),
        "month" => Some("Last 30 days"),
        "older" => Some("Over 30 days ago"),
        _ => None,
    }
}

/// The heading of a list.
pub(in crate::web::pages) fn title(address: &Address, view: Option<View>, filter: &Filter, named: &Named) -> String {
    let bare = Address { view: address.view.clone(), ..Address::default() };
    let only = |address: &Address| {
        let mut rest = Address { sort: String::new(), after: String::new(), ..address.clone() };
        rest.view = bare.view.clone();
        rest == bare
    };
    if let (true, Some(view)) = (only(address), view) {
        return view.label().to_owned();
    }
    if let (false, Some(Assignee::User(user))) = (address.assignee.is_empty(), filter.assignee) {
        return format!("Assigned to {}", named.people.get(user).display);
    }
    let without_team = Address { team: String::new(), ..address.clone() };
    if let (Some(teams), true) = (&filter.teams, only(&without_team)) {
        return team_words(teams, named);
    }
    view.map_or_else(|| "Conversations".to_owned(), |view| view.label().to_owned())
}

/// A filter as a sentence: "open, assigned to Alice Martin (deactivated), in Returns".
pub(in crate::web::pages) fn sentence(filter: &Filter, named: &Named, contact: Option<&str>) -> String {
    let mut parts: Vec<String> = Vec::new();
    parts.push(match filter.statuses {
        Statuses::Only(status) => status.label().to_lowercase(),
        Statuses::OpenAndSnoozed => "open or snoozed".to_owned(),
        Statuses::Any => "in any state".to_owned(),
    });
    match filter.assignee {
        Some(Assignee::User(user)) => {
            let person = named.people.get(user);
            parts.push(format!("assigned to {}{}", person.name, person.mark()));
        }
        Some(Assignee::Nobody) => parts.push("unassigned".to_owned()),
        Some(Assignee::Inactive) => parts.push("assigned to anyone who can’t log in".to_owned()),
        None => {}
    }
    if filter.drafts_of.is_some() {
        parts.push("with a draft".to_owned());
    }
    match &filter.teams {
        Some(Teams::One(team)) => parts.push(format!("in {}", named.team(*team).unwrap_or("a team that is gone"))),
        Some(Teams::Any(teams)) => {
            let names: Vec<&str> = teams.iter().filter_map(|team| named.team(*team)).collect();
            parts.push(format!("in {}", if names.is_empty() { "no team".to_owned() } else { names.join(" or ") }));
        }
        None => {}
    }
    if let Some(id) = filter.channel {
        parts.push(format!("on {}", named.channel(id).map_or("a channel that is gone", |one| one.name.as_str())));
    }
    if let Some(id) = filter.tag {
        parts.push(format!("tagged {}", named.tag(id).unwrap_or("with a tag that is gone")));
    }
    if let Some(priority) = filter.priority {
        parts.push(format!("priority {}", priority.label().to_lowercase()));
    }
    match filter.waiting {
        Some(Waiting::OnUs) => parts.push("waiting on us".to_owned()),
        Some(Waiting::OnCustomer) => parts.push("waiting on the customer".to_owned()),
        None => {}
    }
    if filter.contact.is_some() {
        parts.push(format!("with {}", contact.unwrap_or("one contact")));
    }
    match filter.activity {
        Some(Activity::Since(at)) => parts.push(format!("active since {}", at.format("%-d %b %Y, %H:%M UTC"))),
        Some(Activity::Before(at)) => parts.push(format!("not active since {}", at.format("%-d %b %Y, %H:%M UTC"))),
        None => {}
    }
    if let Some(words) = &filter.words {
        parts.push(format!("containing “{words}”"));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::conversations::{Priority, Status};
    use crate::domain::ids::UserId;
    use crate::domain::users::{Name, Status as UserStatus};
    use crate::store::roster::Roster;
    use crate::store::users::Brief;
    use std::sync::Arc;
    use uuid::Uuid;

    fn named() -> Named {
        let id = UserId(Uuid::from_u128(1));
        let name = Name { full: "Alice Martin".into(), display: "Alice".into() };
        let everybody = vec![Brief { id, name, status: UserStatus::Inactive, since: chrono::DateTime::UNIX_EPOCH }];
        Named::new(Arc::new(Roster::of(everybody)))
    }

    #[test]
    fn a_filter_is_told_in_words() {
        let mut filter = Filter::of(Statuses::Only(Status::Open));
        assert_eq!(sentence(&filter, &named(), None), "open");
        filter.assignee = Some(Assignee::User(UserId(Uuid::from_u128(1))));
        filter.priority = Some(Priority::High);
        filter.words = Some("tent".into());
        let said = "open, assigned to Alice Martin (deactivated), priority high, containing “tent”";
        assert_eq!(sentence(&filter, &named(), None), said);
    }

    #[test]
    fn a_chip_leads_to_the_list_without_it() {
        let id = Uuid::from_u128(1);
        let address =
            Address { assignee: id.to_string(), priority: "high".into(), after: "x".into(), ..Address::default() };
        let mut filter = Filter::of(Statuses::Only(Status::Open));
        filter.assignee = Some(Assignee::User(UserId(id)));
        filter.priority = Some(Priority::High);
        let chips = chips(&address, &filter, &named(), None);
        let told: Vec<(String, &str)> = chips.iter().map(|chip| (chip.label(), chip.href.as_str())).collect();
        let other = format!("/inbox?assignee={id}");
        let expected = [
            ("Assigned to: Alice Martin (deactivated)".to_owned(), "/inbox?priority=high"),
            ("Priority: High".to_owned(), other.as_str()),
        ];
        assert_eq!(told, expected);
        assert_eq!(title(&address, None, &filter, &named()), "Assigned to Alice");
    }
}
