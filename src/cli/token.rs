//! `rollbook token …`

use std::time::Duration;

use serde_json::json;

use super::{Result, StoreArguments, found, now, parse_id, print};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::token::{FreshToken, PresentedToken};
use storage::{NewToken, Scope, TokenError};

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Create an access token, and show it once
    #[command(after_help = "Example:\n  rollbook token create --user 0123456789abcdef01234567 --read-only")]
    Create {
        /// Owner of the token, see `rollbook user list`
        #[arg(long, value_parser = parse_id)]
        user: ObjectId,
        /// Purpose of the token
        #[arg(long, default_value = "")]
        name: String,
        /// Days until the token expires [default: never]
        #[arg(long, value_name = "DAYS")]
        expires: Option<u32>,
        #[command(flatten)]
        scope: ScopeArguments,
        #[command(flatten)]
        store: StoreArguments,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// List access tokens, without their secrets
    #[command(after_help = "Example:\n  rollbook token list --json")]
    List {
        /// Show the tokens of one account only
        #[arg(long, value_parser = parse_id)]
        account: Option<ObjectId>,
        #[command(flatten)]
        store: StoreArguments,
        /// Print one JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Revoke an access token; servers reject it within a second
    #[command(after_help = "Example:\n  rollbook token revoke 0123456789abcdef")]
    Revoke {
        /// Key of the token, see `rollbook token list`; or the whole token
        key: String,
        #[command(flatten)]
        store: StoreArguments,
    },
}

#[derive(Debug, clap::Args)]
pub struct ScopeArguments {
    /// Allow reading only
    #[arg(long)]
    read_only: bool,
    /// Allow this list only; repeatable
    #[arg(long, value_name = "CONTACT_LIST_ID", value_parser = parse_id)]
    list: Vec<ObjectId>,
}

pub async fn run(command: Command) -> Result {
    match command {
        Command::Create { user, name, expires, scope, store, json } => {
            let lists = (!scope.list.is_empty()).then_some(scope.list);
            let scope = Scope { read_only: scope.read_only, lists };
            create(user, name, expires, scope, &store, json).await
        }
        Command::List { account, store, json } => list(account, &store, json).await,
        Command::Revoke { key, store } => {
            let key = PresentedToken::parse(&key).map_or(key.as_str(), |token| token.key);
            let done = store.open().await?.revoke_token(key.to_owned(), now()).await;
            found(done.map_err(|error| error.to_string())?, "token", key)
        }
    }
}

async fn create(
    user: ObjectId,
    name: String,
    expires: Option<u32>,
    scope: Scope,
    store: &StoreArguments,
    json: bool,
) -> Result {
    let token = FreshToken::generate();
    let expires_at = expires.map(|days| now().after(Duration::from_secs(u64::from(days) * 24 * 3_600)));
    let (key, secret_hash) = (token.key.clone(), token.secret_hash);
    let new = NewToken { key, secret_hash, name, expires_at, scope: scope.clone() };
    store.open().await?.add_token(user, new, now()).await.map_err(|error| match error {
        TokenError::NoUser => format!("there is no user {user}"),
        other => other.to_string(),
    })?;
    if json {
        let expires = expires_at.map(|time| time.to_string());
        let object = json!({
            "key": token.key, "accessToken": token.text, "expiresAt": expires,
            "readOnly": scope.read_only, "lists": scope.lists,
        });
        print(&object.to_string());
    } else {
        print(&token.text);
    }
    Ok(())
}

async fn list(account: Option<ObjectId>, store: &StoreArguments, json: bool) -> Result {
    let tokens = store.open().await?.tokens(account).await.map_err(|error| error.to_string())?;
    for token in tokens {
        let text = |time: Option<Timestamp>| time.map(|time| time.to_string());
        if json {
            let object = json!({
                "key": token.key, "name": token.name, "userId": token.user,
                "createdAt": token.created_at.to_string(), "expiresAt": text(token.expires_at),
                "revokedAt": text(token.revoked_at), "readOnly": token.scope.read_only,
                "lists": token.scope.lists,
            });
            print(&object.to_string());
            continue;
        }
        let state = match (token.revoked_at, token.expires_at) {
            (Some(time), _) => format!("revoked {time}"),
            (None, Some(time)) => format!("expires {time}"),
            (None, None) => "valid".to_owned(),
        };
        print(&format!(
            "{}  user {}  made {}  {state}  {}{}",
            token.key,
            token.user,
            token.created_at,
            in_words(&token.scope),
            token.name
        ));
    }
    Ok(())
}

/// The limits of a token, each followed by two blanks; empty for a token without limits.
fn in_words(scope: &Scope) -> String {
    let mut words = String::new();
    if scope.read_only {
        words.push_str("read-only  ");
    }
    if let Some(lists) = &scope.lists {
        let lists: Vec<_> = lists.iter().map(ToString::to_string).collect();
        words.push_str(&format!("lists {}  ", lists.join(",")));
    }
    words
}
