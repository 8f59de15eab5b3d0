//! Tests of the running program through Chromium, without Node. `bin/test` installs what they need.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod a11y;
mod harness;
mod journeys;
mod mails;
mod support;
