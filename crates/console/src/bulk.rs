//! `/lists/{id}/bulk`: one change for many contacts of a list.

use std::sync::Arc;

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;

use super::jobs::doing;
use super::{Form, Page, PageError, Result, Section, contacts, filter, redirect, render};
use domain::contact::field::Field;
use domain::id::ObjectId;
use jobs::job::{Action, Whom};
use storage::List;
use web::translate::t;

/// Contacts that can be named one by one.
const MAX_IDS: usize = 1_000;

#[derive(Template)]
#[template(path = "bulk.html")]
struct BulkPage {
    page: Page,
    list: Arc<List>,
    doing: String,
    removes: bool,
    /// Whether it turns something on.
    subscribes: bool,
    action: String,
    ids: Vec<String>,
    filter: Vec<(&'static str, String)>,
    /// The same, to come back to the view.
    query: String,
    /// How many contacts the list has.
    count: u64,
    /// What the job will be known by: sent twice, the form makes one job.
    job: ObjectId,
}

/// Asks whether it is meant, and then makes a job of it. The form has `action` (enable, disable, subscribe,
/// unsubscribe with their channel behind a colon, remove), and either ids in `contact`, or `all` with the keys of the filter.
pub async fn change(Path(id): Path<String>, form: Form) -> Result {
    let list = form.user.list(&id).await?;
    let wanted = filter::read(&form, &list)?;
    let ids: Vec<_> = form.all("contact").map(str::to_owned).collect();
    let all = form.has("all");
    let action = match action(form.get("action"), form.has("resubscribe")) {
        Some(action) if all || is_some(&list, &ids)? => action,
        chosen => {
            let why = match (chosen, ids.len()) {
                (None, _) => "no-action",
                (_, 0) => "no-contacts",
                _ => "too-many",
            };
            // Back to where the choice is made.
            let query = wanted.to_query(&list);
            let query = if query.is_empty() { query } else { format!("{query}&") };
            return Ok(redirect(&format!("/lists/{}?{query}done={why}", list.id)));
        }
    };
    let whom = if all { Whom::Matching(wanted.to_json()) } else { Whom::Ids(ids.clone()) };
    if form.get("confirm") == "yes" {
        return begin(&form, &list, action, whom).await;
    }
    let count = contacts::count(&form.user, &list).await?;
    render(&BulkPage {
        count,
        job: form.user.app.ids.next(form.user.app.clock.now()),
        page: form.user.page(Section::Lists),
        doing: doing(&action),
        removes: action == Action::Remove,
        subscribes: matches!(action, Action::Set { to: true, .. }),
        action: form.get("action").to_owned(),
        ids: if all { Vec::new() } else { ids },
        filter: wanted.pairs(&list),
        query: wanted.to_query(&list),
        list,
    })
}

async fn begin(form: &Form, list: &List, action: Action, whom: Whom) -> Result {
    let user = &form.user;
    let fresh = || user.app.ids.next(user.app.clock.now());
    let job = ObjectId::parse(form.get("job")).unwrap_or_else(fresh);
    user.app.jobs.change_many(&user.app, &user.order(list), job, action, whom).await?;
    Ok(redirect(&format!("/jobs/{job}?done=begun")))
}

fn action(name: &str, resubscribe: bool) -> Option<Action> {
    let set =
        |field: &str, to| Some(Action::Set { field: field.to_owned(), to, resubscribe: resubscribe && to });
    let (name, channel) = name.split_once(':').unwrap_or((name, ""));
    // The first is no channel.
    let channel = Field::FLAGS[1..].iter().map(|field| field.name()).find(|known| *known == channel);
    match (name, channel) {
        ("enable", _) => set("active", true),
        ("disable", _) => set("active", false),
        ("subscribe", Some(channel)) => set(channel, true),
        ("unsubscribe", Some(channel)) => set(channel, false),
        ("remove", _) => Some(Action::Remove),
        _ => None,
    }
}

/// Whether there are contacts, and not too many.
fn is_some(list: &List, ids: &[String]) -> Result<bool> {
    let of_list = |id: &String| ObjectId::parse(id).and_then(|id| id.contact_number(list.id)).is_some();
    if !ids.iter().all(of_list) {
        let text = t("These are not contacts of the list.").to_string();
        return Err(PageError::Refused(StatusCode::BAD_REQUEST, text));
    }
    Ok(!ids.is_empty() && ids.len() <= MAX_IDS)
}
