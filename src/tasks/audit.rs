//! Sealing the audit trail, and checking it (E-2).

use std::time::Duration;

use crate::domain::audit_chain::{Finding, Seal, Walk};
use crate::domain::ids::WorkspaceId;
use crate::failure::Failure;
use crate::store::db::blocking;
use crate::store::{Db, audit_chain};

/// How many events are sealed in one transaction: few enough that nobody waits noticeably for the end of it.
const BATCH: i64 = 200;
/// How long others have their turn between two batches.
const PAUSE: Duration = Duration::from_millis(15);
/// How many events are read at once to be checked.
const PAGE: i64 = 1_000;

/// Seals a batch of events in every workspace that has some without a seal; says how many it sealed.
///
/// # Errors
/// Trouble with the database.
pub async fn seal_due(db: &Db) -> Result<usize, Failure> {
    let db = db.clone();
    let sealed = blocking(move || seal_round(&db)).await?;
    if sealed > 0 {
        tokio::time::sleep(PAUSE).await;
    }
    Ok(sealed)
}

/// A chain that cannot go on does not hold up the others.
fn seal_round(db: &Db) -> Result<usize, Failure> {
    let (mut sealed, mut after) = (0, None);
    while let Some(workspace) = db.look_anywhere_now(|ax| audit_chain::find_unsealed(ax, after))? {
        match db.anywhere_now(|ax| audit_chain::seal(ax, workspace, BATCH)) {
            Ok(count) => sealed += count,
            Err(failure) => tracing::error!(error = %failure, %workspace, "events cannot be sealed"),
        }
        after = Some(workspace);
    }
    Ok(sealed)
}

/// Seals everything that has no seal yet.
///
/// # Errors
/// Trouble with the database.
pub fn seal_all(db: &Db) -> Result<(), Failure> {
    while seal_round(db)? > 0 {}
    Ok(())
}

/// What came out of checking a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Where the chain ends.
    pub seal: Seal,
    /// How many things are wrong with it.
    pub findings: usize,
}

/// Seals what is new in a workspace and goes along its chain, a page at a time; says each thing that is wrong with it.
/// `kept` is a seal from an earlier check.
///
/// # Errors
/// Trouble with the database.
pub fn verify(
    db: &Db,
    workspace: WorkspaceId,
    kept: Option<&Seal>,
    mut say: impl FnMut(&Finding),
) -> Result<Checked, Failure> {
    let mut findings = 0;
    let mut found = |finding: &Finding| {
        findings += 1;
        say(finding);
    };
    loop {
        match db.anywhere_now(|ax| audit_chain::seal(ax, workspace, BATCH)) {
            Ok(0) => break,
            Ok(_) => {}
            // A missing end is said below.
            Err(Failure::Corrupt(..)) => break,
            Err(Failure::Database(error)) => {
                found(&Finding::Unsealed { why: error.to_string() });
                break;
            }
            Err(failure) => return Err(failure),
        }
    }
    // The numbers first, the end afterwards: while others go on sealing, the end is never behind.
    let last = db.read_now(workspace, audit_chain::find_last)?;
    let end = db.read_now(workspace, audit_chain::find_end)?;
    let until = end.as_ref().map_or(last, |end| end.seq);
    let mut walk = Walk::default();
    loop {
        let after = walk.at().seq;
        let page = db.read_now(workspace, |rx| audit_chain::list(rx, after, until, PAGE))?;
        if page.is_empty() {
            break;
        }
        for next in &page {
            walk.step(next).iter().for_each(&mut found);
        }
    }
    match &end {
        Some(end) => {
            walk.end(end).iter().for_each(&mut found);
            if last > end.seq {
                found(&Finding::Beyond { sealed: end.seq, last });
            }
        }
        None if last > 0 => found(&Finding::NoEnd),
        None => {}
    }
    if let Some(kept) = kept {
        let hash = db.read_now(workspace, |rx| audit_chain::find_hash(rx, kept.seq))?;
        if hash.as_ref() != Some(&kept.hash) {
            found(&Finding::OtherSeal { seq: kept.seq });
        }
    }
    Ok(Checked { seal: walk.at().clone(), findings })
}
