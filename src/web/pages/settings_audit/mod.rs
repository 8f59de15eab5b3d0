//! Settings → Audit log: everything that was recorded, searched, read and exported (E-1, E-2).

mod export;
mod named;
mod page;

pub use export::{Format, entries, export, file};
pub use page::index;
