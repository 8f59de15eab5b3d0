//! Tests of the running program: through Chromium, without Node, and on its command line. `bin/test` installs what they
//! need.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod a11y;
mod harness;
mod journeys;
mod mails;
mod program;
mod support;
