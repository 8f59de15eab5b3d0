//! What several pages show: the frame, people, times.

pub mod audit;
pub mod chrome;
pub mod events;
pub mod pager;
pub mod person;
pub mod plan;
pub mod role_events;
pub mod time;
pub mod user_events;
