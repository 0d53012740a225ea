//! `/lists/{id}/variables`: the variables of a list.

use std::sync::Arc;

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;

use super::page::{curl, render_with};
use super::{Form, Page, PageError, Query, Refused, Result, Section, User, redirect, render};
use app::Result as AppResult;
use app::variables::{NewVariables, VariableName};
use storage::{List, VariableKind};
use web::translate::{mark, t};

/// The message after an action.
const DONE: [(&str, &str); 4] = [
    ("added", mark("The custom field is added.")),
    ("renamed", mark("The custom field is renamed.")),
    ("removed", mark("The custom field is deleted. Its values are deleted in the background.")),
    ("gone", mark("Nothing was changed. Another user has deleted this custom field.")),
];

#[derive(Template)]
#[template(path = "variables.html")]
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
#[template(path = "variable-rename.html")]
struct Rename {
    page: Page,
    list: Arc<List>,
    variable: String,
    number: u32,
    name: String,
    error: Option<String>,
}

#[derive(Template)]
#[template(path = "variable-remove.html")]
struct Remove {
    page: Page,
    list: Arc<List>,
    variable: String,
    number: u32,
    error: Option<String>,
}

/// What a variable's values are, in words.
pub const fn kind_name(kind: &VariableKind) -> &'static str {
    match kind {
        VariableKind::String => mark("text"),
        VariableKind::Date => mark("date"),
    }
}

/// The variables.
pub async fn all(user: User, Path(id): Path<String>, query: Query) -> Result {
    render(&Variables::of(&user, &id, query.get("done")).await?)
}

/// Adds one.
pub async fn add(Path(id): Path<String>, form: Form) -> Result {
    let list = form.user.list(&id).await?;
    let is_date = form.get("type") == "date";
    let kind = if is_date { VariableKind::Date } else { VariableKind::String };
    match add_one(&form.user, &list, form.get("name"), kind).await.map_err(Refused::from) {
        Ok(()) => Ok(redirect(&format!("/lists/{}/variables?done=added", list.id))),
        Err(refused) => {
            let page = Variables::of(&form.user, &id, "").await?;
            let (name, error) = (form.get("name").to_owned(), Some(refused.text()));
            render_with(refused.status, &Variables { name, is_date, error, ..page })
        }
    }
}

async fn add_one(user: &User, list: &List, name: &str, kind: VariableKind) -> AppResult<()> {
    let mut new = NewVariables::of(Some(list));
    new.push(VariableName::parse(Some(name))?, kind)?;
    user.app.commands.add_variables(&user.caller(), list, new).await
}

/// The list and the number of its variable of that name.
async fn find(user: &User, id: &str, name: &str) -> Result<(Arc<List>, u32)> {
    let list = user.list(id).await?;
    let number = list.variable(name).map(|variable| variable.number).ok_or(PageError::NotFound)?;
    Ok((list, number))
}

/// A variable that a form is about, by its number: the name in the address may be another variable's by now.
enum Meant {
    /// It has the name that the form shows.
    Same(Arc<List>, u32),
    /// It was renamed since the form was opened, to this.
    Renamed(Arc<List>, u32, String),
    /// It was removed since.
    Gone(Arc<List>),
}

impl Meant {
    async fn of(form: &Form, id: &str, name: &str) -> Result<Self> {
        let list = form.user.list(id).await?;
        let known = list.variables.iter().find(|known| known.number.to_string() == form.get("number"));
        Ok(match known.map(|known| (known.number, known.name.clone())) {
            Some((number, now)) if now == name => Self::Same(list, number),
            Some((number, now)) => Self::Renamed(list, number, now),
            None => Self::Gone(list),
        })
    }
}

/// What a form says whose variable was renamed since it was opened.
fn renamed_text(before: &str) -> String {
    t("Nothing was changed. This custom field was called “{before}” when you opened the form.")
        .with("before", before)
        .to_string()
}

/// Asks for another name.
pub async fn ask_name(user: User, Path((id, variable)): Path<(String, String)>) -> Result {
    let (list, number) = find(&user, &id, &variable).await?;
    let (page, name) = (user.page(Section::Lists), variable.clone());
    render(&Rename { page, list, variable, number, name, error: None })
}

/// Gives a variable another name.
pub async fn rename(Path((id, variable)): Path<(String, String)>, form: Form) -> Result {
    let (page, name) = (form.user.page(Section::Lists), form.get("name").to_owned());
    let (list, number) = match Meant::of(&form, &id, &variable).await? {
        Meant::Same(list, number) => (list, number),
        Meant::Gone(list) => return Ok(redirect(&format!("/lists/{}/variables?done=gone", list.id))),
        Meant::Renamed(list, number, now) => {
            let error = Some(renamed_text(&variable));
            let page = Rename { page, list, variable: now, number, name, error };
            return render_with(StatusCode::CONFLICT, &page);
        }
    };
    let (commands, caller) = (&form.user.app.commands, form.user.caller());
    let renamed = match VariableName::parse(Some(&name)) {
        Ok(new_name) => commands.rename_variable(&caller, &list, variable.clone(), new_name).await,
        Err(problem) => Err(problem.into()),
    };
    match renamed.map_err(Refused::from) {
        Ok(()) => Ok(redirect(&format!("/lists/{}/variables?done=renamed", list.id))),
        Err(refused) => {
            let error = Some(refused.text());
            render_with(refused.status, &Rename { page, list, variable, number, name, error })
        }
    }
}

/// Asks whether a variable is to go.
pub async fn ask_removal(user: User, Path((id, variable)): Path<(String, String)>) -> Result {
    let (list, number) = find(&user, &id, &variable).await?;
    render(&Remove { page: user.page(Section::Lists), list, variable, number, error: None })
}

/// Removes a variable whose name was typed.
pub async fn remove(Path((id, variable)): Path<(String, String)>, form: Form) -> Result {
    let page = form.user.page(Section::Lists);
    let (list, number) = match Meant::of(&form, &id, &variable).await? {
        Meant::Same(list, number) => (list, number),
        Meant::Gone(list) => return Ok(redirect(&format!("/lists/{}/variables?done=gone", list.id))),
        Meant::Renamed(list, number, now) => {
            let error = Some(renamed_text(&variable));
            return render_with(StatusCode::CONFLICT, &Remove { page, list, variable: now, number, error });
        }
    };
    if form.get("confirm") != variable {
        let error = Some(t("That does not match the name. Nothing was deleted.").to_string());
        return render_with(StatusCode::BAD_REQUEST, &Remove { page, list, variable, number, error });
    }
    form.user.app.commands.remove_variables(&form.user.caller(), &list, vec![variable]).await?;
    Ok(redirect(&format!("/lists/{}/variables?done=removed", list.id)))
}
