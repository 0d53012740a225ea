//! `rollbook contact …`: contacts of a running server, over its API.

use serde_json::{Map, Value};

use super::client::ServerArguments;
use super::{Result, print};

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Show a contact of a list, as JSON
    #[command(
        after_help = "Example:\n  ROLLBOOK_TOKEN=rb_… rollbook contact get --list 5d9155bad132d5f45a4e38b1 --email user@example.com"
    )]
    Get {
        /// List of the contact, see `rollbook list ls`
        #[arg(long, value_name = "CONTACT_LIST_ID")]
        list: String,
        #[command(flatten)]
        whom: Whom,
        #[command(flatten)]
        server: ServerArguments,
    },
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
pub struct Whom {
    /// E-mail address of the contact
    #[arg(long)]
    email: Option<String>,
    /// Phone number of the contact
    #[arg(long, value_name = "NUMBER")]
    phone: Option<String>,
    /// User ID of the contact
    #[arg(long, value_name = "ID")]
    user_id: Option<String>,
}

pub async fn run(command: Command) -> Result {
    let Command::Get { list, whom, server } = command;
    let keys = [("email", whom.email), ("phoneNumber", whom.phone), ("userId", whom.user_id)];
    let keys = keys.into_iter().filter_map(|(key, value)| Some((key.to_owned(), Value::from(value?))));
    let mut body: Map<String, Value> = keys.collect();
    body.insert("contactListId".to_owned(), list.into());
    let answer = server.call("/v3/contact/get", &Value::Object(body)).await?;
    match &answer["contact"] {
        Value::Null => Err("the list has no such contact".to_owned()),
        contact => {
            print(&format!("{contact:#}"));
            Ok(())
        }
    }
}
