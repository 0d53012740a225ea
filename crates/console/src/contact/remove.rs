//! Removing a contact, erasing a person, and taking out what is kept about one.

use askama::Template;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::Response;

use super::{At, Outcome, Subject};
use crate::page::render_with;
use crate::{Form, Page, Result, Section, User, redirect, render};
use app::contacts::Removal;
use app::person::Identifiers;
use domain::contact::document::Document;
use domain::contact::identifier::IdentifierKind;
use domain::journal::ItemsWriter;
use web::translate::{mark, t};
use wire::person::Exported;

#[derive(Template)]
#[template(path = "contact-remove.html")]
struct RemovePage {
    page: Page,
    subject: Subject,
}

#[derive(Template)]
#[template(path = "contact-erase.html")]
struct ErasePage {
    page: Page,
    subject: Subject,
    /// What is to be typed.
    phrase: String,
    /// By what the person is looked for.
    identifiers: Identifiers,
    error: Option<&'static str>,
    /// Why the erase was not applied.
    failed: Option<String>,
}

/// Asks whether a contact is to go.
pub async fn ask_removal(user: User, at: At) -> Result {
    let subject = Subject::find(&user, &at).await?;
    render(&RemovePage { page: user.page(Section::Lists), subject })
}

/// Removes a contact, and leads to the request, where that can be undone.
pub async fn remove(at: At, form: Form) -> Result {
    let user = &form.user;
    let subject = Subject::find(user, &at).await?;
    let (kind, text) = subject.identifier()?;
    let mut items = ItemsWriter::default();
    items.add(kind, &text, &[]);
    let removal = Removal { list: &subject.list, items, webhook: None, dry_run: false };
    let commands = &user.app.commands;
    let accepted = commands.remove_contacts(&user.caller(), commands.submission(), removal).await?;
    let (Outcome::Pending(request) | Outcome::Applied(request, _)) =
        Outcome::of(user, accepted.request).await?;
    Ok(redirect(&format!("/requests/{request}?done=removed")))
}

fn erase_page(user: &User, subject: Subject, error: Option<&'static str>) -> Result<ErasePage> {
    let identifiers = identifiers(&subject)?;
    let phrase = identifiers.first().map(|(_, text)| text.clone()).unwrap_or_default();
    Ok(ErasePage { page: user.page(Section::Lists), subject, phrase, identifiers, error, failed: None })
}

fn identifiers(subject: &Subject) -> Result<Identifiers> {
    let document = Document::read(&subject.contact.document).map_err(crate::contacts::damaged)?;
    let borne = document.identifiers().map_err(crate::contacts::damaged)?;
    let kinds = [IdentifierKind::Email, IdentifierKind::UserId, IdentifierKind::PhoneNumber];
    let text = |kind| borne.get(kind).map(str::to_owned);
    Ok(kinds.into_iter().filter_map(|kind| Some((kind, text(kind)?))).collect())
}

/// Asks whether a person is to be erased, and says what that does.
pub async fn ask_erasure(user: User, at: At) -> Result {
    let subject = Subject::find(&user, &at).await?;
    render(&erase_page(&user, subject, None)?)
}

/// Erases a person whose identifier was typed.
pub async fn erase(at: At, form: Form) -> Result {
    let user = &form.user;
    let subject = Subject::find(user, &at).await?;
    let page = erase_page(user, subject, Some(mark("That does not match. Nothing was erased.")))?;
    if form.get("confirm") != page.phrase.trim() {
        return render_with(axum::http::StatusCode::BAD_REQUEST, &page);
    }
    let commands = &user.app.commands;
    let accepted = commands.erase(&user.caller(), commands.submission(), &page.identifiers, None).await?;
    let outcome = Outcome::of(user, accepted.request).await?;
    match (outcome.failure(), outcome) {
        (Some(failure), _) => {
            let failed = Some(format!("{} {}", t("Nothing was erased."), t(failure.text())));
            render_with(axum::http::StatusCode::CONFLICT, &ErasePage { error: None, failed, ..page })
        }
        (None, Outcome::Pending(request)) => Ok(redirect(&format!("/requests/{request}?done=erasing"))),
        (None, Outcome::Applied(..)) => Ok(redirect(&format!("/lists/{}?done=erased", page.subject.list.id))),
    }
}

/// All that is kept about the person, as a file.
pub async fn export(user: User, at: At) -> Result {
    let subject = Subject::find(&user, &at).await?;
    let person = user.app.queries.person(&user.caller(), identifiers(&subject)?).await?;
    // Only a map with keys that are no strings could fail, and there is none.
    let text = serde_json::to_vec_pretty(&Exported::of(person)?).unwrap_or_default();
    let mut response = Response::new(text.into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let name = format!("attachment; filename=\"person-{}.json\"", subject.id);
    // An id is hex digits.
    headers.insert(
        CONTENT_DISPOSITION,
        HeaderValue::from_str(&name).unwrap_or(HeaderValue::from_static("attachment")),
    );
    Ok(response)
}
