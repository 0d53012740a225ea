//! `/lists`

use std::sync::Arc;

use askama::Template;
use axum::extract::Path;

use super::page::{Pager, curl_list, number, render_with};
use super::{Form, Page, PageError, Query, Refused, Result, Section, User, redirect, render};
use app::Result as AppResult;
use app::lists::{ListName, ListQuery, ListUpdate, read_opt_out};
use domain::problem::Problem;
use storage::{List, OptOut};
use web::translate::mark;

/// Lists on a page.
const ROWS: u32 = 50;

/// The message after an action.
const DONE: [(&str, &str); 3] = [
    ("made", mark("The list is created.")),
    ("renamed", mark("The list is saved.")),
    ("removed", mark("The list is deleted. Its contacts are deleted in the background.")),
];

#[derive(Template)]
#[template(path = "lists.html")]
struct Lists {
    page: Page,
    lists: Vec<(List, u64)>,
    pager: Pager,
    name: String,
    error: Option<String>,
}

impl Lists {
    /// A line that makes a list.
    fn curl(&self) -> String {
        curl_list(&self.page.public_url)
    }

    async fn of(user: &User, query: &Query) -> Result<Self> {
        let mut pager = Pager::at("/lists", query.get("page"), ROWS);
        let queries = &user.app.queries;
        let found = queries.lists(&user.caller(), ListQuery::default(), pager.window()).await?;
        pager.total = found.total;
        let counts = queries.list_sizes(&found.rows).await?;
        let count = |list: &List| counts.get(&list.no).copied().unwrap_or_default();
        let lists =
            found.rows.into_iter().map(|list| (count(&list), list)).map(|(count, list)| (list, count));
        let page = user.page(Section::Lists).done(query.get("done"), &DONE);
        Ok(Self { page, lists: lists.collect(), pager, name: String::new(), error: None })
    }
}

/// All lists of the account.
pub async fn all(user: User, query: Query) -> Result {
    render(&Lists::of(&user, &query).await?)
}

/// Makes a list.
pub async fn make(form: Form) -> Result {
    let name = form.get("name");
    match create(&form.user, name).await.map_err(Refused::from) {
        Ok(()) => Ok(redirect("/lists?done=made")),
        Err(refused) => {
            let mut page = Lists::of(&form.user, &Query::default()).await?;
            name.clone_into(&mut page.name);
            page.error = Some(refused.text());
            render_with(refused.status, &page)
        }
    }
}

async fn create(user: &User, name: &str) -> AppResult<()> {
    user.app.commands.create_list(&user.caller(), ListName::parse(Some(name))?, None).await?;
    Ok(())
}

#[derive(Template)]
#[template(path = "list-rename.html")]
struct Rename {
    page: Page,
    list: Arc<List>,
    name: String,
    /// The word for what is done about opt-outs.
    opt_out: String,
    error: Option<String>,
}

/// Asks for a list's new name.
pub async fn ask_name(user: User, Path(id): Path<String>) -> Result {
    let list = user.list(&id).await?;
    let name = list.about.name.clone();
    let opt_out = list.about.opt_out.map_or("account", OptOut::name).to_owned();
    render(&Rename { page: user.page(Section::Lists), list, name, opt_out, error: None })
}

/// Gives a list another name.
pub async fn rename(Path(id): Path<String>, form: Form) -> Result {
    let list = form.user.list(&id).await?;
    let opt_out = form.get("opt_out");
    let change = || {
        let name = Some(ListName::parse(Some(form.get("name")))?);
        let opt_out = if opt_out.is_empty() { None } else { Some(read_opt_out(Some(opt_out))?) };
        Ok(ListUpdate { name, opt_out })
    };
    let saved = match change() {
        Ok(change) => form.user.app.commands.update_list(&form.user.caller(), &list, change).await,
        Err(problem) => Err(Problem::into(problem)),
    };
    match saved.map_err(Refused::from) {
        Ok(()) => Ok(redirect("/lists?done=renamed")),
        Err(refused) => {
            let (page, name) = (form.user.page(Section::Lists), form.get("name").to_owned());
            let opt_out = opt_out.to_owned();
            render_with(refused.status, &Rename { page, list, name, opt_out, error: Some(refused.text()) })
        }
    }
}

#[derive(Template)]
#[template(path = "list-remove.html")]
struct Remove {
    page: Page,
    list: Arc<List>,
    error: Option<String>,
}

/// Asks whether a list is to go.
pub async fn ask_removal(user: User, Path(id): Path<String>) -> Result {
    let list = user.list(&id).await?;
    render(&Remove { page: user.page(Section::Lists), list, error: None })
}

/// Removes a list whose name was typed.
pub async fn remove(Path(id): Path<String>, form: Form) -> Result {
    let list = form.user.list(&id).await?;
    let (commands, confirm) = (&form.user.app.commands, form.raw("confirm").to_owned());
    match commands.remove_list(&form.user.caller(), &list, confirm).await.map_err(Refused::from) {
        Ok(()) => Ok(redirect("/lists?done=removed")),
        Err(refused) => {
            let error = Some(refused.text());
            render_with(refused.status, &Remove { page: form.user.page(Section::Lists), list, error })
        }
    }
}

impl User {
    /// The account's list with that id.
    ///
    /// # Errors
    /// [`PageError::NotFound`] also where it is another account's.
    pub async fn list(&self, id: &str) -> Result<Arc<List>> {
        let list = self.app.queries.list(&self.caller(), id).await?;
        list.ok_or(PageError::NotFound)
    }
}
