//! Conversations as a test describes them.

use baton::domain::conversations::{Priority, StatusChange};
use baton::domain::ids::{ChannelId, ConversationId, ConversationNumber, TeamId, UserId};
use baton::failure::Failure;
use baton::store::{self, Tx};
use chrono::{DateTime, Utc};

/// A conversation to be made.
#[derive(Clone, Debug)]
pub struct Draft {
    pub channel: ChannelId,
    pub contact: String,
    pub subject: String,
    pub holder: (Option<UserId>, Option<TeamId>),
    pub change: Option<StatusChange>,
    pub priority: Option<Priority>,
    pub waiting: Option<DateTime<Utc>>,
    pub tags: Vec<String>,
}

impl Draft {
    pub fn subject(mut self, subject: &str) -> Self {
        self.subject = subject.to_owned();
        self
    }

    pub fn assignee(mut self, who: UserId) -> Self {
        self.holder.0 = Some(who);
        self
    }

    pub fn team(mut self, team: TeamId) -> Self {
        self.holder.1 = Some(team);
        self
    }

    pub fn now(mut self, change: StatusChange) -> Self {
        self.change = Some(change);
        self
    }

    pub fn make(&self, tx: &mut Tx) -> Result<(ConversationId, ConversationNumber), Failure> {
        use store::conversations as c;
        let contact = store::contacts::find_or_insert(tx, &self.contact, "Harriet Cole")?;
        let new =
            c::New { channel: self.channel, contact, subject: &self.subject, team: self.holder.1, continues: None };
        let (id, number) = c::insert(tx, &new)?;
        let lock = |tx: &mut Tx| Ok::<_, Failure>(c::lock_many(tx, &[id])?.remove(0));
        if self.holder.0.is_some() {
            let one = lock(tx)?;
            c::set_holder(tx, &one, self.holder)?;
        }
        if let Some(change) = self.change {
            let until = if let StatusChange::Snooze(until) = change { Some(until) } else { None };
            let one = lock(tx)?;
            c::set_status(tx, &one, change.to(), until)?;
        }
        if let Some(priority) = self.priority {
            let one = lock(tx)?;
            c::set_priority(tx, &one, priority)?;
        }
        if self.waiting.is_some() {
            c::set_activity(tx, id, "", self.waiting)?;
        }
        for tag in &self.tags {
            let tag = store::tags::find_or_insert(tx, tag)?;
            store::tags::insert_on(tx, id, tag)?;
        }
        Ok((id, number))
    }
}
