//! Baton: a self-hosted support workspace in which nobody's work is left behind.
//!
//! Layer is the folder, noun is the file, verb is the function. `domain` decides and knows no database, web or clock;
//! `store` is all SQL; `actions` are the product's verbs; `web`, `tasks` and `cli` are doors to them. The living map is
//! `docs/architecture.md`.

pub mod actions;
pub mod app;
pub mod cli;
pub mod config;
pub mod demo;
pub mod domain;
pub mod failure;
pub mod files;
pub mod mail;
pub mod store;
pub mod tasks;
pub mod telemetry;
pub mod web;
