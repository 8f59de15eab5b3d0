//! One address family each: its forms, handlers and view structs, in that order.

pub mod accept;
pub mod login;
pub mod password;
pub mod profile;
pub mod settings_invites;
pub mod settings_outbox;
pub mod settings_teams;
pub mod settings_user;
pub mod settings_user_status;
pub mod settings_users;
pub mod setup;
