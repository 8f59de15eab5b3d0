//! Baton's integration tests: one binary, so that there is one thing to link. Everything that touches a database is
//! written once and runs on SQLite and on PostgreSQL; see `support::on_both!`.
//!
//! Start them with `bin/test`, or with `bin/postgres run -- cargo test --test it`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on shall stop with a message"
)]

mod support;

mod architecture;
mod audit;
mod bulk;
mod bulk_changes;
mod conversation_merges;
mod http;
mod live;
mod mail_aside;
mod mail_imap;
mod mail_in;
mod mail_lmtp;
mod mail_out;
mod mail_reports;
mod migrations;
mod model;
mod people;
mod races;
mod store;
