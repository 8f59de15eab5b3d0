//! The sample workspace that `baton demo` shows.

pub mod people;
pub mod random;
pub mod threads;
