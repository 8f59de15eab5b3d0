//! The store: what its queries answer, on both databases.

mod counts;
mod inbox;
