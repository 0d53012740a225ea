//! One-time links: made by commands, by the server's start and by users for others of their account.

use std::time::Duration;

use super::cookie::Secret;
use domain::clock::Timestamp;
use domain::id::ObjectId;
use storage::{Error, Storage, UserRole};
use web::login::PublicUrl;

/// How long a link can be used.
pub const GOOD_FOR: Duration = Duration::from_secs(24 * 3_600);

/// A link that lets whoever opens it set a user's password. One that was made before is good no more.
/// `None` where the user or its account is not there or disabled.
///
/// # Errors
/// Where it cannot be kept.
pub async fn invite(
    storage: &dyn Storage,
    public_url: &PublicUrl,
    user: ObjectId,
    now: Timestamp,
) -> Result<Option<String>, Error> {
    make(storage, public_url, Some(user), now).await
}

/// A link for a store that nobody can sign in to yet, `None` where somebody can: it makes the first account where there
/// is none; otherwise it is for the first owner of the oldest account that is enabled, or else for its first user.
///
/// # Errors
/// Where the store cannot be read or written.
pub async fn first_link(
    storage: &dyn Storage,
    public_url: &PublicUrl,
    now: Timestamp,
) -> Result<Option<String>, Error> {
    if storage.has_logins().await? {
        return Ok(None);
    }
    let accounts = storage.accounts().await?;
    if accounts.is_empty() {
        return make(storage, public_url, None, now).await;
    }
    let enabled = accounts.into_iter().filter(|account| account.enabled);
    let users = enabled.flat_map(|account| account.users).filter(|user| user.enabled);
    // An owner can let the others in; the first of several.
    match users.min_by_key(|user| user.role != UserRole::Owner) {
        Some(user) => make(storage, public_url, Some(user.id), now).await,
        None => Ok(None),
    }
}

async fn make(
    storage: &dyn Storage,
    public_url: &PublicUrl,
    user: Option<ObjectId>,
    now: Timestamp,
) -> Result<Option<String>, Error> {
    let secret = Secret::generate();
    let added = storage.add_link(secret.hash(), user, now.after(GOOD_FOR)).await?;
    Ok(added.then(|| format!("{public_url}/welcome/{}", secret.0)))
}
