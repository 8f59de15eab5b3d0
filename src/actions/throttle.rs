//! Guessing is slowed down (S-6). What is tried is counted as a failure before the password is looked at, which takes a
//! while: however many try at once, each finds the others counted, and only as many as are allowed get to try.

use chrono::TimeDelta;

use crate::domain::logins::{FAILURES, FAILURES_OF_AN_ADDRESS, Limit, LoginRefusal, network, wait, wait_in_words};
use crate::failure::Failure;
use crate::store::{Ax, logins};

/// Counts an attempt to log in, as a failure until it succeeds; says which one it is.
///
/// # Errors
/// [`LoginRefusal::TooMany`], or trouble with the database.
pub fn begin_login(ax: &mut Ax, new: &logins::NewAttempt) -> Result<i64, Failure> {
    logins::lock_names(ax, &[new.account_hash, &network(new.address)])?;
    let (of_account, of_address) = logins::list_failures(ax, new.account_hash, new.address)?;
    let now = ax.now();
    let waiting = wait(&of_account, FAILURES, now).max(wait(&of_address, FAILURES_OF_AN_ADDRESS, now));
    match waiting {
        Some(waiting) => Err(LoginRefusal::TooMany(wait_in_words(waiting)).into()),
        None => logins::insert(ax, new),
    }
}

/// Counts one more of what these limit, if all of them let it through.
///
/// # Errors
/// `refuse` with the wait in words, or trouble with the database.
pub fn knock(ax: &mut Ax, limits: &[Limit], refuse: fn(String) -> LoginRefusal) -> Result<(), Failure> {
    let names: Vec<&str> = limits.iter().map(|limit| limit.key_hash.as_str()).collect();
    logins::lock_names(ax, &names)?;
    let now = ax.now();
    let mut longest: Option<TimeDelta> = None;
    for limit in limits {
        longest = longest.max(wait(&logins::list_knocks(ax, &limit.key_hash)?, limit.allowed, now));
    }
    match longest {
        Some(waiting) => Err(refuse(wait_in_words(waiting)).into()),
        None => logins::insert_knocks(ax, &names),
    }
}

/// Whoever typed the right password has not been guessing.
///
/// # Errors
/// Trouble with the database.
pub fn forget(ax: &mut Ax, limit: &Limit) -> Result<(), Failure> {
    logins::delete_knocks(ax, &limit.key_hash)
}
