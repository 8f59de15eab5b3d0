//! What the log is read with: the filter of an address, checked, and the names of everything that it may show.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use uuid::Uuid;

use crate::domain::access::{Key, PermissionSet, Sees};
use crate::domain::audit_filter::{About, Address, Filter, Unreadable, Who};
use crate::domain::ids::{ChannelId, ConversationId, RoleId, TagId, TeamId, UserId};
use crate::domain::text::key;
use crate::failure::Failure;
use crate::store::audit_log::Logged;
use crate::store::users::Brief;
use crate::store::{self, Rx};
use crate::web::error::WebError;
use crate::web::views::audit::Names;
use crate::web::views::events;
use crate::web::views::person::People;

/// A filter, or the field that cannot be read.
pub(super) fn parse(address: &Address, now: DateTime<Utc>, zone: Tz) -> Result<Result<Filter, &'static str>, WebError> {
    match Filter::parse(address, now, zone) {
        Ok(filter) => Ok(Ok(filter)),
        Err(Unreadable::Unknown) => Err(WebError::NotFound),
        Err(Unreadable::Day(field)) => Ok(Err(field)),
    }
}

/// The people, teams, channels, roles and tags of a workspace.
pub(super) struct Book {
    pub people: Vec<Brief>,
    pub teams: Vec<(TeamId, String)>,
    pub channels: Vec<(ChannelId, String)>,
    pub roles: Vec<(RoleId, String)>,
    tags: Vec<(TagId, String)>,
}

impl Book {
    pub(super) fn open(rx: &mut Rx) -> Result<Self, Failure> {
        Ok(Self {
            people: store::users::list_everybody(rx)?,
            teams: store::teams::list(rx)?.into_iter().map(|one| (one.id, one.name)).collect(),
            channels: store::channels::list(rx)?.into_iter().map(|one| (one.id, one.name)).collect(),
            roles: store::roles::list(rx)?.into_iter().map(|one| (one.id, one.name)).collect(),
            tags: store::tags::list(rx)?,
        })
    }

    /// Refuses a filter that names what is nowhere here, and looks its words up.
    pub(super) fn settle(&self, rx: &mut Rx, filter: &mut Filter) -> Result<(), Failure> {
        let person = |id: &UserId| self.people.iter().any(|one| one.id == *id);
        let known = match &filter.who {
            Some(Who::User(id)) => person(id),
            _ => true,
        } && match &filter.about {
            Some(About::User(id)) => person(id),
            Some(About::Team(id)) => self.teams.iter().any(|(team, _)| team == id),
            Some(About::Channel(id)) => self.channels.iter().any(|(channel, _)| channel == id),
            Some(About::Role(id)) => self.roles.iter().any(|(role, _)| role == id),
            Some(About::Job(id)) => store::bulk_jobs::find(rx, *id)?.is_some(),
            Some(About::Conversation(number)) => store::conversations::find(rx, *number, &Sees::All)?.is_some(),
            Some(About::Kind(_)) | None => true,
        };
        if !known {
            return Err(Failure::NotFound);
        }
        filter.named = filter.words.as_deref().map(|words| self.find(words));
        Ok(())
    }

    /// Everything that has some words in its name.
    fn find(&self, words: &str) -> Vec<Uuid> {
        let words = key(words);
        let has = |name: &str| key(name).contains(&words);
        let people = self.people.iter().filter(|one| has(&one.name.full) || has(&one.name.display)).map(|one| one.id.0);
        let teams = self.teams.iter().filter(|(_, name)| has(name)).map(|(id, _)| id.0);
        let channels = self.channels.iter().filter(|(_, name)| has(name)).map(|(id, _)| id.0);
        let roles = self.roles.iter().filter(|(_, name)| has(name)).map(|(id, _)| id.0);
        // A statement carries a few thousand values; whoever types a single letter means no more.
        people.chain(teams).chain(channels).chain(roles).take(2_000).collect()
    }

    /// The names that entries are written with.
    pub(super) fn names(&self, may: PermissionSet) -> Names {
        Names {
            events: events::Names {
                people: People::new(&self.people),
                teams: self.teams.iter().cloned().collect(),
                tags: self.tags.iter().cloned().collect(),
                jobs: may.has(Key::ConversationsBulk),
                beside: true,
            },
            roles: self.roles.iter().cloned().collect(),
            channels: self.channels.iter().cloned().collect(),
            conversations: HashMap::new(),
            may,
        }
    }
}

/// The numbers of the conversations that some entries are about, by one statement.
pub(super) fn number(rx: &mut Rx, rows: &[Logged], names: &mut Names) -> Result<(), Failure> {
    let ids: HashSet<ConversationId> = rows.iter().filter_map(|row| row.conversation).collect();
    let ids: Vec<ConversationId> = ids.into_iter().collect();
    let found = store::conversations::list_numbers(rx, &ids)?;
    names.conversations = found.into_iter().map(|(id, (number, _))| (id, number)).collect();
    Ok(())
}
