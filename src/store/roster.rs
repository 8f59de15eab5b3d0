//! Who and what a workspace has, kept in memory between requests: its people and their standing, teams, channels, tags.
//!
//! Nearly every page names them and they seldom change. The database raises a stamp with every change (see the migration
//! of rosters), within the same transaction; each request asks for the stamp and reads anew only if it is another one. So
//! what was taken from somebody is gone with their next request, on every instance.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use diesel::prelude::*;

use super::channels::{self, Channel};
use super::db::{Db, Rx};
use super::people::{self, Standing};
use super::schema::rosters;
use super::users::{self, Brief};
use super::{saved_views, tags, teams, workspaces};
use crate::domain::ids::{ChannelId, TagId, TeamId, UserId, WorkspaceId};
use crate::domain::saved_views::SavedView;
use crate::domain::teams::Team;
use crate::domain::users::Status;
use crate::domain::workspaces::Workspace;
use crate::failure::Failure;

/// Everybody and everything of a workspace that pages name.
#[derive(Debug, Default)]
pub struct Roster {
    /// Everybody, by name; those who are gone, too.
    pub everybody: Vec<Brief>,
    /// The same by id.
    pub by_id: Arc<HashMap<UserId, Brief>>,
    /// Who cannot log in.
    pub inactive: HashSet<UserId>,
    /// Who can be given conversations, by name.
    pub assignable: Vec<Brief>,
    /// All teams, by name.
    pub teams: Vec<Team>,
    /// All channels, by name.
    pub channels: Vec<Channel>,
    /// All tags, by name.
    pub tags: Vec<(TagId, String)>,
    /// All saved views, by name; some are only for whoever saved them.
    pub views: Vec<SavedView>,
    standings: Mutex<HashMap<UserId, Arc<Standing>>>,
}

impl Roster {
    /// Of people alone.
    #[must_use]
    pub fn of(everybody: Vec<Brief>) -> Self {
        let cannot = everybody.iter().filter(|one| Status::CANNOT_LOG_IN.contains(&one.status));
        Self {
            inactive: cannot.map(|one| one.id).collect(),
            by_id: Arc::new(everybody.iter().map(|one| (one.id, one.clone())).collect()),
            everybody,
            ..Self::default()
        }
    }

    fn read(rx: &mut Rx) -> Result<Self, Failure> {
        let may = users::list_assignable_ids(rx)?;
        let people = Self::of(users::list_by_status(rx, &Status::ALL)?);
        Ok(Self {
            assignable: people.everybody.iter().filter(|one| may.contains(&one.id)).cloned().collect(),
            teams: teams::list(rx)?,
            channels: channels::list(rx)?,
            tags: tags::list(rx)?,
            views: saved_views::list(rx)?,
            ..people
        })
    }

    /// The name of a team.
    #[must_use]
    pub fn team(&self, id: TeamId) -> Option<&str> {
        self.teams.iter().find(|team| team.id == id).map(|team| team.name.as_str())
    }

    /// A channel.
    #[must_use]
    pub fn channel(&self, id: ChannelId) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.id == id)
    }

    /// The name of a tag.
    #[must_use]
    pub fn tag(&self, id: TagId) -> Option<&str> {
        self.tags.iter().find(|(tag, _)| *tag == id).map(|(_, name)| name.as_str())
    }

    fn standing(&self, rx: &mut Rx, user: UserId) -> Result<Arc<Standing>, Failure> {
        let kept = || self.standings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(standing) = kept().get(&user) {
            return Ok(standing.clone());
        }
        let standing = Arc::new(people::find_standing(rx, user)?);
        kept().insert(user, standing.clone());
        Ok(standing)
    }
}

/// The rosters that one instance remembers, each with the stamp that it was read under.
#[derive(Default)]
pub(super) struct Rosters(Mutex<HashMap<WorkspaceId, (i64, Arc<Roster>)>>);

impl Rosters {
    fn find(&self, workspace: WorkspaceId, stamp: i64) -> Option<Arc<Roster>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&workspace).filter(|(of, _)| *of == stamp).map(|(_, roster)| roster.clone())
    }

    fn keep(&self, workspace: WorkspaceId, stamp: i64, roster: &Arc<Roster>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(workspace, (stamp, roster.clone()));
    }
}

/// A workspace as one of its people sees it.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The workspace.
    pub workspace: Workspace,
    /// Everybody and everything in it.
    pub roster: Arc<Roster>,
    /// What the person may do, and where they belong.
    pub standing: Arc<Standing>,
}

/// What is around somebody: one statement, unless something changed.
///
/// # Errors
/// Trouble with the database.
pub fn find_surroundings(db: &Db, workspace: WorkspaceId, user: UserId) -> Result<Surroundings, Failure> {
    db.read_now(workspace, |rx| {
        // The stamp first: what changes while the rest is read is read again by the next request.
        let stamped = workspaces::find_stamped(rx)?;
        find_around(db, rx, user, stamped)
    })
}

/// The same, where the workspace and the stamp were read just now: no statement, unless something changed.
///
/// # Errors
/// Trouble with the database.
pub fn find_around(
    db: &Db,
    rx: &mut Rx,
    user: UserId,
    (found, stamp): (Workspace, i64),
) -> Result<Surroundings, Failure> {
    let workspace = rx.workspace();
    let roster = match db.rosters().find(workspace, stamp) {
        Some(roster) => roster,
        None => {
            let roster = Arc::new(Roster::read(rx)?);
            db.rosters().keep(workspace, stamp, &roster);
            roster
        }
    };
    let standing = roster.standing(rx, user)?;
    Ok(Surroundings { workspace: found, roster, standing })
}

/// The stamp of a workspace.
///
/// # Errors
/// Trouble with the database.
pub fn find_stamp(rx: &mut Rx) -> Result<i64, Failure> {
    Ok(rosters::table.filter(rosters::workspace_id.eq(rx.workspace())).select(rosters::stamp).first(rx.conn)?)
}
