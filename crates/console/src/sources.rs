//! `/sources`: where contacts come from.

use std::sync::Arc;

use askama::Template;
use axum::extract::Path;

use super::page::{Pager, curl, render_with};
use super::{Form, Page, PageError, Query, Refused, Result, Section, User, redirect, render};
use app::Refusal;
use app::contacts::patch;
use app::sources::{CustomerId, NewSource, SourceChange, SourceName};
use domain::contact::amount::Amount;
use domain::id::ObjectId;
use storage::{Source, SourceFilter, SourceRef};
use web::translate::mark;

/// Sources on a page.
const ROWS: u32 = 50;

/// The message after an action.
const DONE: [(&str, &str); 3] = [
    ("added", mark("The source is added.")),
    ("changed", mark("The source is changed.")),
    ("removed", mark("The source is deleted. Contacts from it keep their cost.")),
];

#[derive(Template)]
#[template(path = "sources.html")]
struct Sources {
    page: Page,
    sources: Vec<Source>,
    pager: Pager,
    form: SourceForm,
}

#[derive(Template)]
#[template(path = "source.html")]
struct SourcePage {
    page: Page,
    source: Arc<Source>,
    form: SourceForm,
}

#[derive(Template)]
#[template(path = "source-remove.html")]
struct RemovePage {
    page: Page,
    source: Arc<Source>,
    error: Option<&'static str>,
}

/// What a form says of a source, and what is wrong with it.
#[derive(Default)]
struct SourceForm {
    name: String,
    customer_source_id: String,
    value: String,
    currency: String,
    name_error: Option<String>,
    customer_error: Option<String>,
    cac_error: Option<String>,
    error: Option<String>,
}

impl SourceForm {
    fn of(source: &Source) -> Self {
        Self {
            name: source.name.clone(),
            customer_source_id: source.customer_source_id.clone().unwrap_or_default(),
            value: source.cac.as_ref().map(|cac| cac.value.to_string()).unwrap_or_default(),
            currency: source.cac.as_ref().map(|cac| cac.currency.as_str().to_owned()).unwrap_or_default(),
            ..Self::default()
        }
    }

    fn read(form: &Form) -> Self {
        Self {
            name: form.get("name").to_owned(),
            customer_source_id: form.get("customerSourceId").to_owned(),
            value: form.get("cac.value").to_owned(),
            currency: form.get("cac.currency").to_owned(),
            ..Self::default()
        }
    }

    /// What it says: what is empty is cleared.
    fn parse(&self) -> std::result::Result<NewSource, Refused> {
        let (name, customer_id) =
            (SourceName::parse(Some(&self.name)), CustomerId::parse(Some(&self.customer_source_id)));
        let cac = match self.value.is_empty() {
            true => Ok(None),
            false => patch::cac(Amount::parse(&self.value), &self.currency).map(Some),
        };
        match (name, customer_id, cac) {
            (Ok(name), Ok(customer_id), Ok(cac)) => Ok(NewSource { name, customer_id, cac }),
            (name, customer_id, cac) => {
                let mut problems: Vec<_> = name.err().into_iter().chain(customer_id.err()).collect();
                problems.extend(cac.err().unwrap_or_default());
                Err(Refusal::Invalid(problems).into())
            }
        }
    }

    fn refused(self, refused: &Refused) -> Self {
        let cac = ["cac", "cac.value", "cac.currency"].into_iter().find_map(|field| refused.of(field));
        let known = ["name", "customerSourceId", "cac", "cac.value", "cac.currency"];
        Self {
            name_error: refused.of("name"),
            customer_error: refused.of("customerSourceId"),
            cac_error: cac,
            error: refused.beside(&known),
            ..self
        }
    }
}

impl Sources {
    async fn of(user: &User, query: &Query, form: SourceForm) -> Result<Self> {
        let mut pager = Pager::at("/sources", query.get("page"), ROWS);
        let filter = SourceFilter::default();
        let found = user.app.queries.sources(&user.caller(), filter, pager.window()).await?;
        pager.total = found.total;
        let page = user.page(Section::Sources).done(query.get("done"), &DONE);
        Ok(Self { page, sources: found.rows, pager, form })
    }
}

impl Sources {
    /// A line that adds a source.
    fn curl(&self) -> String {
        let body = r#"{"name":"Newsletter form","customerSourceId":"newsletter"}"#;
        curl(&self.page.public_url, "contact-source/add", body)
    }
}

/// All sources of the account.
pub async fn all(user: User, query: Query) -> Result {
    render(&Sources::of(&user, &query, SourceForm::default()).await?)
}

/// Makes a source.
pub async fn add(form: Form) -> Result {
    let source = SourceForm::read(&form);
    let added = match source.parse() {
        Ok(new) => form.user.app.commands.add_source(&form.user.caller(), new).await.map_err(Refused::from),
        Err(refused) => Err(refused),
    };
    match added {
        Ok(_) => Ok(redirect("/sources?done=added")),
        Err(refused) => {
            let page = Sources::of(&form.user, &Query::default(), source.refused(&refused)).await?;
            render_with(refused.status, &page)
        }
    }
}

async fn find(user: &User, id: &str) -> Result<Arc<Source>> {
    let id = ObjectId::parse(id).ok_or(PageError::NotFound)?;
    let found = user.app.queries.source(&user.caller(), SourceRef::Id(id)).await?;
    found.ok_or(PageError::NotFound)
}

/// A source, to be changed.
pub async fn one(user: User, Path(id): Path<String>) -> Result {
    let source = find(&user, &id).await?;
    let form = SourceForm::of(&source);
    render(&SourcePage { page: user.page(Section::Sources), source, form })
}

/// Changes a source.
pub async fn change(Path(id): Path<String>, form: Form) -> Result {
    let source = find(&form.user, &id).await?;
    let read = SourceForm::read(&form);
    let changed = match read.parse() {
        Ok(NewSource { name, customer_id, cac }) => {
            let change = SourceChange { name: Some(name), customer_id: Some(customer_id), cac: Some(cac) };
            let (commands, caller) = (&form.user.app.commands, form.user.caller());
            commands.change_source(&caller, &source, change).await.map_err(Refused::from)
        }
        Err(refused) => Err(refused),
    };
    match changed {
        Ok(()) => Ok(redirect("/sources?done=changed")),
        Err(refused) => {
            let (page, form) = (form.user.page(Section::Sources), read.refused(&refused));
            render_with(refused.status, &SourcePage { page, source, form })
        }
    }
}

/// Asks whether a source is to go.
pub async fn ask_removal(user: User, Path(id): Path<String>) -> Result {
    let source = find(&user, &id).await?;
    render(&RemovePage { page: user.page(Section::Sources), source, error: None })
}

/// Removes a source whose name was typed.
pub async fn remove(Path(id): Path<String>, form: Form) -> Result {
    let source = find(&form.user, &id).await?;
    if form.get("confirm") != source.name.trim() {
        let error = Some(mark("That does not match the name. Nothing was deleted."));
        let page = form.user.page(Section::Sources);
        return render_with(axum::http::StatusCode::BAD_REQUEST, &RemovePage { page, source, error });
    }
    let sources = vec![SourceRef::Id(source.id)];
    form.user.app.commands.remove_sources(&form.user.caller(), sources).await?;
    Ok(redirect("/sources?done=removed"))
}
