//! The program. Everything is in the library, so that tests can reach it.

use std::process::ExitCode;

use clap::Parser as _;

/// A page is many small strings and rows; the system's allocator takes a quarter of the time that one costs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match baton::cli::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("{sentence}");
            ExitCode::FAILURE
        }
    }
}
