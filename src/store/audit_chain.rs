//! The chain over the audit trail: sealing what is new, and reading it back to be checked. The events themselves are
//! never touched but for their seal.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};

use super::db::{AnyConn, Ax, Rx, insert_new};
use super::schema::audit_chains::dsl as c;
use super::schema::audit_events::dsl as a;
use super::types::{AnyId, At};
use crate::domain::audit_chain::{Content, Seal, Sealed};
use crate::domain::ids::WorkspaceId;
use crate::failure::Failure;

#[derive(Queryable, Selectable)]
#[diesel(table_name = super::schema::audit_events)]
struct Row {
    id: i64,
    workspace_id: AnyId,
    at: At,
    actor_kind: String,
    actor_id: Option<AnyId>,
    cause: Option<String>,
    job_id: Option<AnyId>,
    name: String,
    subject_kind: String,
    subject_id: Option<AnyId>,
    conversation_id: Option<i64>,
    from_user_id: Option<AnyId>,
    to_user_id: Option<AnyId>,
    from_team_id: Option<AnyId>,
    to_team_id: Option<AnyId>,
    details: String,
}

impl Row {
    fn read(self) -> Content {
        let id = |id: Option<AnyId>| id.map(|id| id.0);
        Content {
            id: self.id,
            workspace: self.workspace_id.0,
            at: self.at.0,
            actor_kind: self.actor_kind,
            actor: id(self.actor_id),
            cause: self.cause,
            job: id(self.job_id),
            name: self.name,
            subject_kind: self.subject_kind,
            subject: id(self.subject_id),
            conversation: self.conversation_id,
            from: (id(self.from_user_id), id(self.from_team_id)),
            to: (id(self.to_user_id), id(self.to_team_id)),
            details: self.details,
        }
    }
}

/// The next workspace, in order of ids, that has events without a seal.
///
/// # Errors
/// Trouble with the database.
pub fn find_unsealed(ax: &mut Ax, after: Option<WorkspaceId>) -> Result<Option<WorkspaceId>, Failure> {
    Ok(a::audit_events
        .filter(a::seq.is_null())
        .filter(a::workspace_id.gt(after.unwrap_or(WorkspaceId::NIL)))
        .order(a::workspace_id)
        .limit(1)
        .select(a::workspace_id)
        .first(ax.conn)
        .optional()?)
}

/// Written in each arm anew, because a query belongs to one database as soon as it loads whole rows.
macro_rules! unsealed {
    ($workspace:expr, $limit:expr) => {
        a::audit_events
            .filter(a::workspace_id.eq($workspace))
            .filter(a::seq.is_null())
            .order(a::id)
            .limit($limit)
            .select(Row::as_select())
    };
}

/// Seals the oldest events of a workspace that have no seal yet, so many at most; says how many there were.
///
/// What commits late, with a smaller row than others, is sealed late. Of two instances at once the second waits.
///
/// # Errors
/// [`Failure::Corrupt`] if there is a chain but not its end, or trouble with the database.
pub fn seal(ax: &mut Ax, workspace: WorkspaceId, limit: i64) -> Result<usize, Failure> {
    let end = lock_end(ax, workspace)?;
    let rows: Vec<Row> = match ax.conn {
        AnyConn::Sqlite(conn) => unsealed!(workspace, limit).load(conn)?,
        // Rows that are just being stripped of an address are left for the next time: nobody waits in a circle.
        AnyConn::Pg(conn) => unsealed!(workspace, limit).for_no_key_update().skip_locked().load(conn)?,
    };
    let (mut ids, mut numbers, mut hashes) = (Vec::new(), Vec::new(), Vec::new());
    let mut at = end;
    for row in rows {
        let content = row.read();
        let seq = at.seq + 1;
        at = Seal { seq, hash: content.seal(seq, &at.hash) };
        ids.push(content.id);
        numbers.push(seq);
        hashes.push(at.hash.clone());
    }
    if ids.is_empty() {
        return Ok(0);
    }
    set_seals(ax, &ids, &numbers, &hashes)?;
    diesel::update(c::audit_chains.filter(c::workspace_id.eq(workspace)))
        .set((c::sealed.eq(at.seq), c::hash.eq(&at.hash)))
        .execute(ax.conn)?;
    Ok(ids.len())
}

fn lock_end(ax: &mut Ax, workspace: WorkspaceId) -> Result<Seal, Failure> {
    let query = c::audit_chains.filter(c::workspace_id.eq(workspace)).select((c::sealed, c::hash));
    for _ in 0..2 {
        let found: Vec<(i64, String)> = match ax.conn {
            AnyConn::Sqlite(conn) => query.load(conn)?,
            AnyConn::Pg(conn) => query.for_no_key_update().load(conn)?,
        };
        if let Some((seq, hash)) = found.into_iter().next() {
            return Ok(Seal { seq, hash });
        }
        // A chain begins only where there is none: an end that was taken away must not be made up again. Whoever finds
        // none because another instance is just beginning one looks once more.
        if find_last(&mut ax.within(workspace))? == 0 {
            let beginning = Seal::beginning();
            insert_new!(
                ax.conn,
                c::audit_chains,
                (c::workspace_id.eq(workspace), c::sealed.eq(beginning.seq), c::hash.eq(beginning.hash))
            )?;
        }
    }
    Err(Failure::Corrupt("audit_chains", format!("the end of the chain of {workspace} is missing")))
}

fn set_seals(ax: &mut Ax, ids: &[i64], numbers: &[i64], hashes: &[String]) -> Result<(), Failure> {
    match ax.conn {
        AnyConn::Sqlite(conn) => {
            for ((id, seq), hash) in ids.iter().zip(numbers).zip(hashes) {
                diesel::update(a::audit_events.filter(a::id.eq(id)))
                    .set((a::seq.eq(seq), a::hash.eq(hash)))
                    .execute(conn)?;
            }
        }
        AnyConn::Pg(conn) => {
            diesel::sql_query(
                "UPDATE audit_events SET seq = s.seq, hash = s.hash \
                 FROM unnest($1, $2, $3) AS s(id, seq, hash) WHERE audit_events.id = s.id",
            )
            .bind::<Array<BigInt>, _>(ids)
            .bind::<Array<BigInt>, _>(numbers)
            .bind::<Array<Text>, _>(hashes)
            .execute(conn)?;
        }
    }
    Ok(())
}

/// Where the workspace's chain ends, if one has begun.
///
/// # Errors
/// Trouble with the database.
pub fn find_end(rx: &mut Rx) -> Result<Option<Seal>, Failure> {
    let found: Option<(i64, String)> = c::audit_chains
        .filter(c::workspace_id.eq(rx.workspace()))
        .select((c::sealed, c::hash))
        .first(rx.conn)
        .optional()?;
    Ok(found.map(|(seq, hash)| Seal { seq, hash }))
}

/// The highest number that an event of the workspace has; 0 if none is sealed.
///
/// # Errors
/// Trouble with the database.
pub fn find_last(rx: &mut Rx) -> Result<i64, Failure> {
    let last: Option<Option<i64>> = a::audit_events
        .filter(a::workspace_id.eq(rx.workspace()))
        .filter(a::seq.is_not_null())
        .order(a::seq.desc())
        .limit(1)
        .select(a::seq)
        .first(rx.conn)
        .optional()?;
    Ok(last.flatten().unwrap_or(0))
}

/// The hash of one event of the chain.
///
/// # Errors
/// Trouble with the database.
pub fn find_hash(rx: &mut Rx, seq: i64) -> Result<Option<String>, Failure> {
    let hash: Option<Option<String>> = a::audit_events
        .filter(a::workspace_id.eq(rx.workspace()))
        .filter(a::seq.eq(seq))
        .select(a::hash)
        .first(rx.conn)
        .optional()?;
    Ok(hash.flatten())
}

/// The events of the chain after a number and up to another, in order, so many at most.
///
/// # Errors
/// Trouble with the database.
pub fn list(rx: &mut Rx, after: i64, until: i64, limit: i64) -> Result<Vec<Sealed>, Failure> {
    let rows: Vec<(Option<i64>, Option<String>, Row)> = a::audit_events
        .filter(a::workspace_id.eq(rx.workspace()))
        .filter(a::seq.is_not_null())
        .filter(a::seq.gt(after))
        .filter(a::seq.le(until))
        .order((a::seq, a::id))
        .limit(limit)
        .select((a::seq, a::hash, Row::as_select()))
        .load(rx.conn)?;
    Ok(rows
        .into_iter()
        .map(|(seq, hash, row)| Sealed {
            seq: seq.unwrap_or_default(),
            hash: hash.unwrap_or_default(),
            content: row.read(),
        })
        .collect())
}
