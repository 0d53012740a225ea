//! Waiting until a request is processed: whoever sent it reads what they wrote.

use std::pin::pin;
use std::time::Duration;

use crate::app::Services;
use crate::catalogue::Viewer;
use crate::id::ObjectId;
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
    /// The account has no such request, or none that the viewer may see.
    Unknown,
}

/// Waits for a request of the viewer's account.
///
/// # Errors
/// Where the store cannot be read.
pub async fn until_processed(app: &Services, viewer: &Viewer, request: ObjectId) -> Result<Waited, Error> {
    let mut deadline = app.clock.now().after(PATIENCE);
    loop {
        // First the ear, then the eye: what is applied between the two is heard.
        let mut applied = pin!(app.applied.notified());
        applied.as_mut().enable();
        match app.storage.request_state(viewer.account, request).await? {
            Some((state, list)) if app.catalogue.sees(viewer, list).await? => {
                if state == RequestState::Processed {
                    return Ok(Waited::Processed);
                }
            }
            _ => return Ok(Waited::Unknown),
        }
        let now = app.clock.now();
        // A clock that is set back meanwhile must not make them wait for that long.
        deadline = deadline.min(now.after(PATIENCE));
        if now >= deadline {
            return Ok(Waited::TimedOut);
        }
        tokio::select! {
            biased;
            () = applied => {}
            () = app.clock.sleep_until(now.after(LOOK).min(deadline)) => {}
        }
    }
}
