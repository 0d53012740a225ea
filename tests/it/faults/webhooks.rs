//! The delivery log: reading and changing fail on demand, as all else does.

use async_trait::async_trait;
use domain::clock::Timestamp;
use domain::journal::AccountNo;
use storage::{AttemptFilter, EndpointHealth, Error, LoggedAttempt, NewAttempt, Page, Webhooks, Window};

use super::{Faulty, forward};

forward! { Webhooks:
    change fn log_attempt(attempt: NewAttempt) -> Result<(), Error>;
    read fn attempts(account: AccountNo, filter: AttemptFilter, window: Window) -> Result<Page<LoggedAttempt>, Error>;
    read fn endpoint_health(account: AccountNo) -> Result<Vec<EndpointHealth>, Error>;
    change fn resend_failed(account: AccountNo, since: Timestamp, now: Timestamp, max: u32) -> Result<u32, Error>;
}
