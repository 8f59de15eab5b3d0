//! All SQL: domain types in, domain types out. Every query is bound to a workspace, but for those of `anywhere`.

pub mod absences;
pub mod anywhere;
pub mod audit;
pub mod audit_chain;
pub mod audit_log;
pub mod bulk_jobs;
pub mod channels;
pub mod contacts;
pub mod conversations;
pub mod counts;
pub mod db;
pub mod errors;
pub mod import;
pub mod inactivity;
pub mod inbox;
pub mod invites;
pub mod logins;
pub mod messages;
pub mod migrations;
pub mod outbox;
pub mod people;
mod pg;
pub mod received_mails;
pub mod removal;
pub mod retention;
pub mod roles;
mod schema;
pub mod sessions;
mod statements;
pub mod tags;
pub mod tasks;
pub mod teams;
pub mod types;
pub mod users;
pub mod workspaces;

pub use db::{Ax, Db, Recorded, Rx, Tx};
