//! later
//!
