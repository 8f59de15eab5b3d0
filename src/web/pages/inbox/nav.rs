//! The views beside the list: everybody's, teams', and those of people who cannot log in (C-1).

use super::read::Frame;
use crate::domain::conversations::Status;
use crate::domain::inbox::{Address, Filter, Request, Statuses, View};
use crate::domain::text::grouped;
use crate::web::views::person::PersonView;

/// A link of the navigation.
pub(in crate::web::pages) struct Item {
    /// The words.
    pub label: String,
    /// The person whose work it is, if they cannot log in.
    pub person: Option<PersonView>,
    /// The icon.
    pub icon: &'static str,
    /// Where it leads.
    pub href: String,
    /// How many; empty if it is not counted.
    pub count: String,
    /// Whether somebody should look at it.
    pub alert: bool,
    /// Whether this is what is shown.
    pub current: bool,
}

/// The navigation.
pub(in crate::web::pages) struct Nav {
    /// Everybody's views.
    pub views: Vec<Item>,
    /// Saved views.
    pub saved: Vec<Item>,
    /// Teams.
    pub teams: Vec<Item>,
    /// People who cannot log in and hold something.
    pub former: Vec<Item>,
}

const fn icon(view: View) -> &'static str {
    match view {
        View::Mine => "user",
        View::Unassigned => "circle-dashed",
        View::MyTeams => "users",
        View::Open => "inbox",
        View::Snoozed => "alarm-snooze",
        View::Drafts => "file-text",
        View::Closed => "circle-check",
        View::NeedsHandover => "transfer",
    }
}

impl Nav {
    /// The navigation beside a list.
    pub(in crate::web::pages) fn new(frame: &Frame) -> Self {
        Self { views: views(frame), saved: saved(frame), teams: teams(frame), former: former(frame) }
    }
}

fn views(frame: &Frame) -> Vec<Item> {
    let asker = &frame.asker;
    let shown = View::ALL.into_iter().filter(|view| *view != View::MyTeams || !asker.teams.is_empty());
    shown
        .map(|view| {
            let address = Address { view: view.as_str().to_owned(), ..Address::default() };
            let meant = Request::read(&address, asker.me, &asker.teams, asker.now).ok();
            let count = match view {
                View::Drafts => i64::try_from(frame.drafts.len()).unwrap_or(i64::MAX),
                _ => meant.map_or(0, |meant| frame.counts.matching(&meant.filter, &frame.named.inactive)),
            };
            Item {
                label: view.label().to_owned(),
                person: None,
                icon: icon(view),
                href: format!("/inbox?{}", address.query()),
                count: if view == View::Closed { String::new() } else { grouped(count) },
                alert: view == View::NeedsHandover && count > 0,
                current: frame.request.view == Some(view) && !frame.address.is_filtered() && frame.saved.is_none(),
            }
        })
        .collect()
}

/// Their numbers come from the kept counters; a view that those do not know is shown without one, because it would have
/// to be counted for every page.
fn saved(frame: &Frame) -> Vec<Item> {
    let asker = &frame.asker;
    let shown = frame.named.views.iter().filter(|view| view.is_shown_to(asker.me, &asker.teams));
    shown
        .map(|view| {
            let list: Address = serde_html_form::from_str(&view.query).unwrap_or_default();
            let address = Address { saved: view.id.to_string(), ..list };
            let meant = Request::read(&address, asker.me, &asker.teams, asker.now).ok();
            let settled =
                |filter: &Filter| matches!(filter.statuses, Statuses::Only(Status::Closed | Status::Archived));
            let known = meant.filter(|meant| meant.filter.is_kept_by_counters() && !settled(&meant.filter));
            let count = known.map(|meant| grouped(frame.counts.matching(&meant.filter, &frame.named.inactive)));
            Item {
                label: view.name.clone(),
                person: None,
                icon: "bookmark",
                current: frame.saved.as_ref().is_some_and(|one| one.id == view.id),
                href: format!("/inbox?{}", address.query()),
                count: count.unwrap_or_default(),
                alert: false,
            }
        })
        .collect()
}

fn teams(frame: &Frame) -> Vec<Item> {
    let held = frame.counts.by_team(Status::Open);
    let teams = frame.named.teams.iter();
    teams
        .map(|team| {
            let id = team.id.to_string();
            let only = Address { team: id.clone(), sort: frame.address.sort.clone(), ..Address::default() };
            Item {
                label: team.name.clone(),
                person: None,
                icon: "users-group",
                href: format!("/inbox?team={id}"),
                count: grouped(held.get(&team.id).copied().unwrap_or(0)),
                alert: false,
                current: frame.address.from_start() == only,
            }
        })
        .collect()
}

fn former(frame: &Frame) -> Vec<Item> {
    let (open, snoozed) = (frame.counts.by_person(Status::Open), frame.counts.by_person(Status::Snoozed));
    let people = frame.named.everybody.iter().filter(|one| frame.named.inactive.contains(&one.id));
    let held = people.map(|one| {
        let count = open.get(&one.id).copied().unwrap_or(0) + snoozed.get(&one.id).copied().unwrap_or(0);
        (one, count)
    });
    held.filter(|(_, count)| *count > 0)
        .map(|(one, count)| Item {
            label: one.name.full.clone(),
            person: Some(PersonView::from_brief(one)),
            icon: "user-off",
            // The view makes the list hold what is counted: what is open and what is asleep.
            href: format!("/inbox?assignee={}&view={}", one.id, View::NeedsHandover.as_str()),
            count: grouped(count),
            alert: true,
            current: frame.address.assignee == one.id.to_string(),
        })
        .collect()
}
