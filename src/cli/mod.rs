//! The command line.

mod account;
mod backup;
mod bench;
mod check;
mod client;
mod copy;
mod demo;
mod export;
mod health;
mod import;
mod migrate;
mod progress;
mod serve;
mod token;
mod user;
mod webhook;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};

use crate::clock::{Clock, SystemClock, Timestamp};
use crate::config::{DEFAULT_FILE, Flags, LogFormat, Settings};
use crate::files;
use crate::id::ObjectId;
use crate::storage::database::Database;
use crate::storage::{Role, Storage};

/// A contact-data server to host yourself.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API
    Serve(serve::Arguments),
    /// Make, list and change accounts
    #[command(subcommand)]
    Account(account::Command),
    /// Enable and disable users, and let them into the console
    #[command(subcommand)]
    User(user::Command),
    /// Make, list and revoke access tokens
    #[command(subcommand)]
    Token(token::Command),
    /// Send status webhooks again
    #[command(subcommand)]
    Webhook(webhook::Command),
    /// Import a file of contacts (CSV or XLSX) into a list
    Import(import::Arguments),
    /// Export the contacts of a list
    Export(export::Arguments),
    /// Show the whole path of a batch on a store of its own, and stay up for your own tries
    Demo(demo::Arguments),
    /// Measure what a contact costs a server: rates, latencies, CPU, memory, disk
    Bench(bench::Arguments),
    /// Copy a store into one file, also while it is served
    Backup(backup::BackupArguments),
    /// Put a backup in place as a store
    Restore(backup::RestoreArguments),
    /// See whether a store is as it must be, also while it is served
    Check(check::Arguments),
    /// Bring the store to the present schema; `serve` does so by itself
    Migrate(migrate::Arguments),
    /// Move a store from files to PostgreSQL
    Copy(copy::Arguments),
    /// Ask the server of these settings how it is: for health checks, which need no other program then
    Health(health::Arguments),
    /// Print the default configuration file, with every setting explained
    Config,
}

/// Where a command finds the store.
#[derive(Clone, Debug, clap::Args)]
struct StoreArguments {
    /// The store: a path, or postgres://… [default: rollbook.db; also ROLLBOOK_DATABASE]
    #[arg(long, value_name = "STORE")]
    database: Option<String>,
    /// A configuration file, see `rollbook config`
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// What a command fails with: a sentence for whoever typed it.
type Result<T = ()> = std::result::Result<T, String>;

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        Command::Serve(arguments) => block_on(serve::run(arguments)),
        Command::Account(command) => block_on(account::run(command)),
        Command::User(command) => block_on(user::run(command)),
        Command::Token(command) => block_on(token::run(command)),
        Command::Webhook(command) => block_on(webhook::run(command)),
        Command::Import(arguments) => return import::main(arguments),
        Command::Export(arguments) => return export::main(arguments),
        Command::Demo(arguments) => block_on(demo::run(arguments)),
        Command::Bench(arguments) => block_on(bench::run(arguments)),
        Command::Backup(arguments) => backup::backup(arguments),
        Command::Restore(arguments) => backup::restore(arguments),
        Command::Check(arguments) => block_on(check::run(arguments)),
        Command::Migrate(arguments) => block_on(migrate::run(arguments)),
        Command::Copy(arguments) => block_on(copy::run(arguments)),
        Command::Health(arguments) => block_on(health::run(arguments)),
        Command::Config => {
            print(DEFAULT_FILE.trim_end());
            Ok(())
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("rollbook: {sentence}");
            ExitCode::FAILURE
        }
    }
}

fn block_on(command: impl Future<Output = Result>) -> Result {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(command)
}

/// The same for a command that tells files apart.
fn block_on_any<T>(command: impl Future<Output = files::Result<T>>) -> files::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| files::Error::Told(error.to_string()))?.block_on(command)
}

/// A line to standard output. Whoever reads it may have gone (`rollbook … | head`), and then needs no more.
fn print(line: &str) {
    use std::io::Write;
    if writeln!(std::io::stdout(), "{line}").is_err() {
        std::process::exit(0);
    }
}

impl StoreArguments {
    fn settings(&self) -> Result<Settings> {
        let flags = Flags { database: self.database.clone(), ..Flags::default() };
        Settings::load(self.config.as_deref(), flags)
    }

    /// The path of a store in files; on PostgreSQL there is something else in place of the command.
    fn files(&self, instead: &str) -> Result<PathBuf> {
        match self.settings()?.database {
            Database::Files(path) => Ok(path),
            Database::Postgres(_) => Err(format!("the store is on PostgreSQL, which has {instead}")),
        }
    }

    /// Opens the store for a small change, whether or not it is being served.
    async fn open(&self) -> Result<Arc<dyn Storage>> {
        let settings = self.settings()?;
        let store = settings.database.open(Role::Command, &settings.sqlite()).await;
        store.map_err(|error| error.to_string())
    }
}

fn now() -> Timestamp {
    SystemClock.now()
}

fn parse_id(text: &str) -> std::result::Result<ObjectId, String> {
    ObjectId::parse(text).ok_or_else(|| "an id has 24 hex digits".to_owned())
}

/// What a command says where an id names nothing.
fn found(there: bool, what: &str, id: impl std::fmt::Display) -> Result {
    if there { Ok(()) } else { Err(format!("there is no {what} {id}")) }
}

/// Starts the log, to standard error.
fn start_log(settings: &Settings) -> Result {
    let filter = tracing_subscriber::EnvFilter::try_new(&settings.log);
    let filter = filter.map_err(|error| format!("log: {error}"))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match settings.log_format {
        LogFormat::Text => log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init(),
        LogFormat::Json => log.json().try_init(),
    };
    started.map_err(|error| error.to_string())
}
