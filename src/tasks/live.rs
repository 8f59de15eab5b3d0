//! Hearing what other instances and processes change, so that open pages follow.

use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::store::Db;

/// The shortest pause before listening is tried again.
const SOON: Duration = Duration::from_millis(250);
/// The longest.
const LATER: Duration = Duration::from_secs(10);
/// Who listened for so long did not fail at once.
const GOOD: Duration = Duration::from_secs(30);

/// Listens until it is told to stop. What is missed while the connection is lost is made good by telling every page that
/// something may have changed.
pub fn start(db: &Db, mut stop: watch::Receiver<bool>) -> JoinHandle<()> {
    let db = db.clone();
    tokio::spawn(async move {
        let mut pause = SOON;
        loop {
            let begun = Instant::now();
            tokio::select! {
                heard = db.listen() => if let Err(failure) = heard {
                    tracing::warn!(error = %failure, "changes of other instances are not heard; trying again");
                },
                _ = stop.changed() => return,
            }
            pause = if begun.elapsed() > GOOD { SOON } else { (pause * 2).min(LATER) };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = stop.changed() => return,
            }
        }
    })
}
