//! The command line.

mod account;
mod backup;
mod bench;
mod check;
mod client;
mod contact;
mod copy;
mod demo;
mod export;
mod follow;
mod health;
mod import;
mod list;
mod man;
mod mcp;
mod migrate;
mod output;
mod progress;
mod reindex;
mod serve;
mod suppression;
mod token;
mod user;
mod webhook;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory, Parser, Subcommand};

use self::output::{FAULTS, failed, found_faults, is_quiet, note, print, write};
use crate::config::{DEFAULT_FILE, Flags, LogFormat, Settings};
use domain::clock::{Clock, SystemClock, Timestamp};
use domain::id::ObjectId;
use domain::version::version;
use storage::{Role, Storage};
use stores::database::Database;

/// Store contacts on your own server
#[derive(Debug, Parser)]
#[command(version = version(), max_term_width = 100)]
struct Arguments {
    /// Print errors and results only: no progress, no notes
    #[arg(long, short, global = true)]
    quiet: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API and the console
    #[command(after_help = "Example:\n  rollbook serve --database rollbook.db")]
    Serve(serve::Arguments),
    /// Create, list and change accounts
    #[command(subcommand)]
    Account(account::Command),
    /// Manage users: roles, invitations, enable, disable
    #[command(subcommand)]
    User(user::Command),
    /// Create, list and revoke access tokens
    #[command(subcommand)]
    Token(token::Command),
    /// Create, show, rename and delete lists of contacts
    #[command(subcommand)]
    List(list::Command),
    /// Show contacts
    #[command(subcommand)]
    Contact(contact::Command),
    /// Add, find, remove, import and export suppressed addresses
    #[command(subcommand)]
    Suppression(suppression::Command),
    /// Send webhooks again
    #[command(subcommand)]
    Webhook(webhook::Command),
    /// Import a file of contacts into a list, or undo the last import
    #[command(
        after_help = "Example:\n  ROLLBOOK_TOKEN=rb_… rollbook import people.csv --list 5d9155bad132d5f45a4e38b1"
    )]
    Import(import::Arguments),
    /// Export the contacts of a list
    #[command(
        after_help = "Example:\n  ROLLBOOK_TOKEN=rb_… rollbook export --list 5d9155bad132d5f45a4e38b1 -o people.csv"
    )]
    Export(export::Arguments),
    /// Print the changes of contacts, one line of JSON each
    #[command(
        after_help = "Example:\n  ROLLBOOK_TOKEN=rb_… rollbook follow --list 5d9155bad132d5f45a4e38b1 --cursor-file crm.cursor"
    )]
    Follow(follow::Arguments),
    /// Serve the tools of MCP on standard input and output, for an assistant
    #[command(after_help = "Example:\n  ROLLBOOK_TOKEN=rb_… rollbook mcp --url https://contacts.example.com")]
    Mcp(mcp::Arguments),
    /// Serve a store with invented people, and show the path of a batch
    #[command(after_help = "Example:\n  rollbook demo")]
    Demo(demo::Arguments),
    /// Measure rates, latencies, CPU, memory and disk of a server
    #[command(after_help = "Example:\n  rollbook bench --contacts 1000000 --workload update,half")]
    Bench(bench::Arguments),
    /// Back up a store into one file, also while it is served
    #[command(after_help = "Example:\n  rollbook backup /backups/monday --database rollbook.db")]
    Backup(backup::BackupArguments),
    /// Restore a store from a backup
    #[command(after_help = "Example:\n  rollbook restore /backups/monday --database rollbook.db")]
    Restore(backup::RestoreArguments),
    /// Verify a store, also while it is served
    #[command(after_help = "Example:\n  rollbook check --database rollbook.db")]
    Check(check::Arguments),
    /// Upgrade the schema of a store; `serve` does so by itself
    #[command(
        after_help = "Example:\n  rollbook migrate --database postgres://rollbook@db.example.com/contacts"
    )]
    Migrate(migrate::Arguments),
    /// Copy a store from files to PostgreSQL
    #[command(
        after_help = "Example:\n  rollbook copy --from rollbook.db --to postgres://rollbook@db.example.com/contacts"
    )]
    Copy(copy::Arguments),
    /// Build the search index again, also while the store is served
    #[command(after_help = "Example:\n  rollbook reindex --database rollbook.db")]
    Reindex(reindex::Arguments),
    /// Check the health of the server of these settings
    #[command(after_help = "Example:\n  rollbook health --ready --config /etc/rollbook/rollbook.toml")]
    Health(health::Arguments),
    /// Print the completions of a shell
    #[command(after_help = "Example:\n  rollbook completions bash > /etc/bash_completion.d/rollbook")]
    Completions(man::CompletionsArguments),
    /// Print the manual page, or write the pages of all commands
    #[command(after_help = "Example:\n  rollbook man --dir /usr/local/share/man/man1")]
    Man(man::ManArguments),
    /// Print the default configuration file, with every setting explained
    #[command(after_help = "Example:\n  rollbook config > rollbook.toml")]
    Config,
}

/// Where a command finds the store.
#[derive(Clone, Debug, clap::Args)]
struct StoreArguments {
    /// Path or postgres://… [default: rollbook.db; env: ROLLBOOK_DATABASE]
    #[arg(long, value_name = "STORE")]
    database: Option<String>,
    /// Configuration file, see `rollbook config`
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// The error of a command: a sentence for the user.
type Result<T = ()> = std::result::Result<T, String>;

/// The command line as clap knows it: for tests, manual pages and completions.
#[must_use]
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    output::set_quiet(arguments.quiet);
    let result = match arguments.command {
        Command::Serve(arguments) => block_on(serve::run(arguments)),
        Command::Account(command) => block_on(account::run(command)),
        Command::User(command) => block_on(user::run(command)),
        Command::Token(command) => block_on(token::run(command)),
        Command::List(command) => block_on(list::run(command)),
        Command::Contact(command) => block_on(contact::run(command)),
        Command::Suppression(command) => block_on(suppression::run(command)),
        Command::Webhook(command) => block_on(webhook::run(command)),
        Command::Import(arguments) => return import::main(arguments),
        Command::Export(arguments) => return export::main(arguments),
        Command::Follow(arguments) => return follow::main(arguments),
        Command::Mcp(arguments) => block_on(mcp::run(arguments)),
        Command::Demo(arguments) => block_on(demo::run(arguments)),
        Command::Bench(arguments) => return found_faults(block_on(bench::run(arguments))),
        Command::Backup(arguments) => backup::backup(arguments),
        Command::Restore(arguments) => backup::restore(arguments),
        Command::Check(arguments) => return found_faults(block_on(check::run(arguments))),
        Command::Migrate(arguments) => block_on(migrate::run(arguments)),
        Command::Copy(arguments) => block_on(copy::run(arguments)),
        Command::Reindex(arguments) => block_on(reindex::run(arguments)),
        Command::Health(arguments) => block_on(health::run(arguments)),
        Command::Completions(arguments) => man::completions(&arguments),
        Command::Man(arguments) => man::man(&arguments),
        Command::Config => {
            print(DEFAULT_FILE.trim_end());
            Ok(())
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => failed(&sentence),
    }
}

fn block_on<T>(command: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(command)
}

/// The same for a command that tells files apart.
fn block_on_any<T>(command: impl Future<Output = files::Result<T>>) -> files::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| files::Error::Message(error.to_string()))?.block_on(command)
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

    /// Opens the store that is there, whether or not it is being served: a mistyped path makes none.
    async fn open(&self) -> Result<Arc<dyn Storage>> {
        if let Database::Files(path) = self.settings()?.database
            && !sqlite::exists(&path)
        {
            let text = "`rollbook serve` and `rollbook account create` make one";
            return Err(format!("there is no store at {}; {text}", path.display()));
        }
        self.open_or_make().await
    }

    /// Opens the store, and creates it if it does not exist.
    async fn open_or_make(&self) -> Result<Arc<dyn Storage>> {
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

/// The error of a command if an id names nothing.
fn found(there: bool, what: &str, id: impl std::fmt::Display) -> Result {
    if there { Ok(()) } else { Err(format!("there is no {what} {id}")) }
}

/// Starts the log, to standard error.
fn start_log(settings: &Settings) -> Result {
    let filter = tracing_subscriber::EnvFilter::try_new(&settings.log);
    let mut filter = filter.map_err(|error| format!("log: {error}"))?;
    if !settings.log.contains("rmcp") {
        // At `info` it logs messages of clients, several lines for each request.
        filter = filter.add_directive("rmcp=error".parse().map_err(|error| format!("log: {error}"))?);
    }
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match settings.log_format {
        LogFormat::Text => log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init(),
        LogFormat::Json => log.json().try_init(),
    };
    started.map_err(|error| error.to_string())
}
