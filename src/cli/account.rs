//! `rollbook account …`

use serde_json::json;

use super::{Result, StoreArguments, found, now, parse_id, print};
use app::webhook::sign::{OVERLAP, Secret};
use domain::id::{Ids, ObjectId};
use domain::secret;
use domain::token::FreshToken;
use storage::{NewAccount, NewToken, OptOut, Scope, Storage, User};

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Create an account with a user and an access token
    #[command(after_help = "Example:\n  rollbook account create \"Example Shop\"")]
    Create {
        /// Name of the account
        name: String,
        #[command(flatten)]
        store: StoreArguments,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// List accounts and their users
    #[command(after_help = "Example:\n  rollbook account list --json")]
    List {
        #[command(flatten)]
        store: StoreArguments,
        /// Print one JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Reject every request of an account
    #[command(after_help = "Example:\n  rollbook account disable 0123456789abcdef01234567")]
    Disable(Named),
    /// Accept requests of a disabled account again
    #[command(after_help = "Example:\n  rollbook account enable 0123456789abcdef01234567")]
    Enable(Named),
    /// Delete an account with all its lists and contacts
    #[command(
        after_help = "Example:\n  rollbook account remove 0123456789abcdef01234567 --confirm \"Example Shop\""
    )]
    Remove {
        #[command(flatten)]
        named: Named,
        /// Name of the account, to confirm; asked for only at a terminal
        #[arg(long, value_name = "NAME")]
        confirm: Option<String>,
    },
    /// Show or set what lists do about opt-outs by default
    #[command(after_help = "Example:\n  rollbook account opt-out 0123456789abcdef01234567 keep")]
    OptOut {
        #[command(flatten)]
        named: Named,
        /// keep: what was set to false stays false. allow: it may become true
        #[arg(value_name = "keep|allow", value_parser = parse_opt_out)]
        opt_out: Option<OptOut>,
    },
    /// Show or rotate the secret that signs an account's webhooks
    #[command(after_help = "Example:\n  rollbook account webhook-secret 0123456789abcdef01234567 --rotate")]
    WebhookSecret {
        #[command(flatten)]
        named: Named,
        /// Create a new secret; the old one also signs for 24 hours
        #[arg(long)]
        rotate: bool,
    },
}

fn parse_opt_out(word: &str) -> std::result::Result<OptOut, String> {
    OptOut::named(word).ok_or_else(|| "it is keep or allow".to_owned())
}

#[derive(Debug, clap::Args)]
pub struct Named {
    /// Id of the account
    #[arg(value_parser = parse_id)]
    id: ObjectId,
    #[command(flatten)]
    store: StoreArguments,
}

/// A new account, with what is shown only once.
pub struct Created {
    /// Its id.
    pub account: ObjectId,
    /// Its first user's id.
    pub user: ObjectId,
    /// That user's token.
    pub access_token: String,
    /// The secret that signs its webhooks.
    pub webhook_secret: String,
}

/// Makes an account.
pub async fn create(storage: &dyn Storage, name: &str) -> Result<Created> {
    if name.trim().is_empty() {
        return Err("an account needs a name".to_owned());
    }
    let (ids, now, token) = (Ids::from_system(), now(), FreshToken::generate());
    let created = Created {
        account: ids.next(now),
        user: ids.next(now),
        access_token: token.text,
        webhook_secret: Secret::generate(secret::random()).to_text(),
    };
    let account = NewAccount {
        id: created.account,
        name: name.to_owned(),
        user: created.user,
        webhook_secret: created.webhook_secret.clone(),
        token: NewToken {
            key: token.key,
            secret_hash: token.secret_hash,
            name: "first".to_owned(),
            expires_at: None,
            scope: Scope::default(),
        },
    };
    storage.add_account(account, now).await.map_err(|error| error.to_string())?;
    Ok(created)
}

pub async fn run(command: Command) -> Result {
    match command {
        Command::Create { name, store, json } => {
            let created = create(store.open_or_make().await?.as_ref(), &name).await?;
            show_created(&created, json);
            Ok(())
        }
        Command::List { store, json } => list(&store, json).await,
        Command::Disable(named) => set_enabled(&named, false).await,
        Command::Enable(named) => set_enabled(&named, true).await,
        Command::Remove { named, confirm } => remove(&named, confirm).await,
        Command::OptOut { named, opt_out } => set_opt_out(&named, opt_out).await,
        Command::WebhookSecret { named, rotate } => webhook_secret(&named, rotate).await,
    }
}

fn show_created(created: &Created, json: bool) {
    let Created { account, user, access_token, webhook_secret } = created;
    if json {
        let object = json!({
            "accountId": account, "userId": user,
            "accessToken": access_token, "webhookSecret": webhook_secret,
        });
        return print(&object.to_string());
    }
    print(&format!("account         {account}"));
    print(&format!("user            {user}"));
    print(&format!("access token    {access_token}"));
    print(&format!("webhook secret  {webhook_secret}"));
    print("The access token is not shown again.");
    print(&format!("A link into the console: rollbook user invite {user}"));
}

async fn list(store: &StoreArguments, json: bool) -> Result {
    for account in store.open().await?.accounts().await.map_err(|error| error.to_string())? {
        let users: Vec<_> = account
            .users
            .iter()
            .map(|user| json!({ "userId": user.id, "name": user.name, "role": user.role.name(), "enabled": user.enabled }))
            .collect();
        if json {
            let object = json!({
                "accountId": account.id, "name": account.name, "enabled": account.enabled,
                "createdAt": account.created_at.to_string(), "users": users,
            });
            print(&object.to_string());
            continue;
        }
        let state = |enabled| if enabled { "enabled" } else { "disabled" };
        let (id, name, created) = (account.id, &account.name, account.created_at);
        print(&format!("{id}  {:8}  {created}  {name}", state(account.enabled)));
        for User { id, name, enabled, role, .. } in &account.users {
            print(&format!("  user {id}  {:8}  {:6}  {name}", state(*enabled), role.name()));
        }
    }
    Ok(())
}

async fn set_enabled(named: &Named, enabled: bool) -> Result {
    let done = named.store.open().await?.set_account_enabled(named.id, enabled).await;
    found(done.map_err(|error| error.to_string())?, "account", named.id)
}

async fn remove(named: &Named, confirm: Option<String>) -> Result {
    let storage = named.store.open().await?;
    let accounts = storage.accounts().await.map_err(|error| error.to_string())?;
    let account = accounts.iter().find(|account| account.id == named.id);
    found(account.is_some(), "account", named.id)?;
    let confirm = confirm.map_or_else(ask_for_name, |name| Ok(Some(name)))?;
    if confirm.is_some_and(|name| account.is_some_and(|account| account.name != name)) {
        return Err("the name to confirm is not the account's".to_owned());
    }
    let done = storage.remove_account(named.id).await.map_err(|error| error.to_string())?;
    found(done, "account", named.id)?;
    print(
        "Removed. The server deletes its contacts as it gets to them, and what became of its requests within 7 days.",
    );
    Ok(())
}

/// Asks the user at the terminal; `None` without one.
fn ask_for_name() -> Result<Option<String>> {
    use std::io::IsTerminal;
    if !std::io::stdin().is_terminal() {
        return Ok(None);
    }
    eprint!("This removes the account with all its lists and contacts. Its name: ");
    let mut name = String::new();
    std::io::stdin().read_line(&mut name).map_err(|error| error.to_string())?;
    Ok(Some(name.trim().to_owned()))
}

async fn set_opt_out(named: &Named, opt_out: Option<OptOut>) -> Result {
    let storage = named.store.open().await?;
    if let Some(opt_out) = opt_out {
        let done = storage.set_opt_out(named.id, opt_out).await;
        return found(done.map_err(|error| error.to_string())?, "account", named.id);
    }
    match storage.opt_out(named.id).await.map_err(|error| error.to_string())? {
        Some(opt_out) => {
            print(opt_out.name());
            Ok(())
        }
        None => found(false, "account", named.id),
    }
}

async fn webhook_secret(named: &Named, rotate: bool) -> Result {
    let storage = named.store.open().await?;
    if rotate {
        let secret = Secret::generate(secret::random()).to_text();
        let done = storage.set_webhook_secret(named.id, secret, now().after(OVERLAP)).await;
        found(done.map_err(|error| error.to_string())?, "account", named.id)?;
    }
    let secret = storage.webhook_secret(named.id).await.map_err(|error| error.to_string())?;
    match secret {
        Some(secret) => {
            print(&secret);
            Ok(())
        }
        None => found(false, "account", named.id),
    }
}
