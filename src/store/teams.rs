//! Teams and their members. Every query of this file starts at [`ours`] or at the members of this workspace. A team that is
//! deleted is found nowhere here ([`super::team_closing`]).

use std::collections::HashMap;

use diesel::dsl::auto_type;
use diesel::prelude::*;

use super::among::load_among;
use super::db::{Rx, Tx, insert_in_parts, insert_new, load_doomed, load_kept, load_locked};
use super::errors::{UniqueKey, unique_key};
use super::schema::{channels, team_members, teams, users};
use super::types::At;
use crate::domain::ids::{TeamId, UserId, WorkspaceId};
use crate::domain::teams::{Place, Team, TeamRefusal};
use crate::domain::users::{Name, Status};
use crate::failure::Failure;

#[auto_type]
fn ours(workspace: WorkspaceId) -> _ {
    teams::table.filter(teams::workspace_id.eq(workspace)).filter(teams::closed_at.is_null())
}

type Row = (TeamId, String, String, i64);

fn read((id, name, description, version): Row) -> Team {
    Team { id, name, description, version }
}

/// All teams, by name.
///
/// # Errors
/// Trouble with the database.
pub fn list(rx: &mut Rx) -> Result<Vec<Team>, Failure> {
    let rows: Vec<Row> = ours(rx.workspace())
        .order((teams::name_key, teams::id))
        .select((teams::id, teams::name, teams::description, teams::version))
        .load(rx.conn)?;
    Ok(rows.into_iter().map(read).collect())
}

/// A team of this workspace.
///
/// # Errors
/// Trouble with the database.
pub fn find(rx: &mut Rx, id: TeamId) -> Result<Option<Team>, Failure> {
    let row: Option<Row> = ours(rx.workspace())
        .filter(teams::id.eq(id))
        .select((teams::id, teams::name, teams::description, teams::version))
        .first(rx.conn)
        .optional()?;
    Ok(row.map(read))
}

/// The team, locked until the end of the unit of work.
///
/// # Errors
/// [`Failure::NotFound`], or trouble with the database.
pub fn lock(tx: &mut Tx, id: TeamId) -> Result<Team, Failure> {
    let workspace = tx.workspace();
    let rows: Vec<Row> = load_locked!(
        tx,
        Row,
        ours(workspace).filter(teams::id.eq(id)).select((teams::id, teams::name, teams::description, teams::version))
    )?;
    rows.into_iter().next().map(read).ok_or(Failure::NotFound)
}

/// The team, locked so that nothing more can be given to it: it is to be deleted.
///
/// # Errors
/// [`Failure::NotFound`], or trouble with the database.
pub fn lock_to_delete(tx: &mut Tx, id: TeamId) -> Result<Team, Failure> {
    let workspace = tx.workspace();
    let rows: Vec<Row> = load_doomed!(
        tx,
        Row,
        ours(workspace).filter(teams::id.eq(id)).select((teams::id, teams::name, teams::description, teams::version))
    )?;
    rows.into_iter().next().map(read).ok_or(Failure::NotFound)
}

/// Which of some teams there are; these stay until the end of the unit of work.
///
/// # Errors
/// Trouble with the database.
pub fn lock_targets(tx: &mut Tx, wanted: &[TeamId]) -> Result<Vec<TeamId>, Failure> {
    let workspace = tx.workspace();
    Ok(load_kept!(tx, TeamId, ours(workspace).filter(teams::id.eq_any(wanted)).order(teams::id).select(teams::id))?)
}

/// A member of a team.
#[derive(Clone, Debug)]
pub struct Member {
    /// In which team.
    pub team: TeamId,
    /// Who.
    pub user: UserId,
    /// Their names.
    pub name: Name,
    /// Their address.
    pub email: String,
    /// Whether they can log in.
    pub status: Status,
    /// Whether they lead.
    pub is_lead: bool,
}

impl Member {
    /// Their place, as the rules need to know it.
    #[must_use]
    pub fn place(&self) -> Place {
        (self.user, self.status == Status::Active, self.is_lead)
    }
}

type MemberRow = (TeamId, UserId, String, String, String, String, bool);

/// Members of all teams, or of one: leads first, then by name. Invited users are no members yet.
///
/// # Errors
/// Trouble with the database.
pub fn list_members(rx: &mut Rx, only: Option<TeamId>) -> Result<Vec<Member>, Failure> {
    let mut query = team_members::table
        .inner_join(users::table.on(users::id.eq(team_members::user_id)))
        .filter(team_members::workspace_id.eq(rx.workspace()))
        .filter(users::status.ne(Status::Invited.as_str()))
        .order((team_members::is_lead.desc(), users::name_key, users::id))
        .select((
            team_members::team_id,
            users::id,
            users::full_name,
            users::display_name,
            users::email,
            users::status,
            team_members::is_lead,
        ))
        .into_boxed::<super::db::MultiBackend>();
    if let Some(team) = only {
        query = query.filter(team_members::team_id.eq(team));
    }
    let rows: Vec<MemberRow> = query.load(rx.conn)?;
    rows.into_iter()
        .map(|(team, user, full, display, email, status, is_lead)| {
            let status = Status::parse(&status).ok_or_else(|| Failure::Corrupt("users.status", status.clone()))?;
            Ok(Member { team, user, name: Name { full, display }, email, status, is_lead })
        })
        .collect()
}

/// Which teams some users are in.
///
/// # Errors
/// Trouble with the database.
pub fn list_of_users(rx: &mut Rx, members: &[UserId]) -> Result<HashMap<UserId, Vec<TeamId>>, Failure> {
    let workspace = rx.workspace();
    let rows = load_among!(
        rx.conn,
        (UserId, TeamId),
        team_members::table
            .inner_join(teams::table.on(teams::id.eq(team_members::team_id)))
            .filter(team_members::workspace_id.eq(workspace))
            .filter(teams::closed_at.is_null())
            .order(teams::name_key)
            .select((team_members::user_id, team_members::team_id)),
        team_members::user_id,
        members
    )?;
    let mut held: HashMap<UserId, Vec<TeamId>> = HashMap::new();
    for (user, team) in rows {
        held.entry(user).or_default().push(team);
    }
    Ok(held)
}

/// Adds a team.
///
/// # Errors
/// [`TeamRefusal::NameTaken`], or trouble with the database.
pub fn insert(tx: &mut Tx, name: &str, description: &str) -> Result<TeamId, Failure> {
    let (id, workspace, now): (TeamId, _, _) = (tx.new_id(), tx.workspace(), At(tx.now()));
    diesel::insert_into(teams::table)
        .values((
            teams::id.eq(id),
            teams::workspace_id.eq(workspace),
            teams::name.eq(name),
            teams::name_key.eq(crate::domain::text::key(name)),
            teams::description.eq(description),
            teams::version.eq(1),
            teams::created_at.eq(now),
        ))
        .execute(tx.write())
        .map_err(|error| taken(error, name))?;
    Ok(id)
}

pub(super) fn taken(error: diesel::result::Error, name: &str) -> Failure {
    match unique_key(&error) {
        Some(UniqueKey::TeamName) => TeamRefusal::NameTaken(name.to_owned()).into(),
        _ => error.into(),
    }
}

/// Renames a team.
///
/// # Errors
/// [`TeamRefusal::NameTaken`], or trouble with the database.
pub fn set_name(tx: &mut Tx, team: &Team, name: &str, description: &str) -> Result<(), Failure> {
    let workspace = tx.workspace();
    diesel::update(teams::table.filter(teams::workspace_id.eq(workspace)).filter(teams::id.eq(team.id)))
        .set((
            teams::name.eq(name),
            teams::name_key.eq(crate::domain::text::key(name)),
            teams::description.eq(description),
            teams::version.eq(team.version + 1),
        ))
        .execute(tx.write())
        .map_err(|error| taken(error, name))?;
    Ok(())
}

/// Removes a team that holds nothing.
///
/// # Errors
/// Trouble with the database.
pub fn delete(tx: &mut Tx, id: TeamId) -> Result<(), Failure> {
    let workspace = tx.workspace();
    diesel::delete(teams::table.filter(teams::workspace_id.eq(workspace)).filter(teams::id.eq(id)))
        .execute(tx.write())?;
    Ok(())
}

/// How many conversations of any status name the team, and which channel sends its conversations there.
///
/// # Errors
/// Trouble with the database.
pub fn count_holdings(rx: &mut Rx, id: TeamId) -> Result<(i64, Option<String>), Failure> {
    let held = super::team_closing::count_left(rx, id)?;
    let channel = channels::table
        .filter(channels::workspace_id.eq(rx.workspace()))
        .filter(channels::default_team_id.eq(id))
        .select(channels::name)
        .first(rx.conn)
        .optional()?;
    Ok((held, channel))
}

/// Adds a member; says whether they were none before.
///
/// # Errors
/// Trouble with the database.
pub fn insert_member(tx: &mut Tx, team: TeamId, user: UserId) -> Result<bool, Failure> {
    let (workspace, now) = (tx.workspace(), At(tx.now()));
    let added = insert_new!(
        tx.write(),
        team_members::table,
        (
            team_members::workspace_id.eq(workspace),
            team_members::team_id.eq(team),
            team_members::user_id.eq(user),
            team_members::is_lead.eq(false),
            team_members::joined_at.eq(now),
        )
    )?;
    Ok(added > 0)
}

/// Puts users who are in no team yet into teams, in a few statements however many there are.
///
/// # Errors
/// Trouble with the database.
pub fn insert_members(tx: &mut Tx, members: &[(TeamId, UserId)]) -> Result<(), Failure> {
    let (workspace, now) = (tx.workspace(), At(tx.now()));
    let rows: Vec<_> = members
        .iter()
        .map(|(team, user)| {
            (
                team_members::workspace_id.eq(workspace),
                team_members::team_id.eq(*team),
                team_members::user_id.eq(*user),
                team_members::is_lead.eq(false),
                team_members::joined_at.eq(now),
            )
        })
        .collect();
    insert_in_parts!(tx, team_members::table, 5, rows);
    Ok(())
}

/// Removes a member; says whether they were one.
///
/// # Errors
/// Trouble with the database.
pub fn delete_member(tx: &mut Tx, team: TeamId, user: UserId) -> Result<bool, Failure> {
    let workspace = tx.workspace();
    let removed = diesel::delete(
        team_members::table
            .filter(team_members::workspace_id.eq(workspace))
            .filter(team_members::team_id.eq(team))
            .filter(team_members::user_id.eq(user)),
    )
    .execute(tx.write())?;
    Ok(removed > 0)
}

/// Makes a member lead, or no longer; says whether that changed anything.
///
/// # Errors
/// Trouble with the database.
pub fn set_lead(tx: &mut Tx, team: TeamId, user: UserId, lead: bool) -> Result<bool, Failure> {
    let workspace = tx.workspace();
    let changed = diesel::update(
        team_members::table
            .filter(team_members::workspace_id.eq(workspace))
            .filter(team_members::team_id.eq(team))
            .filter(team_members::user_id.eq(user))
            .filter(team_members::is_lead.ne(lead)),
    )
    .set(team_members::is_lead.eq(lead))
    .execute(tx.write())?;
    Ok(changed > 0)
}
