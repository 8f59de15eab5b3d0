//! How many conversations stand where, from counters that the database keeps itself (see the first migration).

use std::collections::{HashMap, HashSet};

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::among::among;
use super::db::{AnyConn, Ax, Rx};
use super::schema::conversation_counts::dsl as c;
use crate::domain::access::Sees;
use crate::domain::conversations::Status;
use crate::domain::ids::{ChannelId, TeamId, UserId};
use crate::domain::inbox::{Assignee, Filter, Statuses, Teams};
use crate::failure::Failure;

/// One kept number. Zero ids mean "nobody".
#[derive(Clone, Debug)]
struct Cell {
    status: Status,
    assignee: UserId,
    team: TeamId,
    channel: ChannelId,
    conversations: i64,
}

type CellRow = (String, UserId, TeamId, ChannelId, i64);

/// All kept numbers of a workspace, as far as somebody may see them.
#[derive(Clone, Debug)]
pub struct Counts(Vec<Cell>);

/// Reads the numbers of these statuses.
///
/// # Errors
/// Trouble with the database.
pub fn find(rx: &mut Rx, statuses: &[Status], sees: &Sees) -> Result<Counts, Failure> {
    let names: Vec<&str> = statuses.iter().map(|status| status.as_str()).collect();
    let workspace = rx.workspace();
    // SQLite keeps one row for each number, PostgreSQL differences that are added up here.
    let rows: Vec<CellRow> = match rx.conn {
        AnyConn::Sqlite(conn) => c::conversation_counts
            .filter(c::workspace_id.eq(workspace))
            .filter(among(c::status, &names))
            .select((c::status, c::assignee_id, c::team_id, c::channel_id, c::conversations))
            .load(conn)?,
        AnyConn::Pg(conn) => c::conversation_counts
            .filter(c::workspace_id.eq(workspace))
            .filter(c::status.eq_any(names))
            .group_by((c::status, c::assignee_id, c::team_id, c::channel_id))
            .select((
                c::status,
                c::assignee_id,
                c::team_id,
                c::channel_id,
                sql::<BigInt>("CAST(sum(conversations) AS BIGINT)"),
            ))
            .load(conn)?,
    };
    let cells = rows
        .into_iter()
        .map(|(status, assignee, team, channel, conversations)| {
            let status =
                Status::parse(&status).ok_or_else(|| Failure::Corrupt("conversation_counts.status", status.clone()))?;
            Ok(Cell { status, assignee, team, channel, conversations })
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    let user = |id: UserId| (id != UserId::NIL).then_some(id);
    let team = |id: TeamId| (id != TeamId::NIL).then_some(id);
    Ok(Counts(
        cells
            .into_iter()
            .filter(|cell| cell.conversations > 0 && sees.covers(user(cell.assignee), team(cell.team), cell.channel))
            .collect(),
    ))
}

impl Counts {
    /// How many match a filter that [`Filter::is_kept_by_counters`].
    #[must_use]
    pub fn matching(&self, filter: &Filter, inactive: &HashSet<UserId>) -> i64 {
        self.cells_matching(filter, inactive).map(|cell| cell.conversations).sum()
    }

    /// The same, by who holds them; [`UserId::NIL`] is nobody.
    #[must_use]
    pub fn matching_by_person(&self, filter: &Filter, inactive: &HashSet<UserId>) -> HashMap<UserId, i64> {
        let mut held = HashMap::new();
        for cell in self.cells_matching(filter, inactive) {
            *held.entry(cell.assignee).or_insert(0) += cell.conversations;
        }
        held
    }

    fn cells_matching<'a>(
        &'a self,
        filter: &'a Filter,
        inactive: &'a HashSet<UserId>,
    ) -> impl Iterator<Item = &'a Cell> {
        self.0
            .iter()
            .filter(|cell| match filter.statuses {
                Statuses::Only(status) => cell.status == status,
                Statuses::Any => true,
                Statuses::OpenAndSnoozed => matches!(cell.status, Status::Open | Status::Snoozed),
            })
            .filter(|cell| match &filter.teams {
                None => true,
                Some(Teams::One(team)) => cell.team == *team,
                Some(Teams::Any(teams)) => teams.contains(&cell.team),
            })
            .filter(|cell| match filter.assignee {
                None => true,
                Some(Assignee::User(user)) => cell.assignee == user,
                Some(Assignee::Inactive) => inactive.contains(&cell.assignee),
                Some(Assignee::Nobody) => {
                    cell.assignee == UserId::NIL && (filter.teams.is_some() || cell.team == TeamId::NIL)
                }
            })
    }

    /// How many each person holds in a status.
    #[must_use]
    pub fn by_person(&self, status: Status) -> HashMap<UserId, i64> {
        let mut held = HashMap::new();
        for cell in self.0.iter().filter(|cell| cell.status == status && cell.assignee != UserId::NIL) {
            *held.entry(cell.assignee).or_insert(0) += cell.conversations;
        }
        held
    }

    /// How many of a team's each person holds in a status.
    #[must_use]
    pub fn by_person_in(&self, status: Status, team: TeamId) -> HashMap<UserId, i64> {
        let mut held = HashMap::new();
        let of_team = |cell: &&Cell| cell.status == status && cell.team == team && cell.assignee != UserId::NIL;
        for cell in self.0.iter().filter(of_team) {
            *held.entry(cell.assignee).or_insert(0) += cell.conversations;
        }
        held
    }

    /// How many each team has in a status.
    #[must_use]
    pub fn by_team(&self, status: Status) -> HashMap<TeamId, i64> {
        let mut held = HashMap::new();
        for cell in self.0.iter().filter(|cell| cell.status == status && cell.team != TeamId::NIL) {
            *held.entry(cell.team).or_insert(0) += cell.conversations;
        }
        held
    }

    /// How many there are of a status.
    #[must_use]
    pub fn of_status(&self, status: Status) -> i64 {
        self.0.iter().filter(|cell| cell.status == status).map(|cell| cell.conversations).sum()
    }
}

/// Folds the differences that PostgreSQL appends into one row for each number. SQLite keeps one row anyway.
///
/// # Errors
/// Trouble with the database.
pub fn fold(ax: &mut Ax) -> Result<(), Failure> {
    match ax.conn {
        AnyConn::Sqlite(_) => Ok(()),
        AnyConn::Pg(conn) => Ok(conn.batch_execute(
            "WITH gone AS (DELETE FROM conversation_counts RETURNING *)
             INSERT INTO conversation_counts
             SELECT workspace_id, status, assignee_id, team_id, channel_id, sum(conversations)
             FROM gone GROUP BY 1, 2, 3, 4, 5 HAVING sum(conversations) <> 0",
        )?),
    }
}
