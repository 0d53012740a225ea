//! `rollbook user …`

use serde_json::json;

use super::{Result, StoreArguments, found, now, parse_id, print};
use console::{MAX_USERS, invite};
use domain::id::{Ids, ObjectId};
use storage::{UserChange, UserRole};

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List the users of all accounts, with their roles
    #[command(after_help = "Example:\n  rollbook user list --account 0123456789abcdef01234567")]
    List {
        /// Show the users of one account only
        #[arg(long, value_name = "ACCOUNT_ID", value_parser = parse_id)]
        account: Option<ObjectId>,
        #[command(flatten)]
        store: StoreArguments,
        /// Print one JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Enable a user again, with the previous password and keys
    #[command(after_help = "Example:\n  rollbook user enable 0123456789abcdef01234567")]
    Enable(Named),
    /// Disable a user: sessions end, and access tokens are refused
    #[command(after_help = "Example:\n  rollbook user disable 0123456789abcdef01234567")]
    Disable {
        #[command(flatten)]
        named: Named,
        /// Hand the user's tokens to this user, so that they keep working
        #[arg(long, value_name = "USER_ID", value_parser = parse_id)]
        tokens_to: Option<ObjectId>,
    },
    /// Show a user's role, or set it: owner, editor or viewer
    #[command(after_help = "Example:\n  rollbook user role 0123456789abcdef01234567 viewer")]
    Role {
        #[command(flatten)]
        named: Named,
        /// The new role; omit to show the present one
        role: Option<UserRole>,
    },
    /// Print a sign-in link for a new user or a forgotten password
    #[command(
        after_help = "Example:\n  rollbook user invite --account 0123456789abcdef01234567 --name \"Ada Example\""
    )]
    Invite {
        /// Id of an existing user, see `rollbook user list`
        #[arg(value_parser = parse_id, required_unless_present = "account", conflicts_with = "account")]
        id: Option<ObjectId>,
        /// Account of the new user
        #[arg(long, value_name = "ACCOUNT_ID", value_parser = parse_id, requires = "name")]
        account: Option<ObjectId>,
        /// Name of the new user
        #[arg(long, requires = "account")]
        name: Option<String>,
        /// The role of the new user: owner, editor or viewer [default: editor]
        #[arg(long, requires = "account")]
        role: Option<UserRole>,
        #[command(flatten)]
        store: StoreArguments,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, clap::Args)]
pub struct Named {
    /// Id of the user, see `rollbook user list`
    #[arg(value_parser = parse_id)]
    id: ObjectId,
    #[command(flatten)]
    store: StoreArguments,
}

pub async fn run(command: Command) -> Result {
    match command {
        Command::List { account, store, json } => list(account, &store, json).await,
        Command::Enable(named) => {
            let done = named.store.open().await?.enable_user(named.id).await;
            found(done.map_err(|error| error.to_string())?, "user", named.id)
        }
        Command::Disable { named, tokens_to } => disable(&named, tokens_to).await,
        Command::Role { named, role: None } => show_role(&named).await,
        Command::Role { named, role: Some(role) } => {
            let changed = named.store.open().await?.set_user_role(named.id, role).await;
            found(changed.map_err(|error| error.to_string()).and_then(or_last_owner)?, "user", named.id)
        }
        Command::Invite { id, account, name, role, store, json } => {
            let new =
                account.zip(name).map(|(account, name)| (account, name, role.unwrap_or(UserRole::Editor)));
            let_in(id, new, &store, json).await
        }
    }
}

async fn list(account: Option<ObjectId>, store: &StoreArguments, json: bool) -> Result {
    let accounts = store.open().await?.accounts().await.map_err(|error| error.to_string())?;
    if let Some(id) = account {
        found(accounts.iter().any(|account| account.id == id), "account", id)?;
    }
    for of in accounts.iter().filter(|of| account.is_none_or(|id| of.id == id)) {
        for user in &of.users {
            let object = json!({
                "userId": user.id, "accountId": of.id, "name": user.name, "role": user.role.name(),
                "address": user.address, "enabled": user.enabled,
            });
            let state = if user.enabled { "enabled" } else { "disabled" };
            let line = format!("{}  {}  {state:8}  {:6}  {}", user.id, of.id, user.role.name(), user.name);
            print(&if json { object.to_string() } else { line });
        }
    }
    Ok(())
}

async fn disable(named: &Named, tokens_to: Option<ObjectId>) -> Result {
    let changed = named.store.open().await?.disable_user(named.id, tokens_to).await;
    let done = changed.map_err(|error| error.to_string()).and_then(or_last_owner)?;
    match tokens_to {
        Some(heir) if !done => {
            Err(format!("there is no user {}, or {heir} is no other enabled user of its account", named.id))
        }
        _ => found(done, "user", named.id),
    }
}

/// Whether there was the user.
fn or_last_owner(change: UserChange) -> Result<bool> {
    match change {
        UserChange::Done => Ok(true),
        UserChange::NoUser => Ok(false),
        UserChange::LastOwner => {
            Err("this is the account's last owner: make another user an owner first".to_owned())
        }
    }
}

async fn show_role(named: &Named) -> Result {
    let accounts = named.store.open().await?.accounts().await.map_err(|error| error.to_string())?;
    let user = accounts.iter().flat_map(|account| &account.users).find(|user| user.id == named.id);
    if let Some(user) = user {
        print(user.role.name());
    }
    found(user.is_some(), "user", named.id)
}

async fn let_in(
    id: Option<ObjectId>,
    new: Option<(ObjectId, String, UserRole)>,
    store: &StoreArguments,
    json: bool,
) -> Result {
    let (settings, storage) = (store.settings()?, store.open().await?);
    let user = match (id, new) {
        (Some(id), _) => id,
        (None, Some((account, name, role))) => {
            let (name, user) = (name.trim().to_owned(), Ids::from_system().next(now()));
            if name.is_empty() {
                return Err("a user needs a name".to_owned());
            }
            let added = storage.add_user(account, user, (name, role), MAX_USERS, now()).await;
            if !added.map_err(|error| error.to_string())? {
                return Err(format!("there is no account {account}, or it has {MAX_USERS} users already"));
            }
            user
        }
        (None, None) => return Err("name a user, or an account for a new one".to_owned()),
    };
    let url = settings.public_url(settings.listen);
    let link = invite(storage.as_ref(), &url, user, now()).await.map_err(|error| error.to_string())?;
    let link =
        link.ok_or_else(|| format!("there is no user {user}, or the user or the account is disabled"))?;
    if json {
        print(&json!({ "userId": user, "link": link }).to_string());
    } else {
        print(&link);
    }
    Ok(())
}
