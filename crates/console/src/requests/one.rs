//! `/requests/{id}`: one request.

use askama::Template;

use super::At;
use super::view::{self, Item, Pill, WebHook};
use crate::page::Pager;
use crate::{Form, Page, PageError, Query, Result, Section, User, redirect, render};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::BatchKind;
use storage::{Request, RequestState};

/// Results on a page.
const ROWS: u32 = 50;

#[derive(Template)]
#[template(path = "request.html")]
struct RequestPage {
    page: Page,
    about: About,
    /// What `?done=` asks the page to report, so that the page asks for it again while the request is queued.
    done_name: &'static str,
    notice: Option<&'static str>,
    items: Vec<Item>,
    pager: Pager,
    failed: usize,
    done: usize,
    webhook: Option<WebHook>,
}

#[derive(Template)]
#[template(path = "request-undo.html")]
struct UndoPage {
    page: Page,
    about: About,
    count: usize,
}

/// What stands at the top of a request's page.
struct About {
    id: ObjectId,
    asked: &'static str,
    state: Pill,
    list: Option<ObjectId>,
    list_name: String,
    created_at: Timestamp,
    processed_at: Option<Timestamp>,
    can_undo: bool,
}

impl About {
    async fn of(user: &User, request: &Request) -> Result<Self> {
        let list = view::is_about_list(request.kind, request.list).then_some(request.list);
        let known = match list {
            Some(list) => user.app.queries.list(&user.caller(), &list.to_string()).await?,
            None => None,
        };
        let processed = request.state == RequestState::Processed;
        Ok(Self {
            id: request.id,
            asked: view::asked(request.kind),
            state: view::state(request.state),
            list: known.as_ref().and(list),
            list_name: match (&known, list) {
                (Some(known), _) => known.about.name.clone(),
                (None, Some(list)) => list.to_string(),
                (None, None) => String::new(),
            },
            created_at: request.created_at,
            processed_at: processed.then_some(request.updated_at),
            can_undo: processed && known.is_some() && request.kind != BatchKind::Erase,
        })
    }
}

async fn find(user: &User, id: &str) -> Result<Request> {
    let id = ObjectId::parse(id).ok_or(PageError::NotFound)?;
    let found = user.app.queries.requests(&user.caller(), vec![id]).await?;
    found.into_iter().next().ok_or(PageError::NotFound)
}

/// A request, and what became of it.
pub async fn show_request(user: User, id: At, query: Query) -> Result {
    let request = find(&user, &id).await?;
    let mut pager = Pager::at(format!("/requests/{}", request.id), query.get("page"), ROWS);
    let items = view::items(&request);
    pager.total = items.len() as u64;
    let failed = items.iter().filter(|item| item.is_failed()).count();
    let kept = items.iter().any(|item| !item.is_failed() && !item.why.is_empty());
    let window = pager.window();
    let offset = usize::try_from(window.offset).unwrap_or(usize::MAX);
    let done = items.len() - failed;
    let items = items.into_iter().skip(offset).take(window.limit as usize).collect();
    let page = user.page(Section::Requests);
    let (about, webhook) = (About::of(&user, &request).await?, view::web_hook(&request));
    let (done_name, notice) = match view::notice(query.get("done"), &request, kept) {
        Some((name, notice)) => (name, Some(notice)),
        None => ("", None),
    };
    render(&RequestPage { page, about, done_name, notice, items, pager, failed, done, webhook })
}

/// Sends the webhook again.
pub async fn resend(id: At, form: Form) -> Result {
    let user = &form.user;
    let request = find(user, &id).await?;
    if !user.app.commands.resend_webhook(&user.caller(), request.id).await? {
        return Err(PageError::NotFound);
    }
    Ok(redirect(&format!("/requests/{}?done=resent", request.id)))
}

/// Asks whether a request is to be undone.
pub async fn ask_undo(user: User, id: At) -> Result {
    let request = find(&user, &id).await?;
    let about = About::of(&user, &request).await?;
    if !about.can_undo {
        return Err(PageError::NotFound);
    }
    let count = view::items(&request).iter().filter(|item| !item.is_failed()).count();
    render(&UndoPage { page: user.page(Section::Requests), about, count })
}

/// Undoes a request, and leads to the request that does.
pub async fn undo(id: At, form: Form) -> Result {
    let (user, caller) = (&form.user, form.user.caller());
    let target = match ObjectId::parse(&id) {
        Some(id) => user.app.queries.undo_target(&caller, id).await?,
        None => None,
    };
    let commands = &user.app.commands;
    let target = target.ok_or(PageError::NotFound)?;
    let accepted = commands.undo(&caller, commands.submission(), target, None).await?;
    Ok(redirect(&format!("/requests/{}?done=undoing", accepted.request)))
}
