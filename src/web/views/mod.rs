//! What several pages show: the frame, people, times.

pub mod chrome;
pub mod events;

pub mod person;
pub mod time;
