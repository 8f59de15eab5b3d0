//! The program itself, without a browser: its commands, what it says when it cannot start, and what becomes of work when
//! it is killed.

mod commands;
mod crashes;
mod faults;
mod instances;
mod mail;
