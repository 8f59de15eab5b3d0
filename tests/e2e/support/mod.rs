//! What the browser tests are written with, and those of the program that need no browser.

pub mod app;
pub mod axe;
pub mod browser;
pub mod command;
#[path = "../../it/support/db.rs"]
pub mod db;
pub mod dovecot;
pub mod driver;
pub mod process;
pub mod sample;
pub mod smtp;
pub mod visitor;
