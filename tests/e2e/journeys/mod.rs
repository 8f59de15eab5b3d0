//! What people do with Baton, from the first page to the last.

mod leaving;
