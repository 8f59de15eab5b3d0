//! One address family each: its forms, handlers and view structs, in that order.

pub mod accept;
pub mod attachments;
pub mod conversation;
pub mod inbox;
pub mod inbox_bulk;
pub mod jobs;
pub mod login;
pub mod password;
pub mod profile;
pub mod profile_delete;
pub mod settings_audit;
pub mod settings_invites;
pub mod settings_outbox;
pub mod settings_security;
pub mod settings_teams;
pub mod settings_user;
pub mod settings_user_absence;
pub mod settings_user_removal;
pub mod settings_user_status;
pub mod settings_users;
pub mod settings_users_export;
pub mod settings_users_query;
pub mod settings_users_toolbar;
pub mod settings_workspace;
pub mod setup;
