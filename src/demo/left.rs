//! What somebody typed who can no longer send it.

use crate::domain::access::{Scope, Sees};
use crate::domain::conversations::ChannelKind;
use crate::domain::drafts::{Draft, next_version};
use crate::domain::inbox::{Assignee, Filter, Sort, Statuses};
use crate::failure::Failure;
use crate::store::{self, Db};

/// So many conversations are looked through for one that is answered by mail.
const LOOK: usize = 50;

const BODY: &str = "Hello,\n\nthank you for waiting. I asked the warehouse, and the replacement leaves today. As soon as I have the \
     tracking number";

pub(super) fn insert(db: &Db, scope: &Scope) -> Result<(), Failure> {
    db.write_now(scope, |tx| {
        let filter = Filter { assignee: Some(Assignee::Inactive), ..Filter::of(Statuses::OpenAndSnoozed) };
        let held = store::inbox::list(tx, &filter, &Sees::All, Sort::Newest, None, LOOK)?.rows;
        let channels = store::channels::list(tx)?;
        let by_mail = |id| channels.iter().any(|one| one.id == id && one.kind == ChannelKind::Email);
        let one = held.iter().map(|row| &row.conversation).find(|one| by_mail(one.channel));
        if let Some((one, author)) = one.and_then(|one| Some((one, one.assignee?))) {
            let at = one.last_activity_at;
            let draft = Draft {
                author,
                body: BODY.to_owned(),
                note: false,
                version: next_version(None, at),
                composer: String::new(),
                turn: 0,
                begun_by: None,
                updated_at: at,
            };
            store::drafts::set(tx, one.id, None, &draft)?;
        }
        Ok(tx.unrecorded((), "what somebody has typed and not sent is theirs"))
    })
}
