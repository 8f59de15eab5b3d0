//! Teams that are deleted: closed at once, gone when their conversations have moved and nothing can be put back any more.

use diesel::dsl::{exists, not};
use diesel::prelude::*;

use super::db::{Ax, Rx, Tx, load_doomed};
use super::schema::{bulk_jobs, channels, conversations, teams};
use super::types::At;
use crate::domain::ids::{ChannelId, JobId, TeamId};
use crate::domain::teams::Team;
use crate::domain::text::key;
use crate::failure::Failure;

/// Closes a team: from now on it is found nowhere, gets nothing more, and its name is free.
///
/// # Errors
/// Trouble with the database.
pub fn set_closed(tx: &mut Tx, team: TeamId, to: TeamId, job: JobId) -> Result<(), Failure> {
    let (workspace, now) = (tx.workspace(), At(tx.now()));
    diesel::update(teams::table.filter(teams::workspace_id.eq(workspace)).filter(teams::id.eq(team)))
        .set((
            teams::closed_at.eq(Some(now)),
            teams::closed_to.eq(Some(to)),
            teams::closed_job.eq(Some(job)),
            teams::name_key.eq(format!("closed:{team}")),
        ))
        .execute(tx.write())?;
    Ok(())
}

/// Opens a closed team again, under its name.
///
/// # Errors
/// [`crate::domain::teams::TeamRefusal::NameTaken`], or trouble with the database.
pub fn set_open(tx: &mut Tx, team: &Team) -> Result<(), Failure> {
    let workspace = tx.workspace();
    let nowhere: (Option<At>, Option<TeamId>, Option<JobId>) = (None, None, None);
    diesel::update(teams::table.filter(teams::workspace_id.eq(workspace)).filter(teams::id.eq(team.id)))
        .set((
            teams::closed_at.eq(nowhere.0),
            teams::closed_to.eq(nowhere.1),
            teams::closed_job.eq(nowhere.2),
            teams::name_key.eq(key(&team.name)),
            teams::version.eq(team.version + 1),
        ))
        .execute(tx.write())
        .map_err(|error| super::teams::taken(error, &team.name))?;
    Ok(())
}

/// A closed team and where its conversations go, locked until the end of the unit of work.
///
/// # Errors
/// Trouble with the database.
pub fn lock(tx: &mut Tx, id: TeamId) -> Result<Option<(Team, TeamId)>, Failure> {
    let workspace = tx.workspace();
    type Row = (String, String, i64, Option<TeamId>);
    let rows: Vec<Row> = load_doomed!(
        tx,
        Row,
        teams::table
            .filter(teams::workspace_id.eq(workspace))
            .filter(teams::id.eq(id))
            .filter(teams::closed_at.is_not_null())
            .select((teams::name, teams::description, teams::version, teams::closed_to))
    )?;
    let read = |(name, description, version, to): Row| Some((Team { id, name, description, version }, to?));
    Ok(rows.into_iter().next().and_then(read))
}

/// The name of a closed team whose conversations are still on their way to this one.
///
/// # Errors
/// Trouble with the database.
pub fn find_arriving(rx: &mut Rx, to: TeamId) -> Result<Option<String>, Failure> {
    Ok(teams::table
        .inner_join(bulk_jobs::table.on(teams::closed_job.eq(bulk_jobs::id.nullable())))
        .filter(teams::workspace_id.eq(rx.workspace()))
        .filter(teams::closed_to.eq(to))
        .filter(bulk_jobs::finished_at.is_null())
        .select(teams::name)
        .first(rx.conn)
        .optional()?)
}

/// How many conversations of any status name a team.
///
/// # Errors
/// Trouble with the database.
pub fn count_left(rx: &mut Rx, id: TeamId) -> Result<i64, Failure> {
    Ok(conversations::table
        .filter(conversations::workspace_id.eq(rx.workspace()))
        .filter(conversations::team_id.eq(id))
        .count()
        .get_result(rx.conn)?)
}

/// Lets the channels that send their conversations to a team send them to another one; says which.
///
/// # Errors
/// Trouble with the database.
pub fn set_channels(tx: &mut Tx, from: TeamId, to: TeamId) -> Result<Vec<ChannelId>, Failure> {
    let workspace = tx.workspace();
    let rows: Vec<ChannelId> = load_doomed!(
        tx,
        ChannelId,
        channels::table
            .filter(channels::workspace_id.eq(workspace))
            .filter(channels::default_team_id.eq(from))
            .order(channels::id)
            .select(channels::id)
    )?;
    diesel::update(channels::table.filter(channels::workspace_id.eq(workspace)).filter(channels::id.eq_any(&rows)))
        .set((
            channels::default_team_id.eq(to),
            channels::former_team_id.eq(from),
            channels::version.eq(channels::version + 1),
        ))
        .execute(tx.write())?;
    Ok(rows)
}

/// Lets channels send their conversations to a team again that came back, unless they were told otherwise since; says which.
///
/// # Errors
/// Trouble with the database.
pub fn set_channels_back(tx: &mut Tx, team: TeamId, from: TeamId) -> Result<Vec<ChannelId>, Failure> {
    let workspace = tx.workspace();
    let rows: Vec<ChannelId> = load_doomed!(
        tx,
        ChannelId,
        channels::table
            .filter(channels::workspace_id.eq(workspace))
            .filter(channels::default_team_id.eq(from))
            .filter(channels::former_team_id.eq(team))
            .order(channels::id)
            .select(channels::id)
    )?;
    let none: Option<TeamId> = None;
    diesel::update(channels::table.filter(channels::workspace_id.eq(workspace)).filter(channels::id.eq_any(&rows)))
        .set((
            channels::default_team_id.eq(team),
            channels::former_team_id.eq(none),
            channels::version.eq(channels::version + 1),
        ))
        .execute(tx.write())?;
    Ok(rows)
}

/// Removes closed teams that hold nothing, when they can't be brought back any more.
///
/// # Errors
/// Trouble with the database.
pub fn delete_closed(ax: &mut Ax) -> Result<usize, Failure> {
    let now = At(ax.now());
    let held = conversations::table.filter(conversations::team_id.eq(teams::id.nullable()));
    let wanted = channels::table.filter(channels::default_team_id.eq(teams::id.nullable()));
    let doomed: Vec<TeamId> = teams::table
        .inner_join(bulk_jobs::table.on(teams::closed_job.eq(bulk_jobs::id.nullable())))
        .filter(bulk_jobs::finished_at.is_not_null())
        .filter(bulk_jobs::undo_until.lt(now))
        .filter(not(exists(held)))
        .filter(not(exists(wanted)))
        .select(teams::id)
        .load(ax.conn)?;
    // Whoever brings one back at this instant is told that the time for it ended.
    Ok(diesel::delete(teams::table.filter(teams::id.eq_any(doomed)).filter(teams::closed_at.is_not_null()))
        .execute(ax.conn)?)
}
