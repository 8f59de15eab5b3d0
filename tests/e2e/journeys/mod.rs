//! What people do with Baton, from the first page to the last.

mod counts;
mod drafts;
mod keyboard;
mod leaving;
mod live;
mod reassigning;
mod without_script;
