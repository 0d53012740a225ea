//! Waiting until a request is processed: whoever sent it reads what they wrote.

use std::pin::pin;
use std::time::Duration;

use crate::app::App;
use crate::id::ObjectId;
use crate::journal::AccountNo;
use crate::storage::{Error, RequestState};

/// How long a caller waits at most.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// How long a look is put off when nobody has said that something was applied: the process that applies may be
/// another.
const LOOK: Duration = Duration::from_millis(500);

/// What came of waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// The request is processed.
    Processed,
    /// It was not within [`PATIENCE`].
    TimedOut,
    /// The account has no such request.
    Unknown,
}

/// Waits for a request of the account.
///
/// # Errors
/// Where the store cannot be read.
pub async fn until_processed(app: &App, account: AccountNo, request: ObjectId) -> Result<Waited, Error> {
    let deadline = app.clock.now().after(PATIENCE);
    loop {
        // First the ear, then the eye: what is applied between the two is heard.
        let mut applied = pin!(app.applied.notified());
        applied.as_mut().enable();
        match app.storage.request_state(account, request).await? {
            None => return Ok(Waited::Unknown),
            Some((RequestState::Processed, _)) => return Ok(Waited::Processed),
            Some(_) => {}
        }
        let now = app.clock.now();
        if now >= deadline {
            return Ok(Waited::TimedOut);
        }
        tokio::select! {
            () = applied => {}
            () = app.clock.sleep_until(now.after(LOOK).min(deadline)) => {}
        }
    }
}
