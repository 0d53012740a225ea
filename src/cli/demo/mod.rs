//! `rollbook demo`: a store with invented people, served, and the path of a batch through it.

mod client;
mod example;
mod fill;
mod people;
mod receiver;

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::serve::{listen, open, run_server, stop_signal};
use super::{Result, account, now, print, start_log};
use crate::config::{Flags, Settings};
use crate::console::first_link;
use crate::http::serve;
use crate::storage::Storage;
use client::Client;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Directory of the demo's store, created if it does not exist
    #[arg(default_value = "rollbook-demo")]
    directory: PathBuf,
    /// Address to listen at [default: 127.0.0.1:8080, else a free port]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Open the console in a browser
    #[arg(long)]
    open: bool,
    /// Print the example's request, answer, webhook and contact in full
    #[arg(long)]
    verbose: bool,
}

/// The state that a second run needs: a file in the demo's directory, readable by its owner only.
#[derive(Debug, Serialize, Deserialize)]
struct State {
    access_token: String,
    webhook_secret: String,
    source_id: Option<String>,
    /// The list of the example, and of most people.
    customers: Option<String>,
    /// The list that is imported from a file.
    newsletter: Option<String>,
    /// Whether the lists have their people.
    #[serde(default)]
    filled: bool,
}

pub async fn run(arguments: Arguments) -> Result {
    std::fs::create_dir_all(&arguments.directory)
        .map_err(|error| format!("{}: {error}", arguments.directory.display()))?;
    let database = arguments.directory.join("rollbook.db");
    let flags = Flags {
        listen: arguments.listen.clone(),
        metrics_listen: None,
        database: Some(database.display().to_string()),
        // The demo's own receiver is on this machine.
        webhook_allow: vec!["127.0.0.0/8".to_owned()],
    };
    let mut settings = Settings::load(None, flags)?;
    // The demo prints its own report.
    settings.log = "error".to_owned();
    start_log(&settings)?;
    let storage = open(&settings).await?;
    let state = load_or_create(storage.as_ref(), &arguments.directory).await?;
    let listener = match listen(&settings) {
        Err(_) if arguments.listen.is_none() => {
            TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?
        }
        listener => listener?,
    };
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let url = settings.public_url(address);
    let link = first_link(storage.as_ref(), &url, now()).await.map_err(|error| error.to_string())?;
    let handle = serve::Handle::new();
    let server = tokio::spawn({
        let handle = handle.clone();
        async move { run_server(storage, &settings, listener, None, handle).await }
    });
    let (client, url) = (Client::new(address, &state.access_token), url.to_string());
    let shown = tokio::select! {
        shown = show(&arguments, link.as_deref(), &url, &client, state) => Some(shown),
        () = stop_signal() => None,
    };
    if let Some(Ok(())) = shown {
        stop_signal().await;
    }
    serve::stop(&handle);
    server.await.map_err(|error| error.to_string())??;
    shown.unwrap_or(Ok(()))
}

/// Prints the way in, fills the lists, and shows the example.
async fn show(
    arguments: &Arguments,
    link: Option<&str>,
    url: &str,
    client: &Client,
    mut state: State,
) -> Result {
    let directory = arguments.directory.as_path();
    match link {
        Some(link) => print(&format!("Console     {link}\n            signs you in, once, within 24 hours")),
        None => print(&format!("Console     {url}")),
    }
    print(&format!("API         {0}/v3, described at {0}/docs", client.base()));
    print(&format!("Store       {}\n", directory.display()));
    if arguments.open {
        open_browser(link.unwrap_or(url));
    }
    fill::make_lists(client, &mut state, directory).await?;
    let lists = fill::Lists::of(&state)?;
    if state.filled {
        print("Customers   as an earlier run and you have left them\nNewsletter  the same\n");
    } else {
        for line in fill::fill(client, &lists, directory).await? {
            print(&line);
        }
        print("");
        state.filled = true;
        save(&state, directory)?;
    }
    let source = state.source_id.as_deref().unwrap_or_default();
    example::show(client, (lists.customers.as_str(), source), &state.webhook_secret, arguments.verbose)
        .await?;
    print(&format!("\nNow you:\n\n{}\n", client.curl_line(&lists.customers)));
    print("Rollbook serves until you press Ctrl-C. The next run keeps your changes.");
    Ok(())
}

/// Opens a page in the user's browser. The link is an argument of that command for a moment, which other users of the
/// machine can see; it works once.
fn open_browser(page: &str) {
    let mut command = std::process::Command::new("xdg-open");
    let quiet = std::process::Stdio::null;
    if let Err(error) = command.arg(page).stdout(quiet()).stderr(quiet()).spawn() {
        eprintln!("rollbook: xdg-open: {error}");
    }
}

fn path(directory: &Path) -> PathBuf {
    directory.join("demo.json")
}

async fn load_or_create(storage: &dyn Storage, directory: &Path) -> Result<State> {
    let path = path(directory);
    match std::fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let created = account::create(storage, "Demo").await?;
            let state = State {
                access_token: created.access_token,
                webhook_secret: created.webhook_secret,
                source_id: None,
                customers: None,
                newsletter: None,
                filled: false,
            };
            save(&state, directory)?;
            Ok(state)
        }
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

fn save(state: &State, directory: &Path) -> Result {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let path = path(directory);
    let text = serde_json::to_string_pretty(state).map_err(|error| error.to_string())?;
    let file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| format!("{}: {error}", path.display()))
}
