//! Methods called within the process, by a user who is signed in: the same rights, checks, texts and counts as over
//! HTTP, without a socket.
//!
//! Requests in flight are not counted here. Whoever calls says how many there are at a time: a page makes one after
//! the other, and an import as many as it is told.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::METHODS;
use super::answer::Answered;
use super::body::BodyError;
use super::call::{self, Call, Refused};
use super::method::Method;
use crate::app::Caller;
use crate::files::api::{Api, Reply};
use crate::runtime::App;

/// Calls a method; what it answers is what HTTP answers, the id of the request included.
pub async fn call(
    app: &Arc<App>,
    method: &'static Method,
    caller: &Caller,
    key: Option<&str>,
    body: Bytes,
) -> Answered {
    let shown = call::request_id(app, method.path());
    let request_id = shown.unwrap_or_else(|| app.ids.next(app.clock.now()));
    let keys = key.map(|key| Bytes::copy_from_slice(key.as_bytes())).into_iter().collect();
    let (app, caller) = (Arc::clone(app), caller.clone());
    let (flight, stopping, left) = (None, None, None);
    let call = Call { app, method, caller, request_id, body, keys, flight, stopping, left };
    let app = Arc::clone(&call.app);
    call::perform(&app, method, shown, request_id, take_in(call)).await
}

async fn take_in(call: Call) -> Result<Call, Refused> {
    call::permit(&call.app, &call.caller, call.method)?;
    // An import learns by this refusal that its batch must be halved.
    if call.body.len() > call.app.limits.body {
        return Err(BodyError::TooLarge.into());
    }
    Ok(call)
}

/// The API as a user within the process sees it.
#[derive(Clone)]
pub struct Inside {
    /// The server.
    pub app: Arc<App>,
    /// Who calls.
    pub caller: Caller,
}

#[async_trait]
impl Api for Inside {
    async fn post(&self, path: &str, key: Option<&str>, body: Bytes) -> Result<Reply, String> {
        let method = METHODS.into_iter().find(|method| method.path() == path);
        let method = method.ok_or_else(|| format!("{path}: there is no such method"))?;
        let answered = call(&self.app, method, &self.caller, key, body).await;
        let retry_after = answered.retry_after.map(|seconds| Duration::from_secs(seconds.into()));
        Ok(Reply { status: answered.status.as_u16(), retry_after, body: answered.body })
    }
}
