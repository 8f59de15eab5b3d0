//! `audit verify`.

use crate::domain::audit_chain::Seal;
use crate::domain::text::counted;
use crate::store::{Db, anywhere};
use crate::tasks;

pub(super) fn verify(db: &Db, slug: Option<&str>, seal: Option<&str>) -> Result<(), String> {
    let kept = match seal {
        None => None,
        Some(text) => Some(
            Seal::parse(text)
                .ok_or("--seal: write it as it was printed, a number, a colon and 64 letters and digits.")?,
        ),
    };
    let all = match slug {
        Some(slug) => vec![super::workspace::find(db, Some(slug))?],
        None => db.look_anywhere_now(anywhere::list_workspaces).map_err(|failure| failure.to_string())?,
    };
    let mut findings = 0;
    for workspace in &all {
        let name = format!("{} ({})", workspace.name, workspace.slug);
        let checked =
            tasks::audit::verify(db, workspace.id, kept.as_ref(), |finding| super::say(&format!("{name}: {finding}")))
                .map_err(|failure| failure.to_string())?;
        let events = counted(checked.seal.seq, "event", "events");
        match checked.findings {
            0 => super::say(&format!("{name}: {events}, nothing changed or missing. Seal {}", checked.seal)),
            wrong => {
                super::say(&format!("{name}: {} in a chain of {events}.", counted(int(wrong), "problem", "problems")));
                findings += wrong;
            }
        }
    }
    if findings == 0 {
        return Ok(());
    }
    Err(format!(
        "The audit trail was tampered with ({}). Compare it with a backup or an export.",
        counted(int(findings), "problem", "problems")
    ))
}

fn int(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
