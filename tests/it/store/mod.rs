//! The store: what its queries answer, on both databases.

mod counts;
mod inbox;
mod keys;
mod logins;
mod paging;
mod plans;
mod queues;
mod roster;
mod scope;
mod search;
mod users;
