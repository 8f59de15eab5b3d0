//! The program. Everything is in the library, so that tests can reach it.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    match baton::cli::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("{sentence}");
            ExitCode::FAILURE
        }
    }
}
