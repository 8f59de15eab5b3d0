//! How a mail channel is answered: the secret of its answer addresses, and whether they are given out.

use diesel::prelude::*;

use super::db::{Rx, Tx, insert_new};
use super::schema::channel_mail;
use crate::domain::ids::ChannelId;
use crate::failure::Failure;

/// How answers to a channel's replies come back.
#[derive(Clone, Debug)]
pub struct Answers {
    /// What signs the addresses.
    pub secret: String,
    /// Whether replies carry such an address.
    pub by_address: bool,
}

/// How answers come back to a channel, if it has sent anything yet.
///
/// # Errors
/// Trouble with the database.
pub fn find_answers(rx: &mut Rx, channel: ChannelId) -> Result<Option<Answers>, Failure> {
    let row: Option<(String, bool)> = channel_mail::table
        .filter(channel_mail::workspace_id.eq(rx.workspace()))
        .filter(channel_mail::channel_id.eq(channel))
        .select((channel_mail::reply_secret, channel_mail::reply_by_address))
        .first(rx.conn)
        .optional()?;
    Ok(row.map(|(secret, by_address)| Answers { secret, by_address }))
}

/// How answers come back to a channel. Its secret is made the first time.
///
/// # Errors
/// Trouble with the database.
pub fn find_or_insert_answers(tx: &mut Tx, channel: ChannelId) -> Result<Answers, Failure> {
    if let Some(answers) = find_answers(tx, channel)? {
        return Ok(answers);
    }
    let (workspace, secret) = (tx.workspace(), tx.new_secret());
    insert_new!(
        tx.write(),
        channel_mail::table,
        (
            channel_mail::channel_id.eq(channel),
            channel_mail::workspace_id.eq(workspace),
            channel_mail::reply_secret.eq(secret.reveal()),
        )
    )?;
    find_answers(tx, channel)?.ok_or(Failure::NotFound)
}
