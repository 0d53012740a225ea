//! `/lists/{id}/variables`: the variables of a list.

use std::sync::Arc;

use askama::Template;
use axum::extract::Path;
use serde_json::json;

use super::page::{curl, number, show_with};
use super::{Form, Page, Query, Result, Section, Trouble, User, see, show};
use crate::http::contact_list::{ADD_VARIABLES, variables};
use crate::storage::{List, VariableKind};

/// What is told after something was done.
const DONE: [(&str, &str); 3] = [
    ("added", "The variable is there."),
    ("renamed", "The variable has its new name."),
    ("removed", "The variable is removed. Its values are deleted in the background."),
];

#[derive(Template)]
#[template(path = "console/variables.html")]
struct Variables {
    page: Page,
    list: Arc<List>,
    count: u64,
    name: String,
    is_date: bool,
    error: Option<String>,
}

impl Variables {
    async fn of(user: &User, id: &str, done: &str) -> Result<Self> {
        let list = user.list(id).await?;
        let count = super::contacts::count(user, &list).await?;
        let page = user.page(Section::Lists).done(done, &DONE);
        Ok(Self { page, list, count, name: String::new(), is_date: false, error: None })
    }
}

impl Variables {
    /// A line that adds a variable.
    fn curl(&self) -> String {
        let variables = r#"[{"name":"favouriteColour","type":"ENUM_STRING"}]"#;
        let body = format!(r#"{{"contactListId":"{}","variables":{variables}}}"#, self.list.id);
        curl(&self.page.public_url, "contact-list/variables/add", &body)
    }
}

#[derive(Template)]
#[template(path = "console/variable-rename.html")]
struct Rename {
    page: Page,
    list: Arc<List>,
    variable: String,
    name: String,
    error: Option<String>,
}

#[derive(Template)]
#[template(path = "console/variable-remove.html")]
struct Remove {
    page: Page,
    list: Arc<List>,
    variable: String,
    error: Option<&'static str>,
}

/// What a variable's values are, in words.
pub const fn kind_name(kind: &VariableKind) -> &'static str {
    match kind {
        VariableKind::String => "text",
        VariableKind::Date => "date",
    }
}

/// The variables.
pub async fn all(user: User, Path(id): Path<String>, query: Query) -> Result {
    show(&Variables::of(&user, &id, query.get("done")).await?)
}

/// Adds one.
pub async fn add(Path(id): Path<String>, form: Form) -> Result {
    let list = form.user.list(&id).await?;
    let is_date = form.get("type") == "date";
    let kind = if is_date { "ENUM_DATE" } else { "ENUM_STRING" };
    let variable = json!({ "name": form.get("name"), "type": kind });
    let body = json!({ "contactListId": list.id, "variables": [variable] });
    match form.user.call(&ADD_VARIABLES, &body).await {
        Ok(_) => Ok(see(&format!("/lists/{}/variables?done=added", list.id))),
        Err(refused) => {
            let page = Variables::of(&form.user, &id, "").await?;
            let (name, error) = (form.get("name").to_owned(), Some(refused.text()));
            show_with(refused.status, &Variables { name, is_date, error, ..page })
        }
    }
}

/// The list, where it has a variable of that name.
async fn find(user: &User, id: &str, name: &str) -> Result<Arc<List>> {
    let list = user.list(id).await?;
    if list.variable(name).is_some() { Ok(list) } else { Err(Trouble::NotFound) }
}

/// Asks for another name.
pub async fn ask_name(user: User, Path((id, variable)): Path<(String, String)>) -> Result {
    let list = find(&user, &id, &variable).await?;
    let (page, name) = (user.page(Section::Lists), variable.clone());
    show(&Rename { page, list, variable, name, error: None })
}

/// Gives a variable another name.
pub async fn rename(Path((id, variable)): Path<(String, String)>, form: Form) -> Result {
    let list = find(&form.user, &id, &variable).await?;
    let body = json!({ "contactListId": list.id, "name": variable, "newName": form.get("name") });
    match form.user.call(&variables::RENAME, &body).await {
        Ok(_) => Ok(see(&format!("/lists/{}/variables?done=renamed", list.id))),
        Err(refused) => {
            let (page, name) = (form.user.page(Section::Lists), form.get("name").to_owned());
            show_with(refused.status, &Rename { page, list, variable, name, error: Some(refused.text()) })
        }
    }
}

/// Asks whether a variable is to go.
pub async fn ask_removal(user: User, Path((id, variable)): Path<(String, String)>) -> Result {
    let list = find(&user, &id, &variable).await?;
    show(&Remove { page: user.page(Section::Lists), list, variable, error: None })
}

/// Removes a variable whose name was typed.
pub async fn remove(Path((id, variable)): Path<(String, String)>, form: Form) -> Result {
    let list = find(&form.user, &id, &variable).await?;
    if form.get("confirm") != variable {
        let error = Some("This is not the variable's name. Nothing was removed.");
        let page = form.user.page(Section::Lists);
        return show_with(axum::http::StatusCode::BAD_REQUEST, &Remove { page, list, variable, error });
    }
    let body = json!({ "contactListId": list.id, "names": [variable] });
    form.user.call(&variables::REMOVE, &body).await?;
    Ok(see(&format!("/lists/{}/variables?done=removed", list.id)))
}
