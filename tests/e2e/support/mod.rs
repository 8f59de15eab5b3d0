//! What the browser tests are written with.

pub mod app;
pub mod axe;
pub mod browser;
pub mod driver;
pub mod process;
pub mod smtp;
