//! Former members of the demo workspace: two who were removed and one who was deleted, with something that they wrote.

use chrono::{DateTime, TimeDelta, Utc};

use super::people;
use crate::actions::removal;
use crate::domain::access::{Can, Scope, Sees};
use crate::domain::conversations::{MessageKind, Status as ConversationStatus};
use crate::domain::ids::{ConversationId, UserId};
use crate::domain::inbox::{Filter, Sort, Statuses};
use crate::domain::roles::Standard;
use crate::domain::users::Status;
use crate::failure::Failure;
use crate::store::import::{self, Message};
use crate::store::{self, Db, Tx};

/// Somebody who was here.
struct Gone {
    name: &'static str,
    display_name: &'static str,
    email: &'static str,
    deleted: bool,
}

/// Inviting one of the first two again offers to restore them.
const GONE: [Gone; 3] = [
    Gone { name: "Hanna Sjöberg", display_name: "Hanna", email: "hanna.sjoberg@fernhill.example", deleted: false },
    Gone { name: "Pavel Dvořák", display_name: "Pavel", email: "pavel.dvorak@fernhill.example", deleted: false },
    Gone { name: "Greta Lindqvist", display_name: "Greta", email: "greta.lindqvist@fernhill.example", deleted: true },
];

/// What they noted on conversations that are settled.
const NOTES: [&str; 3] = [
    "Called twice, no answer. Wrote that the replacement is on its way.",
    "The courier confirms delivery to the neighbour at number 12.",
    "Refund is done, booking shows up on Thursday.",
];

/// Notes of each.
const NOTES_EACH: usize = 2;

/// Lets them come, note something, and go: by the Owner, with the verbs of the product.
pub(super) fn insert(db: &Db, system: &Scope) -> Result<(), Failure> {
    let owner = people::ACTIVE.first().ok_or(Failure::Bug("the demo has no Owner"))?;
    let (members, owner) = db.write_now(system, |tx| {
        let members = hire(tx)?;
        let owner = store::users::find_by_email(tx, owner.email)?.ok_or(Failure::Bug("the demo has no Owner"))?.id;
        Ok(tx.unrecorded((members, owner), "the trail is written as it was left"))
    })?;
    let by_owner = Scope::on_behalf(system.workspace, owner);
    let no = || Failure::Bug("an Owner may do everything");
    for (gone, user) in GONE.iter().zip(members) {
        if gone.deleted {
            let can = Can::check(&by_owner).ok_or_else(no)?;
            let request = removal::Request { confirm: gone.email.to_owned(), deactivate: true, reason: None };
            db.write_now(&by_owner, |tx| removal::delete(tx, &can, user, None, &request))?;
        } else {
            let can = Can::check(&by_owner).ok_or_else(no)?;
            db.write_now(&by_owner, |tx| removal::remove(tx, &can, user, None))?;
        }
    }
    Ok(())
}

fn hire(tx: &mut Tx) -> Result<Vec<UserId>, Failure> {
    let since = tx.now() - TimeDelta::days(900);
    let users: Vec<import::User> = GONE
        .iter()
        .map(|gone| import::User {
            id: tx.new_id(),
            email: gone.email,
            full_name: gone.name,
            display_name: gone.display_name,
            password_hash: None,
            status: Status::Active,
            reason: None,
            status_changed_at: since,
            beta_access: false,
            last_seen_at: Some(tx.now() - TimeDelta::days(40)),
            created_at: since,
        })
        .collect();
    import::insert_users(tx, &users)?;
    let ids: Vec<UserId> = users.iter().map(|user| user.id).collect();
    let agent = store::roles::list(tx)?.into_iter().find(|role| role.standard == Some(Standard::Agent));
    let agent = agent.ok_or(Failure::Bug("the demo has no Agents"))?.id;
    let team = store::teams::list(tx)?.first().map(|team| team.id);
    for id in &ids {
        store::roles::insert_of_user(tx, *id, &[agent])?;
        if let Some(team) = team {
            store::teams::insert_member(tx, team, *id)?;
        }
    }
    let settled = settled(tx, ids.len() * NOTES_EACH)?;
    let notes: Vec<Message> = settled
        .into_iter()
        .zip(ids.iter().cycle())
        .zip(NOTES.iter().cycle())
        .map(|(((conversation, until), author), body)| Message {
            conversation,
            kind: MessageKind::Note,
            author: Some(*author),
            body,
            at: until + TimeDelta::days(1),
        })
        .collect();
    import::insert_messages(tx, &notes)?;
    Ok(ids)
}

/// Conversations that are settled, the latest first, and when something last happened there.
fn settled(tx: &mut Tx, count: usize) -> Result<Vec<(ConversationId, DateTime<Utc>)>, Failure> {
    let filter = Filter::of(Statuses::Only(ConversationStatus::Closed));
    let page = store::inbox::list(tx, &filter, &Sees::All, Sort::Newest, None, 50)?;
    let now = tx.now();
    Ok(page
        .rows
        .into_iter()
        .map(|row| (row.conversation.id, row.conversation.last_activity_at))
        .filter(|(_, at)| *at + TimeDelta::days(1) < now)
        .take(count)
        .collect())
}
