//! The product as browsers see it: pages, forms, fragments, on both databases.

mod absences;
mod access;
mod audit;
mod channel_mail;
mod channels;
mod deletion;
mod doors;
mod drafts;
mod foreign_ids;
mod guards;
mod inbox;
mod invite_lists;
mod invites;
mod profile;
mod removal;
mod roles;
mod saved_views;
mod sessions;
mod settings;
mod statements;
mod teams;
mod users;
mod users_bulk;
mod users_lists;
mod visibility;
mod ways;
