//! What an inbox page is made of, read in a constant number of statements however many rows it shows.

use std::collections::{HashMap, HashSet};
use std::ops::Deref;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::domain::access::{Key, Sees};
use crate::domain::conversations::Status;
use crate::domain::ids::{ContactId, ConversationId, TagId, TeamId, UserId};
use crate::domain::inbox::{Address, Assignee, Filter, Request, Statuses, Teams};
use crate::domain::saved_views::SavedView;
use crate::domain::text::grouped;
use crate::failure::Failure;
use crate::store::contacts::Contact;
use crate::store::counts::Counts;
use crate::store::roster::Roster;
use crate::store::{self, Rx};
use crate::web::extract::Viewer;
use crate::web::pages::job_words::lately;
use crate::web::views::events::Names;
use crate::web::views::person::People;
use crate::web::views::time::Times;

/// Rows of a page.
pub(in crate::web::pages) const ROWS: usize = 50;

/// Who asks, as far as the list depends on it.
#[derive(Clone, Debug)]
pub(in crate::web::pages) struct Asker {
    /// Who.
    pub me: UserId,
    /// Their teams.
    pub teams: Vec<TeamId>,
    /// What they may see.
    pub sees: Sees,
    /// Whether they may change many conversations at once.
    pub bulk: bool,
    /// Whether they may change where conversations stand.
    pub status: bool,
    /// Whether they may change tags and priorities.
    pub tag: bool,
    /// Whether they may look into profiles.
    pub users: bool,
    /// What can be named.
    pub named: Named,
    /// The present instant.
    pub now: DateTime<Utc>,
    /// The zone that times are written in.
    pub zone: Tz,
}

impl Asker {
    /// The person behind a request.
    pub(in crate::web::pages) fn new(viewer: &Viewer) -> Self {
        let person = &viewer.known.person;
        Self {
            me: person.id,
            teams: person.teams.clone(),
            sees: viewer.sees(),
            bulk: person.permissions.has(Key::ConversationsBulk),
            status: person.permissions.has(Key::ConversationsChangeStatus),
            tag: person.permissions.has(Key::ConversationsTag),
            users: person.permissions.has(Key::UsersView),
            named: Named::new(viewer.known.roster.clone()),
            now: viewer.db().now(),
            zone: viewer.known.zone,
        }
    }
}

impl Asker {
    /// The saved view that an address names, if it is shown to them.
    pub(in crate::web::pages) fn saved(&self, address: &Address) -> Option<SavedView> {
        let view = self.named.views.iter().find(|view| view.id.to_string() == address.saved);
        view.filter(|view| view.is_shown_to(self.me, &self.teams)).cloned()
    }
}

/// Everything that is in a workspace and can be named on an inbox page.
#[derive(Clone, Debug)]
pub(in crate::web::pages) struct Named {
    /// Everybody, ready to be written.
    pub people: People,
    roster: Arc<Roster>,
}

impl Deref for Named {
    type Target = Roster;

    fn deref(&self) -> &Roster {
        &self.roster
    }
}

impl Named {
    /// Of a workspace.
    pub(in crate::web::pages) fn new(roster: Arc<Roster>) -> Self {
        Self { people: People::of(&roster), roster }
    }

    /// Tags with their names, by name.
    pub(in crate::web::pages) fn tags(&self, ids: &[TagId]) -> Vec<(TagId, String)> {
        self.tags.iter().filter(|(tag, _)| ids.contains(tag)).cloned().collect()
    }

    /// The names that events are written with.
    pub(in crate::web::pages) fn for_events(&self, jobs: bool) -> Names {
        Names {
            people: self.people.clone(),
            teams: self.teams.iter().map(|team| (team.id, team.name.clone())).collect(),
            tags: self.tags.iter().cloned().collect(),
            jobs,
            beside: false,
        }
    }
}

/// A list and everything beside it.
#[derive(Clone, Debug)]
pub(in crate::web::pages) struct Frame {
    /// Who asks.
    pub asker: Asker,
    /// The address as it was typed.
    pub address: Address,
    /// What it means.
    pub request: Request,
    /// Names.
    pub named: Named,
    /// Kept numbers.
    pub counts: Counts,
    /// The rows.
    pub page: store::inbox::Page,
    /// How many match.
    pub total: i64,
    /// Whether there may be more than that: a search for a common word is not counted to its end.
    pub at_least: bool,
    /// The customers of the rows, and of the filter.
    pub contacts: HashMap<ContactId, Contact>,
    /// What whoever asks just did that emptied the list, if there are no rows: the words and the job's address.
    pub lately: Option<(String, String)>,
    /// The saved view that is shown, if it is shown to whoever asks.
    pub saved: Option<SavedView>,
    /// Whether the saved view names something that is gone since, so that nothing can match.
    pub names_gone: bool,
    /// When the rows were last read.
    pub reads: HashMap<ConversationId, DateTime<Utc>>,
    /// In which conversations whoever asks has an unsent answer.
    pub drafts: HashSet<ConversationId>,
    /// The tags of the rows.
    pub tags: HashMap<ConversationId, Vec<(TagId, String)>>,
}

impl Frame {
    /// The number of what matches, in words.
    pub(in crate::web::pages) fn number(&self) -> String {
        format!("{}{}", grouped(self.total), if self.at_least { "+" } else { "" })
    }

    /// Counts to the end, for who is to change all that match.
    ///
    /// # Errors
    /// Trouble with the database.
    pub(in crate::web::pages) fn count_all(&mut self, rx: &mut Rx) -> Result<(), Failure> {
        if self.at_least {
            self.total = store::inbox::count(rx, &self.request.filter, &self.asker.sees)?;
            self.at_least = false;
        }
        Ok(())
    }

    /// Times as this page writes them.
    pub(in crate::web::pages) const fn times(&self) -> Times {
        Times::new(self.asker.now, self.asker.zone)
    }
}

/// What an address means for somebody.
///
/// # Errors
/// [`Failure::NotFound`] if it names something by an id that is none.
pub(in crate::web::pages) fn request(asker: &Asker, address: &Address) -> Result<Request, Failure> {
    Request::read(address, asker.me, &asker.teams, asker.now).map_err(|_| Failure::NotFound)
}

/// How many match, from the kept counters where they know it.
///
/// # Errors
/// Trouble with the database.
pub(in crate::web::pages) fn total(
    rx: &mut Rx,
    filter: &Filter,
    sees: &Sees,
    counts: &Counts,
    inactive: &HashSet<UserId>,
) -> Result<i64, Failure> {
    if filter.is_kept_by_counters() {
        return Ok(counts.matching(filter, inactive));
    }
    store::inbox::count(rx, filter, sees)
}

/// The kept numbers that a filter and the navigation need.
///
/// # Errors
/// Trouble with the database.
pub(in crate::web::pages) fn counts(rx: &mut Rx, filter: &Filter, sees: &Sees) -> Result<Counts, Failure> {
    let mut statuses = vec![Status::Open, Status::Snoozed];
    if let Statuses::Only(status @ (Status::Closed | Status::Archived)) = filter.statuses {
        statuses.push(status);
    }
    store::counts::find(rx, &statuses, sees)
}

/// That everything that a filter names is in this workspace: what is not is an unknown id (W-3).
///
/// # Errors
/// [`Failure::NotFound`].
pub(in crate::web::pages) fn check(filter: &Filter, named: &Named) -> Result<(), Failure> {
    let user = match filter.assignee {
        Some(Assignee::User(user)) => named.everybody.iter().any(|one| one.id == user),
        _ => true,
    };
    let team = match &filter.teams {
        Some(Teams::One(team)) => named.team(*team).is_some(),
        _ => true,
    };
    let channel = filter.channel.is_none_or(|id| named.channel(id).is_some());
    let tag = filter.tag.is_none_or(|id| named.tag(id).is_some());
    if user && team && channel && tag { Ok(()) } else { Err(Failure::NotFound) }
}

/// Reads a list and everything beside it.
///
/// # Errors
/// [`Failure::NotFound`] if the address names what is not here, or trouble with the database.
pub(in crate::web::pages) fn frame(rx: &mut Rx, asker: &Asker, address: Address) -> Result<Frame, Failure> {
    let bare = bare_frame(rx, asker, address)?;
    let ids: Vec<ConversationId> = bare.page.rows.iter().map(|row| row.conversation.id).collect();
    let mut contacts: Vec<ContactId> = bare.page.rows.iter().map(|row| row.conversation.contact).collect();
    contacts.extend(bare.request.filter.contact);
    let contacts = store::contacts::list(rx, &contacts)?;
    if bare.request.filter.contact.is_some_and(|id| !contacts.contains_key(&id)) {
        return Err(Failure::NotFound);
    }
    let tags = store::tags::list_of_conversations(rx, &ids)?;
    let explain = ids.is_empty() && asker.bulk;
    let (total, at_least) = match bare.page.total {
        Some(total) => (total.number, total.at_least),
        None => (total(rx, &bare.request.filter, &asker.sees, &bare.counts, &bare.named.inactive)?, false),
    };
    Ok(Frame {
        lately: if explain { lately(rx, asker.me, &bare.named, &bare.request.filter)? } else { None },
        total,
        at_least,
        reads: store::conversations::list_reads(rx, asker.me, &ids)?,
        drafts: store::inbox::list_with_draft_of(rx, asker.me, &asker.sees)?,
        tags: tags.into_iter().map(|(id, tags)| (id, bare.named.tags(&tags))).collect(),
        contacts,
        ..bare
    })
}

/// The same for a conversation alone: which rows there are, but nothing that is written of them.
///
/// # Errors
/// As [`frame`].
pub(in crate::web::pages) fn bare_frame(rx: &mut Rx, asker: &Asker, address: Address) -> Result<Frame, Failure> {
    let request = request(asker, &address)?;
    let named = asker.named.clone();
    let saved = asker.saved(&address);
    // A saved view outlives what it names; whoever opens it is told.
    let names_gone = match check(&request.filter, &named) {
        Err(Failure::NotFound) if saved.is_some() => true,
        checked => {
            checked?;
            false
        }
    };
    let counts = counts(rx, &request.filter, &asker.sees)?;
    let page = store::inbox::list(rx, &request.filter, &asker.sees, request.sort, request.after.as_ref(), ROWS)?;
    Ok(Frame {
        asker: asker.clone(),
        address,
        request,
        named,
        counts,
        page,
        total: 0,
        at_least: false,
        contacts: HashMap::new(),
        reads: HashMap::new(),
        drafts: HashSet::new(),
        tags: HashMap::new(),
        lately: None,
        saved,
        names_gone,
    })
}
