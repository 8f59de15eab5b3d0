//! The audit log: exporting it is recorded in it.

use crate::domain::access::{Can, administration};
use crate::domain::audit::Event;
use crate::failure::Failure;
use crate::store::{Recorded, Tx};

/// Records that the log, as narrowed by a filter, leaves Baton.
///
/// # Errors
/// None at present.
pub fn export(
    tx: &mut Tx,
    _: &Can<administration::ExportAudit>,
    format: &'static str,
    filter: &str,
) -> Result<Recorded<()>, Failure> {
    Ok(tx.record(Event::AuditExported { format, filter: filter.to_owned() }))
}
