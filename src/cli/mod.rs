//! Commands. Each opens the same database as the server and goes through the same verbs.

mod audit;
mod mail_in;
mod serve;
mod workspace;

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Parser, Subcommand};

use crate::config::{Config, Settings};
use crate::domain::clock::{SystemClock, SystemEntropy};
use crate::store::{Db, migrations};

/// Baton: a support workspace in which nobody’s work is left behind.
#[derive(Parser, Debug)]
#[command(name = "baton", version, about, long_about = None)]
pub struct Cli {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Start the server (the default); on an empty database, print the set-up link
    Serve,
    /// Start on a throw-away database with a sample workspace, and print the log-ins
    Demo {
        /// How many open conversations the sample has
        #[arg(long, default_value_t = 2000)]
        conversations: usize,
        /// Another number makes another sample
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Print a new set-up link, while there is no workspace
    SetupLink,
    /// Make a workspace
    Workspace {
        #[command(subcommand)]
        command: WorkspaceCommand,
    },
    /// Change a user
    User {
        #[command(subcommand)]
        command: UserCommand,
    },
    /// Bring the database up to date
    Migrate,
    /// Take a mail in from standard input
    IngestMail {
        /// The channel’s address
        #[arg(long)]
        channel: String,
        /// The workspace’s address name, if the channel’s address is used in several
        #[arg(long)]
        workspace: Option<String>,
    },
    /// Take in all mails of an mbox file
    ImportMbox {
        /// The file
        file: PathBuf,
        /// The channel’s address
        #[arg(long)]
        channel: String,
        /// The workspace’s address name, if the channel’s address is used in several
        #[arg(long)]
        workspace: Option<String>,
    },
    /// Look at the audit trail
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Look for what is wrong with this installation
    Doctor,
}

#[derive(Subcommand, Debug)]
enum AuditCommand {
    /// Check that no recorded event was changed or taken out; exit with 1 if one was
    Verify {
        /// The workspace’s address name; all of them unless given
        #[arg(long)]
        workspace: Option<String>,
        /// A seal that an earlier check printed, to be found again
        #[arg(long, requires = "workspace")]
        seal: Option<String>,
    },
}

#[derive(Subcommand, Debug)]
enum WorkspaceCommand {
    /// Make a workspace and its Owner; the password is read from standard input
    Create {
        /// Its name
        #[arg(long)]
        name: String,
        /// The Owner’s full name
        #[arg(long)]
        owner_name: String,
        /// The Owner’s address
        #[arg(long)]
        owner_email: String,
    },
}

#[derive(Subcommand, Debug)]
enum UserCommand {
    /// Set a user’s password; it is read from standard input
    ResetPassword {
        /// Their address
        #[arg(long)]
        email: String,
        /// The workspace’s address name, if there are several
        #[arg(long)]
        workspace: Option<String>,
    },
}

impl Cli {
    /// Runs the command.
    ///
    /// # Errors
    /// A sentence that says what to change.
    pub fn run(self) -> Result<(), String> {
        let demo = matches!(self.command, Some(Command::Demo { .. }));
        let config = Config::check(&self.settings, demo)?;
        match self.command.unwrap_or(Command::Serve) {
            Command::Serve => serve::serve(config),
            Command::Demo { conversations, seed } => serve::demo(config, conversations, seed),
            Command::SetupLink => serve::setup_link(&config),
            Command::Migrate => open(&config).map(|_| say("The database is up to date.")),
            Command::Doctor => serve::doctor(&config),
            Command::Audit { command: AuditCommand::Verify { workspace, seal } } => {
                audit::verify(&open(&config)?, workspace.as_deref(), seal.as_deref())
            }
            Command::Workspace { command: WorkspaceCommand::Create { name, owner_name, owner_email } } => {
                workspace::create(&open_beside(&config)?, &name, &owner_name, &owner_email)
            }
            Command::User { command: UserCommand::ResetPassword { email, workspace } } => {
                workspace::reset_password(&open_beside(&config)?, &email, workspace.as_deref())
            }
            Command::IngestMail { channel, workspace } => {
                mail_in::ingest(&config, &open_beside(&config)?, &channel, workspace.as_deref())
            }
            Command::ImportMbox { file, channel, workspace } => {
                mail_in::import(&config, &open_beside(&config)?, &file, &channel, workspace.as_deref())
            }
        }
    }
}

/// Opens the database and brings it up to date.
fn open(config: &Config) -> Result<Db, String> {
    config.prepare_data_dir()?;
    let clock = Arc::new(SystemClock::ahead_by(config.clock_offset));
    let db = Db::open(&config.database, clock, Arc::new(SystemEntropy))?;
    migrations::run(&db)?;
    Ok(db)
}

/// The same for a command that changes something while a server may run on the same database.
fn open_beside(config: &Config) -> Result<Db, String> {
    let db = open(config)?;
    db.live().tell_the_server();
    Ok(db)
}

/// Prints a line. Whoever has closed standard output does not want to know; that ends no server.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// The first line of standard input.
fn read_line() -> Result<String, String> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).map_err(|error| format!("Standard input cannot be read: {error}."))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
