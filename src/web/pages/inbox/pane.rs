//! What stands beside the list while no conversation is open.

use super::Selected;
use super::read::Frame;
use super::words;
use crate::domain::conversations::Status;
use crate::domain::ids::UserId;
use crate::domain::inbox::{Address, Assignee, View};
use crate::domain::text::{counted, grouped};
use crate::web::extract::Viewer;
use crate::web::views::person::PersonView;

/// So many people are named when it is told who holds a selection.
const NAMED: usize = 4;

/// The work of somebody who cannot log in.
pub(in crate::web::pages) struct Former {
    /// Who.
    pub person: PersonView,
    /// What it means, if they hold something that is open.
    pub warning: Option<String>,
    /// How many of what: words and number.
    pub facts: Vec<(&'static str, String)>,
    /// How many in all.
    pub total: String,
    /// A link that selects everything of theirs: words and address.
    pub hand_over: Option<(String, String)>,
    /// Their profile, for who may see it.
    pub profile: Option<String>,
}

/// All that matches, selected.
pub(in crate::web::pages) struct Matching {
    /// How many.
    pub count: String,
    /// What matches, in words.
    pub sentence: String,
    /// Who holds them now, if that is known without counting each.
    pub held: Vec<Held>,
}

/// Somebody's part of a selection.
pub(in crate::web::pages) struct Held {
    /// Who, if it is one person.
    pub person: Option<PersonView>,
    /// Who otherwise, in words.
    pub label: String,
    /// How many.
    pub count: String,
}

/// The pane.
pub(in crate::web::pages) struct Pane {
    /// Somebody's work.
    pub former: Option<Former>,
    /// A selection.
    pub matching: Option<Matching>,
    /// What is worth a look instead, if the list is empty: words and address.
    pub elsewhere: Option<(String, &'static str)>,
    /// Whether there is anything to choose from.
    pub any: bool,
}

impl Pane {
    /// The pane beside a list.
    pub(in crate::web::pages) fn new(viewer: &Viewer, frame: &Frame, selected: Selected) -> Self {
        let any = !frame.page.rows.is_empty();
        let matching = (selected == Selected::Matching && frame.asker.bulk && any).then(|| Matching {
            count: counted(frame.total, "conversation", "conversations"),
            sentence: words::sentence(&frame.request.filter, &frame.named, None),
            held: held(frame),
        });
        let unassigned = frame.counts.matching(&unassigned(viewer, frame), &frame.named.inactive);
        let elsewhere = (!any && unassigned > 0).then(|| {
            let verb = if unassigned == 1 { "is" } else { "are" };
            (
                format!("{} {verb} unassigned.", counted(unassigned, "conversation", "conversations")),
                "/inbox?view=unassigned",
            )
        });
        Self { former: former(frame), matching, elsewhere, any }
    }
}

/// Who holds what matches: those with the most, the others together, who cannot log in, nobody.
fn held(frame: &Frame) -> Vec<Held> {
    let filter = &frame.request.filter;
    if !filter.is_kept_by_counters() {
        return Vec::new();
    }
    let held = frame.counts.matching_by_person(filter, &frame.named.inactive);
    let nobody = held.get(&UserId::NIL).copied().unwrap_or(0);
    let mut people: Vec<(PersonView, i64)> = held
        .into_iter()
        .filter(|(user, _)| *user != UserId::NIL)
        .map(|(user, count)| (frame.named.people.get(user), count))
        .collect();
    people.sort_by(|(one, holds), (other, held)| held.cmp(holds).then_with(|| one.name.cmp(&other.name)));
    let (former, mut active): (Vec<_>, Vec<_>) = people.into_iter().partition(|(person, _)| person.inactive);
    let others = if active.len() > NAMED + 1 { active.split_off(NAMED) } else { Vec::new() };
    let named =
        |(person, count): (PersonView, i64)| Held { person: Some(person), label: String::new(), count: grouped(count) };
    let mut rows: Vec<Held> = active.into_iter().map(named).collect();
    if !others.is_empty() {
        let count = others.iter().map(|(_, count)| count).sum();
        rows.push(Held { person: None, label: format!("{} others", others.len()), count: grouped(count) });
    }
    rows.extend(former.into_iter().map(named));
    if nobody > 0 {
        rows.push(Held { person: None, label: "Unassigned".to_owned(), count: grouped(nobody) });
    }
    rows
}

fn unassigned(viewer: &Viewer, frame: &Frame) -> crate::domain::inbox::Filter {
    let address = Address { view: View::Unassigned.as_str().to_owned(), ..Address::default() };
    let person = &viewer.known.person;
    crate::domain::inbox::Request::read(&address, person.id, &person.teams, frame.asker.now)
        .map_or_else(|_| frame.request.filter.clone(), |request| request.filter)
}

fn former(frame: &Frame) -> Option<Former> {
    let Some(Assignee::User(user)) = frame.request.filter.assignee else { return None };
    if !frame.named.inactive.contains(&user) {
        return None;
    }
    let person = frame.named.people.get(user);
    let held = |status| frame.counts.by_person(status).get(&user).copied().unwrap_or(0);
    let (open, snoozed) = (held(Status::Open), held(Status::Snoozed));
    let total = open + snoozed;
    let select = Address { assignee: user.to_string(), view: "needs_handover".to_owned(), ..Address::default() };
    let hand_over = (frame.asker.bulk && total > 0)
        .then(|| (format!("Hand over {}…", grouped(total)), format!("{}&select=matching", words::href(&select))));
    let verb = if open == 1 { "waits" } else { "wait" };
    Some(Former {
        warning: (open > 0).then(|| {
            format!("{} {verb} with someone who can’t answer", counted(open, "open conversation", "open conversations"))
        }),
        facts: vec![("Open conversations", grouped(open)), ("Snoozed", grouped(snoozed))],
        total: counted(total, "conversation", "conversations"),
        hand_over,
        profile: (frame.asker.users && !person.gone).then(|| format!("/settings/users/{}", person.id)),
        person,
    })
}
