//! The rules of the product: pure, without database, web or clock.

pub mod absences;
pub mod access;
pub mod assignment;
pub mod audit;
pub mod audit_chain;
pub mod audit_filter;
pub mod bulk;
pub mod channels;
pub mod clock;
pub mod conversations;
pub mod explain;
pub mod ids;
pub mod inactivity;
pub mod inbox;
pub mod invites;
pub mod logins;
pub mod passwords;
pub mod plans;
pub mod removal;
pub mod roles;
pub mod secrets;
pub mod snooze;
pub mod teams;
pub mod text;
pub mod users;
pub mod workspaces;
