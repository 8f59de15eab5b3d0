//! The sample workspace that `baton demo` shows.

pub mod people;
pub mod random;
pub mod threads;

/// Placeholder until the writer lands.
pub struct Login;
/// Placeholder until the writer lands.
///
/// # Errors
/// None.
pub fn fill(_: &crate::store::Db, _: u64, _: usize) -> Result<Vec<Login>, crate::failure::Failure> {
    Ok(vec![])
}
/// Placeholder until the writer lands.
#[must_use]
pub fn print_logins(_: &[Login]) -> String {
    String::new()
}
