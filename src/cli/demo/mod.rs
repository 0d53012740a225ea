//! `rollbook demo`: a store with invented people, served, and the path of a batch through it.

mod client;
mod example;
mod fill;
mod import;
mod past;
mod people;
mod receiver;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::serve::{listen, open, run_server, stop_signal};
use super::{Result, account, now, print, start_log};
use crate::config::{Flags, Settings};
use client::Client;
use console::first_link;
use past::Past;
use storage::Storage;
use web::serve;

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
    let (base, url) = (format!("http://{address}"), url.to_string());
    show_way_in(&arguments, link.as_deref(), (&base, &url));
    // The address is taken by now: a browser that comes early waits for its answer.
    let filled = tokio::select! {
        filled = fill(Arc::clone(&storage), &settings, state, &arguments.directory) => filled?,
        () = stop_signal() => return Ok(()),
    };
    let handle = serve::Handle::new();
    let server = tokio::spawn({
        let handle = handle.clone();
        async move { run_server(storage, &settings, listener, None, handle).await }
    });
    if arguments.open {
        open_browser(link.as_deref().unwrap_or(&url));
    }
    let client = Client::new(address, &filled.access_token);
    let shown = tokio::select! {
        shown = show(&arguments, &client, &filled) => Some(shown),
        () = stop_signal() => None,
    };
    if let Some(Ok(())) = shown {
        stop_signal().await;
    }
    serve::stop(&handle);
    server.await.map_err(|error| error.to_string())??;
    shown.unwrap_or(Ok(()))
}

/// Prints the way in: the sign-in link comes first.
fn show_way_in(arguments: &Arguments, link: Option<&str>, (base, url): (&str, &str)) {
    match link {
        Some(link) => print(&format!("Console     {link}\n            signs you in, once, within 24 hours")),
        None => print(&format!("Console     {url}")),
    }
    print(&format!("API         {base}/v3, described at {base}/docs"));
    print(&format!("Store       {}\n", arguments.directory.display()));
}

/// Fills the lists on the first run, over a week that ends now.
async fn fill(
    storage: Arc<dyn Storage>,
    settings: &Settings,
    mut state: State,
    directory: &Path,
) -> Result<State> {
    if state.filled {
        print("Customers   as an earlier run and you have left them\nNewsletter  the same\n");
        return Ok(state);
    }
    // A run that was interrupted has reached the present, or nearly so: time must not go back behind it.
    let hours = if state.customers.is_none() { fill::HOURS } else { 0 };
    let past = Past::start(storage, settings, Duration::from_secs(3_600) * hours)?;
    let client = Client::new(past.address, &state.access_token);
    fill::make_lists(&client, &mut state, directory).await?;
    for line in fill::fill(&client, &past, &fill::Lists::of(&state)?).await? {
        print(&line);
    }
    past.stop().await?;
    print("");
    state.filled = true;
    save(&state, directory)?;
    Ok(state)
}

/// Shows the example.
async fn show(arguments: &Arguments, client: &Client, state: &State) -> Result {
    let lists = fill::Lists::of(state)?;
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
