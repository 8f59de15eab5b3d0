//! The list: heading, filters, rows, bulk bar (C-2 … C-4, C-8).

use chrono::TimeDelta;

use super::Selected;
use super::picker::Picker;
use super::read::{Frame, ROWS};
use super::words::{self, Chip};
use crate::domain::conversations::{ChannelKind, Conversation, Priority, Status};
use crate::domain::ids::ConversationNumber;
use crate::domain::inbox::{Address, Sort, View};
use crate::domain::snooze::Preset;
use crate::domain::text::grouped;
use crate::domain::users::Status as UserStatus;
use crate::store::inbox::Listed;
use crate::store::users::Brief;
use crate::web::extract::Viewer;
use crate::web::views::person::PersonView;
use crate::web::views::time::TimeView;

/// Who waits longer than this is marked.
const LONG_WAIT: TimeDelta = TimeDelta::hours(4);
/// Tags of a row that are written out.
const TAGS: usize = 2;

/// A row.
pub(in crate::web::pages) struct Row {
    /// The conversation's number.
    pub number: i64,
    /// Its address, with the list beside it.
    pub href: String,
    /// With whom.
    pub contact: String,
    /// About what.
    pub subject: String,
    /// The first words of the last message.
    pub preview: String,
    /// The channel's icon.
    pub icon: &'static str,
    /// The channel in words.
    pub channel: &'static str,
    /// Who holds it, if it is a person.
    pub person: Option<PersonView>,
    /// Who holds it otherwise.
    pub holder: String,
    /// Some of its tags.
    pub tags: Vec<String>,
    /// How many more tags it has; empty if none.
    pub more_tags: String,
    /// How urgent it is, unless as usual: words and class.
    pub priority: Option<(&'static str, &'static str)>,
    /// When something last happened.
    pub at: TimeView,
    /// Whether something happened since the reader looked.
    pub unread: bool,
    /// How long the contact waits, if it is long.
    pub waiting: Option<String>,
    /// When it wakes.
    pub wakes: Option<TimeView>,
    /// Whether it is the one that is read.
    pub open: bool,
    /// Whether whoever reads it has an unsent answer there.
    pub draft: bool,
    /// Whether it is selected.
    pub checked: bool,
}

/// One of several.
pub(in crate::web::pages) struct Choice {
    /// What the form sends.
    pub value: String,
    /// The words.
    pub label: String,
    /// Whether it is chosen.
    pub on: bool,
}

/// A field of the filter form.
pub(in crate::web::pages) struct Select {
    /// Its name.
    pub name: &'static str,
    /// Its label.
    pub label: &'static str,
    /// What can be chosen.
    pub choices: Vec<Choice>,
    /// What can be chosen in a group of its own, and the group's name.
    pub apart: Option<(&'static str, Vec<Choice>)>,
}

/// An empty list.
pub(in crate::web::pages) struct Empty {
    /// Its icon.
    pub icon: &'static str,
    /// What is true.
    pub title: &'static str,
    /// What happens next.
    pub text: String,
    /// First steps: words and address.
    pub steps: Vec<(&'static str, String)>,
}

/// What can be done with selected rows.
pub(in crate::web::pages) struct Bulk {
    /// Who they can be given to.
    pub picker: Picker,
    /// Times to snooze until, for who may: what is sent, words, the time.
    pub snooze: Vec<(String, &'static str, TimeView)>,
    /// What else can be done, in groups: what is sent and words.
    pub more: Vec<Vec<(String, String)>>,
    /// How many are selected, if it is more than can be counted on the page.
    pub matching: Option<String>,
    /// The number as it is sent.
    pub expected: i64,
    /// A link that selects all that match, if there are more than on the page: words and address.
    pub all: Option<(String, String)>,
    /// Whether more match than are on the page.
    pub is_part: bool,
    /// A link that selects this page only.
    pub page_only: String,
    /// A link that selects nothing.
    pub none: String,
    /// The fields of the filter.
    pub fields: Vec<(&'static str, String)>,
}

/// The list.
pub(in crate::web::pages) struct List {
    /// Its heading.
    pub title: String,
    /// How many there are.
    pub count: String,
    /// This very page of it.
    pub here: String,
    /// What was searched for.
    pub q: String,
    /// Fields that the filter form keeps.
    pub kept: Vec<(&'static str, String)>,
    /// The filter form.
    pub selects: Vec<Select>,
    /// How many filters are on.
    pub filters: usize,
    /// Filters that are on.
    pub chips: Vec<Chip>,
    /// Where the list is saved as a view, if it is none and narrowed.
    pub save: Option<String>,
    /// Where the saved view that is shown is changed, and deleted.
    pub change: Option<(String, String)>,
    /// Whether that names something that is gone.
    pub names_gone: bool,
    /// The list without filters.
    pub clear: String,
    /// The sort that is on.
    pub sort: &'static str,
    /// Sorts: words, address, whether it is on.
    pub sorts: Vec<(&'static str, String, bool)>,
    /// The rows.
    pub rows: Vec<Row>,
    /// Whether all rows are selected.
    pub all_selected: bool,
    /// The words beside the box that selects all.
    pub select_all: String,
    /// Where the next page begins.
    pub next: Option<String>,
    /// The list as a file, for who may take it along.
    pub export: Option<String>,
    /// Where the list begins, if this is not its beginning.
    pub first: Option<String>,
    /// Words for when there are no rows.
    pub empty: Option<Empty>,
    /// What can be done with selected rows, by who may.
    pub bulk: Option<Bulk>,
}

impl List {
    /// The list of a page.
    pub(in crate::web::pages) fn new(
        viewer: &Viewer,
        frame: &Frame,
        selected: Selected,
        open: Option<ConversationNumber>,
    ) -> Self {
        let (address, request) = (&frame.address, &frame.request);
        let selected = if frame.asker.bulk { selected } else { Selected::Nothing };
        let checked = selected != Selected::Nothing;
        let contact = request.filter.contact.and_then(|id| frame.contacts.get(&id)).map(|one| one.name.as_str());
        let chips = words::chips(address, &request.filter, &frame.named, contact);
        let rows: Vec<Row> = frame.page.rows.iter().map(|listed| row(frame, listed, open, checked)).collect();
        let clear = Address { view: address.view.clone(), sort: address.sort.clone(), ..Address::default() };
        let start = address.from_start();
        let title = || words::title(address, request.view, &request.filter, &frame.named);
        Self {
            title: frame.saved.as_ref().map_or_else(title, |view| view.name.clone()),
            save: (frame.saved.is_none() && address.is_filtered())
                .then(|| words::with_query("/inbox/views/new", &words::unnamed(address))),
            change: frame.saved.as_ref().map(|view| {
                let path = format!("/inbox/views/{}", view.id);
                (words::with_query(&path, &words::unnamed(address)), format!("{path}/delete"))
            }),
            names_gone: frame.names_gone,
            count: frame.number(),
            here: words::href(address),
            q: address.q.clone(),
            kept: kept(address),
            selects: selects(frame),
            filters: chips.len(),
            clear: words::href(&clear),
            sort: request.sort.label(),
            sorts: sorts(frame),
            all_selected: checked && !rows.is_empty(),
            select_all: if checked { format!("All {} on this page", rows.len()) } else { "Select all".to_owned() },
            next: frame.page.next.map(|next| words::href(&Address { after: next.print(), ..address.clone() })),
            export: frame.asker.bulk.then(|| words::with_query("/inbox/export", &start)),
            first: request.after.map(|_| words::href(&start)),
            empty: rows.is_empty().then(|| empty(viewer, frame, chips.len(), &clear)),
            bulk: (frame.asker.bulk && !rows.is_empty()).then(|| bulk(frame, selected, rows.len())),
            chips,
            rows,
        }
    }
}

/// The icon of a channel.
pub(in crate::web::pages) const fn channel_icon(kind: ChannelKind) -> &'static str {
    match kind {
        ChannelKind::Email => "mail",
        ChannelKind::WhatsApp => "brand-whatsapp",
        ChannelKind::Instagram => "brand-instagram",
        ChannelKind::Voice => "phone",
        ChannelKind::Telegram => "send",
        ChannelKind::WebChat | ChannelKind::Messenger => "message-circle",
    }
}

/// How long a contact has waited, if that is long (C-4).
pub(in crate::web::pages) fn long_wait(frame: &Frame, one: &Conversation) -> Option<String> {
    let since = one.waiting_since.filter(|_| one.status == Status::Open)?;
    (frame.asker.now - since >= LONG_WAIT).then(|| frame.times().lasted(since))
}

/// A priority that is not the usual one: words and the class of its badge.
pub(in crate::web::pages) const fn unusual(priority: Priority) -> Option<(&'static str, &'static str)> {
    match priority {
        Priority::Urgent => Some(("Urgent", "danger")),
        Priority::High => Some(("High", "warn")),
        Priority::Low => Some(("Low", "outline")),
        Priority::Normal => None,
    }
}

fn row(frame: &Frame, listed: &Listed, open: Option<ConversationNumber>, checked: bool) -> Row {
    let (one, times) = (&listed.conversation, frame.times());
    let channel = frame.named.channel(one.channel).map_or(ChannelKind::Email, |channel| channel.kind);
    let tags = frame.tags.get(&one.id).map(Vec::as_slice).unwrap_or_default();
    let surplus = tags.len().saturating_sub(TAGS);
    let contact = frame.contacts.get(&one.contact).map_or("Unknown contact", |contact| contact.name.as_str());
    Row {
        number: one.number.0,
        href: words::with_query(&format!("/conversations/{}", one.number), &frame.address),
        contact: contact.to_owned(),
        subject: if one.subject.is_empty() { "(no subject)".to_owned() } else { one.subject.clone() },
        preview: listed.preview.clone(),
        icon: channel_icon(channel),
        channel: channel.label(),
        person: one.assignee.map(|id| frame.named.people.get(id)),
        holder: one.team.and_then(|id| frame.named.team(id)).unwrap_or("Unassigned").to_owned(),
        tags: tags.iter().take(TAGS).map(|(_, name)| name.clone()).collect(),
        more_tags: if surplus > 0 { format!("+{surplus}") } else { String::new() },
        priority: unusual(one.priority),
        at: times.short(one.last_activity_at),
        unread: frame.reads.get(&one.id).is_none_or(|read| one.last_activity_at > *read) && open != Some(one.number),
        waiting: long_wait(frame, one),
        wakes: one.snoozed_until.filter(|_| one.status == Status::Snoozed).map(|at| times.full(at)),
        open: open == Some(one.number),
        draft: frame.drafts.contains(&one.id),
        checked,
    }
}

fn kept(address: &Address) -> Vec<(&'static str, String)> {
    let kept = [("view", &address.view), ("sort", &address.sort), ("contact", &address.contact)];
    kept.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name, value.clone())).collect()
}

fn sorts(frame: &Frame) -> Vec<(&'static str, String, bool)> {
    let asleep = frame.request.sort == Sort::Wake || frame.request.view == Some(View::Snoozed);
    let shown = Sort::ALL.into_iter().filter(|sort| *sort != Sort::Wake || asleep);
    shown
        .map(|sort| {
            let address = Address { sort: sort.as_str().to_owned(), ..frame.address.from_start() };
            (sort.label(), words::href(&address), sort == frame.request.sort)
        })
        .collect()
}

fn choice(value: impl Into<String>, label: impl Into<String>, chosen: &str) -> Choice {
    let value = value.into();
    Choice { on: value == chosen, value, label: label.into() }
}

fn selects(frame: &Frame) -> Vec<Select> {
    let (address, named) = (&frame.address, &frame.named);
    let plain = |name, label, choices| Select { name, label, choices, apart: None };
    let statuses = Status::ALL.into_iter().map(|one| choice(one.as_str(), one.label(), &address.status));
    let team = |id: String, name: &str| choice(id, name, &address.team);
    let teams = named.teams.iter().map(|one| team(one.id.to_string(), &one.name));
    let channels = named.channels.iter().map(|one| choice(one.id.to_string(), one.name.clone(), &address.channel));
    let tags = named.tags.iter().map(|(id, name)| choice(id.to_string(), name.clone(), &address.tag));
    let priorities = Priority::ALL.into_iter().map(|one| choice(one.as_str(), one.label(), &address.priority));
    let waiting = [("us", "On us"), ("customer", "On the customer")];
    let activities = ["today", "week", "month", "older"];
    let activities = activities.into_iter().filter_map(|name| Some((name, words::activity_words(name)?)));
    let any = |choices: &mut dyn Iterator<Item = Choice>, label: &str| {
        let mut all = vec![Choice { value: String::new(), label: label.to_owned(), on: false }];
        all.extend(choices);
        all
    };
    let mut statuses = statuses;
    let mut teams = std::iter::once(team("mine".to_owned(), "My teams")).chain(teams);
    let (mut channels, mut tags, mut priorities) = (channels, tags, priorities);
    let mut waiting = waiting.into_iter().map(|(name, label)| choice(name, label, &address.waiting));
    let mut activities = activities.map(|(name, label)| choice(name, label, &address.activity));
    vec![
        plain("status", "Status", any(&mut statuses, "As in the view")),
        assignees(frame),
        plain("team", "Team", any(&mut teams, "Any")),
        plain("channel", "Channel", any(&mut channels, "Any")),
        plain("tag", "Tag", any(&mut tags, "Any")),
        plain("priority", "Priority", any(&mut priorities, "Any")),
        plain("waiting", "Waiting", any(&mut waiting, "Any")),
        plain("activity", "Last activity", any(&mut activities, "Any time")),
    ]
}

/// People who can log in, and apart from them, marked, those who cannot (U-3).
fn assignees(frame: &Frame) -> Select {
    let chosen = &frame.address.assignee;
    let mut choices = vec![
        choice("", "Anyone", "-"),
        choice("me", "Me", chosen),
        choice("none", "Nobody", chosen),
        choice("inactive", "Anyone who can’t log in", chosen),
    ];
    let everybody = &frame.named.everybody;
    let active = everybody.iter().filter(|one| one.status == UserStatus::Active);
    choices.extend(active.map(|one| choice(one.id.to_string(), one.name.full.clone(), chosen)));
    let inactive = everybody.iter().filter(|one| frame.named.inactive.contains(&one.id));
    let times = frame.times();
    let label = |one: &Brief| match one.status {
        // All who were removed have one name.
        UserStatus::Removed => format!("{}, {}", one.name.full, times.day(one.since).text),
        UserStatus::Deleted => one.name.full.clone(),
        _ => format!("{} (deactivated)", one.name.full),
    };
    let inactive: Vec<Choice> = inactive.map(|one| choice(one.id.to_string(), label(one), chosen)).collect();
    let apart = (!inactive.is_empty()).then_some(("Can’t log in", inactive));
    Select { name: "assignee", label: "Assigned to", choices, apart }
}

fn empty(viewer: &Viewer, frame: &Frame, filters: usize, clear: &Address) -> Empty {
    let words = |icon, title, text: &str| Empty { icon, title, text: text.to_owned(), steps: Vec::new() };
    if frame.request.after.is_some() {
        let steps = vec![("Back to the first page", words::href(&frame.address.from_start()))];
        return Empty { steps, ..words("inbox", "Nothing further", "The list ended before this page.") };
    }
    if let Some((sentence, job)) = frame.lately.as_ref().filter(|_| filters > 0) {
        let steps = vec![("See what was moved", job.clone()), ("Clear filters", words::href(clear))];
        return Empty {
            steps,
            ..words("circle-check", "Nothing is left here", &format!("You just did this: {sentence}."))
        };
    }
    if filters > 0 {
        let steps = vec![("Clear filters", words::href(clear))];
        return Empty {
            steps,
            ..words("search", "Nothing matches", "Take a filter off, or search for something else.")
        };
    }
    match frame.request.view {
        Some(View::Mine) => words("checks", "Nothing is assigned to you", "What you take or are given shows up here."),
        Some(View::Unassigned) => {
            words("checks", "Everything has someone", "New conversations that nobody holds yet show up here.")
        }
        Some(View::MyTeams) => words("checks", "Your teams are done", "What comes in for your teams shows up here."),
        Some(View::Snoozed) => {
            words("alarm-snooze", "Nothing is snoozed", "Snooze a conversation and it comes back at its time.")
        }
        Some(View::Drafts) => {
            words("file-text", "No drafts", "What you type and don’t send yet is kept, and shows up here.")
        }
        Some(View::Closed) => {
            words("circle-check", "Nothing is closed yet", "Conversations that are settled show up here.")
        }
        Some(View::NeedsHandover) => {
            words("checks", "Nobody’s work is left behind", "What people hold who can’t log in shows up here.")
        }
        Some(View::Open) | None => {
            let address = frame.named.channels.iter().find(|channel| channel.kind == ChannelKind::Email);
            let text = match address {
                Some(channel) => format!("Mail to {} shows up here.", channel.address),
                None => format!("What customers of {} write shows up here.", viewer.known.workspace.name),
            };
            words("checks", "Nothing is open", &text)
        }
    }
}

fn bulk(frame: &Frame, selected: Selected, rows: usize) -> Bulk {
    let matching = selected == Selected::Matching;
    let here = words::href(&frame.address);
    let joined = |select: &str| format!("{here}{}select={select}", if here.contains('?') { "&" } else { "?" });
    let more = frame.at_least || frame.total > i64::try_from(rows).unwrap_or(i64::MAX) || rows > ROWS;
    let load = frame.counts.by_person(Status::Open);
    let mut picker = Picker::new(
        "bulk-assign",
        "bulk-form",
        &frame.named.assignable,
        &frame.named.teams,
        &load,
        (frame.asker.me, None),
    );
    picker.up = true;
    picker.spread = true;
    Bulk {
        picker,
        snooze: snooze_choices(frame),
        more: more_actions(frame),
        matching: matching.then(|| grouped(frame.total)),
        expected: frame.total,
        all: (more && !matching).then(|| {
            let all = if frame.at_least { String::new() } else { format!("{} ", grouped(frame.total)) };
            (format!("Select all {all}matching"), joined("matching"))
        }),
        is_part: more,
        page_only: joined("page"),
        none: here,
        fields: fields(&frame.address.from_start()),
    }
}

fn snooze_choices(frame: &Frame) -> Vec<(String, &'static str, TimeView)> {
    let (asker, times) = (&frame.asker, frame.times());
    let presets = Preset::ALL.into_iter().filter(|_| asker.status);
    presets
        .map(|preset| {
            (format!("snooze:{}", preset.as_str()), preset.label(), times.full(preset.at(asker.now, asker.zone)))
        })
        .collect()
}

/// What is done to many seldom enough to stand in a menu.
fn more_actions(frame: &Frame) -> Vec<Vec<(String, String)>> {
    let words = |all: &[(&str, &str)]| all.iter().map(|(sent, label)| ((*sent).into(), (*label).into())).collect();
    let mut groups: Vec<Vec<(String, String)>> = Vec::new();
    if frame.asker.status {
        groups.push(words(&[("status:open", "Open again"), ("wake:", "Wake"), ("status:archived", "Archive")]));
    }
    if frame.asker.tag {
        groups.push(words(&[("add_tag:", "Add tag…"), ("remove_tag:", "Remove tag…")]));
        let priorities = Priority::ALL.into_iter();
        groups.push(
            priorities
                .map(|one| (format!("priority:{}", one.as_str()), format!("Priority: {}", one.label())))
                .collect(),
        );
    }
    groups
}

/// An address as fields of a form.
pub(in crate::web::pages) fn fields(address: &Address) -> Vec<(&'static str, String)> {
    let fields = [
        ("view", &address.view),
        ("status", &address.status),
        ("assignee", &address.assignee),
        ("team", &address.team),
        ("channel", &address.channel),
        ("tag", &address.tag),
        ("priority", &address.priority),
        ("waiting", &address.waiting),
        ("contact", &address.contact),
        ("activity", &address.activity),
        ("q", &address.q),
        ("sort", &address.sort),
        ("saved", &address.saved),
    ];
    fields.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name, value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_a_form_make_the_same_address() {
        let address = Address { view: "mine".into(), q: "a&b".into(), sort: "waiting".into(), ..Address::default() };
        let query = serde_html_form::to_string(fields(&address)).unwrap();
        assert_eq!(serde_html_form::from_str::<Address>(&query).unwrap(), address);
    }
}
