//! `rollbook list …`: lists of a running server, over its API.

use serde_json::{Value, json};

use super::client::ServerArguments;
use super::{Result, print};

/// The most lists that one answer holds.
const PAGE: u64 = 100;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Create a list, and print its id
    #[command(after_help = "Example:\n  ROLLBOOK_TOKEN=rb_… rollbook list create Customers")]
    Create {
        /// Name of the list
        name: String,
        #[command(flatten)]
        server: ServerArguments,
    },
    /// Show the lists of the account
    #[command(after_help = "Example:\n  ROLLBOOK_TOKEN=rb_… rollbook list ls --json")]
    Ls {
        #[command(flatten)]
        server: ServerArguments,
        /// Print one JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Rename a list
    #[command(
        after_help = "Example:\n  ROLLBOOK_TOKEN=rb_… rollbook list rename 5d9155bad132d5f45a4e38b1 Clients"
    )]
    Rename {
        /// Id of the list, see `rollbook list ls`
        id: String,
        /// New name of the list
        name: String,
        #[command(flatten)]
        server: ServerArguments,
    },
    /// Delete a list with all its contacts
    #[command(
        after_help = "Example:\n  ROLLBOOK_TOKEN=rb_… rollbook list remove 5d9155bad132d5f45a4e38b1 --confirm Customers"
    )]
    Remove {
        /// Id of the list, see `rollbook list ls`
        id: String,
        /// Current name of the list, to confirm
        #[arg(long, value_name = "NAME")]
        confirm: String,
        #[command(flatten)]
        server: ServerArguments,
    },
}

pub async fn run(command: Command) -> Result {
    match command {
        Command::Create { name, server } => {
            let body = json!({ "contactListName": name });
            // Once: a second try after a lost answer could create a second list.
            let answer = server.call_once("/v3/contact-list/create", &body).await?;
            print(answer["contactListId"].as_str().ok_or("the server returned no list id")?);
            Ok(())
        }
        Command::Ls { server, json } => show(&server, json).await,
        Command::Rename { id, name, server } => {
            let body = json!({ "contactListId": id, "contactListName": name });
            server.call("/v3/contact-list/update", &body).await.map(drop)
        }
        Command::Remove { id, confirm, server } => {
            let body = json!({ "contactListId": id, "confirm": confirm });
            server.call("/v3/contact-list/remove", &body).await.map(drop)
        }
    }
}

async fn show(server: &ServerArguments, json: bool) -> Result {
    let mut offset = 0;
    loop {
        let page = json!({ "offset": offset, "limit": PAGE });
        let answer = server.call("/v3/contact-list/find", &page).await?;
        let lists = answer["data"].as_array().ok_or("the server returned no lists")?;
        for list in lists {
            print(&if json { list.to_string() } else { line(list) });
        }
        offset += PAGE;
        if lists.is_empty() || answer["totalCount"].as_u64().is_none_or(|total| total <= offset) {
            return Ok(());
        }
    }
}

/// A list in one line: its id, when it was created, its name.
fn line(list: &Value) -> String {
    let text = |key: &str| list[key].as_str().unwrap_or_default();
    format!("{}  {}  {}", text("contactListId"), text("createdAt"), text("contactListName"))
}
