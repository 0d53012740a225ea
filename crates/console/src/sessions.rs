//! The user's sessions.

use super::{Form, Result, redirect};

/// Ends all sessions of the user but this one.
pub async fn end_others(form: Form) -> Result {
    let user = &form.user;
    user.app.storage.remove_other_sessions(user.signed_in.user, user.session).await?;
    Ok(redirect("/account?done=ended"))
}
