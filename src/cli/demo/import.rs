//! The import of the demo: a job of the console, with rows that fail.

use std::time::Duration;

use super::client::PATIENCE;
use super::past::Past;
use super::people::table;
use crate::cli::Result;
use app::Caller;
use domain::token::PresentedToken;
use files::choices::Choices;
use files::layout::Said;
use jobs::job::{Plan, Status};
use jobs::service::Order;
use storage::UserRole;

/// People in the list of the newsletter.
const SUBSCRIBERS: usize = 800;

/// One wrong row of the file for so many right ones.
const WRONG_EVERY: usize = 90;

/// How often the demo looks whether the job is done.
const INTERVAL: Duration = Duration::from_millis(20);

/// Imports a file as a user of the console does, and returns a line about it.
pub async fn import(past: &Past, token: &str, list: &str) -> Result<String> {
    let app = &past.app;
    let order = order(past, token, list).await?;
    let (rows, wrong) = table(SUBSCRIBERS, WRONG_EVERY);
    let told = |error: jobs::service::Error| format!("the import failed: {error}");
    let account = order.caller.scope.account;
    let room = app.jobs.place(account).await.map_err(told)?;
    let mut upload = app.jobs.upload(app, &order, room).await.map_err(told)?;
    upload.write(rows.into()).await.map_err(told)?;
    let id = upload.finish(app, &order, "newsletter.csv").await.map_err(told)?;
    let columns =
        ["email", "firstName", "lastName", "active", "emailSubscribe", "contactLanguage", "variables.city"];
    let plan = Plan {
        columns: columns.map(str::to_owned).into(),
        new_variables: Vec::new(),
        empty_clears: false,
        upsert: true,
        resubscribe: false,
        choices: Choices::default(),
        said: Said::default(),
    };
    let job = app.jobs.one(account, id).await.map_err(|error| error.to_string())?;
    let job = job.ok_or("the import is gone")?;
    app.jobs.begin(app, order.user, job, Some(plan), false).await.map_err(told)?;
    let done = async {
        loop {
            let job = app.jobs.one(account, id).await.map_err(|error| error.to_string())?;
            match job.map(|job| job.status) {
                Some(Status::Done) => return Ok(()),
                Some(Status::Failed | Status::Stopped) | None => return Err("the import failed".to_owned()),
                Some(_) => tokio::time::sleep(INTERVAL).await,
            }
        }
    };
    tokio::time::timeout(PATIENCE, done)
        .await
        .unwrap_or_else(|_| Err("the import takes too long".to_owned()))?;
    Ok(format!("Newsletter  {SUBSCRIBERS} people, imported from a file; {wrong} rows failed"))
}

/// The owner of the demo's account, and the list.
async fn order(past: &Past, token: &str, list: &str) -> Result<Order> {
    let app = &past.app;
    let key = PresentedToken::parse(token).ok_or("the demo has no access token")?.key.to_owned();
    let access = app.storage.find_access(key).await.map_err(|error| error.to_string())?;
    let access = access.ok_or("the demo's access token is gone")?;
    let account = access.account.ok_or("the demo's account is gone")?;
    let caller = Caller::user(account.no, account.name, access.user, UserRole::Owner);
    let list = app.queries.list(&caller, list).await.map_err(|error| error.to_string())?;
    let list = list.ok_or("the demo's list is gone")?;
    Ok(Order {
        caller,
        user: access.user,
        list_no: list.no,
        list: list.id.to_string(),
        list_name: list.about.name.clone(),
    })
}
