//! The verbs of the product: each one transaction, each demanding the permission that it needs. No SQL, no HTTP.

pub mod absences;
pub mod audit;
pub mod bulk;
mod bulk_changes;
pub mod channel_mail;
pub mod channels;
pub mod composing;
pub mod conversations;
pub mod drafts;
pub mod inactivity;
pub mod incoming;
pub mod invite_lists;
pub mod invites;
pub mod mail_loops;
pub mod profiles;
pub mod removal;
pub mod returned_mail;
pub mod roles;
pub mod saved_views;
pub mod sessions;
pub mod spreading;
pub mod team_members;
pub mod teams;
pub mod throttle;
pub mod users;
pub mod users_bulk;
pub mod workspaces;
