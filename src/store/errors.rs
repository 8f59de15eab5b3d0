//! Which unique key a write ran into, told from either database's error.

use diesel::result::{DatabaseErrorKind, Error};

/// The unique keys that people can run into.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UniqueKey {
    /// An address, in one workspace.
    UserEmail,
    /// A role's name.
    RoleName,
    /// A team's name.
    TeamName,
    /// A workspace's name in addresses.
    WorkspaceSlug,
    /// The same form, posted twice.
    BulkSubmission,
    /// An undo, started twice.
    BulkUndo,
    /// The same mail, received twice.
    ReceivedMail,
    /// A contact's address.
    ContactEmail,
    /// A channel's name.
    ChannelName,
    /// A channel's address.
    ChannelAddress,
    /// The address of a mail channel, in the whole installation.
    MailAddress,
}

/// PostgreSQL names the constraint; SQLite only says `table.column` in its message.
const KEYS: [(UniqueKey, &str, &str); 12] = [
    (UniqueKey::UserEmail, "users_email", "users.email_key"),
    (UniqueKey::RoleName, "roles_name", "roles.name_key"),
    (UniqueKey::TeamName, "teams_name", "teams.name_key"),
    (UniqueKey::WorkspaceSlug, "workspaces_slug_key", "workspaces.slug"),
    (UniqueKey::BulkSubmission, "bulk_jobs_submission", "bulk_jobs.submission"),
    (UniqueKey::BulkUndo, "bulk_jobs_undoes", "bulk_jobs.undoes"),
    (UniqueKey::ReceivedMail, "received_mails_once", "received_mails.sha256"),
    (UniqueKey::ReceivedMail, "received_mails_content", "received_mails.content_key"),
    (UniqueKey::ContactEmail, "contacts_email", "contacts.email_key"),
    (UniqueKey::ChannelName, "channels_name", "channels.name_key"),
    (UniqueKey::ChannelAddress, "channels_address", "channels.address_key"),
    (UniqueKey::MailAddress, "channels_mail", "channels.mail_key"),
];

/// The key, if the error is a unique violation of a known one.
#[must_use]
pub fn unique_key(error: &Error) -> Option<UniqueKey> {
    let Error::DatabaseError(DatabaseErrorKind::UniqueViolation, info) = error else {
        return None;
    };
    let (constraint, message) = (info.constraint_name(), info.message());
    KEYS.iter()
        .find(|(_, name, column)| constraint.map_or_else(|| message.contains(column), |found| found.starts_with(name)))
        .map(|(key, ..)| *key)
}
