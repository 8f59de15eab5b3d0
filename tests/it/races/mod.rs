//! What happens when people are quick: real threads, on both databases, over several instances.

mod absences;
mod assign;
mod bulk;
mod doors;
mod invites;
mod owners;
mod removal;
mod roles;
mod sending;
mod snooze;
