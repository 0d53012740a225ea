//! `/lists/{id}/duplicates`: contacts that may be one person, and their merge.

use std::sync::Arc;

use askama::Template;
use axum::extract::Path;

use super::contact::Outcome;
use super::{Form, Page, Query, Result, Section, User, redirect, render};
use app::duplicates::{Alike, Group, Merge};
use domain::apply::merge::Asked;
use domain::contact::likeness::Reason;
use domain::id::ObjectId;
use domain::journal::ContactNo;
use storage::List;
use web::translate::mark;

/// Groups on a page.
const GROUPS: usize = 20;

/// The message after an action.
const DONE: [(&str, &str); 3] = [
    ("merged", mark("The contacts are merged. To take it back, undo the request under API activity.")),
    ("failed", mark("Some contacts could not be merged: another user changed or deleted them.")),
    ("none", mark("Choose the contact to keep.")),
];

#[derive(Template)]
#[template(path = "duplicates.html")]
struct Duplicates {
    page: Page,
    list: Arc<List>,
    groups: Vec<Shown>,
    next: Option<String>,
}

/// A group as the page shows it.
struct Shown {
    why: &'static str,
    score: u8,
    count: u64,
    contacts: Vec<ShownContact>,
}

struct ShownContact {
    id: ObjectId,
    email: String,
    phone: String,
    user_id: String,
}

impl Shown {
    fn of(list: &List, group: Group) -> Self {
        let why = match group.reason {
            Reason::Phone => mark("Same phone number"),
            Reason::EmailProvider => mark("Same mailbox"),
            Reason::EmailTag => mark("Same address but for its tag"),
            Reason::Email => mark("Same address"),
            Reason::NameAndBirthday => mark("Same name and birthday"),
        };
        let contact = |alike: Alike| ShownContact {
            id: ObjectId::of_contact(list.id, alike.number.0),
            email: alike.identifiers.email.unwrap_or_default(),
            phone: alike.identifiers.phone_number.unwrap_or_default(),
            user_id: alike.identifiers.user_id.unwrap_or_default(),
        };
        let contacts = group.contacts.into_iter().map(contact).collect();
        Self { why, score: group.reason.score(), count: group.count, contacts }
    }
}

/// The groups behind `after`.
pub async fn all(user: User, Path(id): Path<String>, query: Query) -> Result {
    let list = user.list(&id).await?;
    let after = u64::from_str_radix(query.get("after"), 16).unwrap_or_default();
    let found = user.app.queries.duplicates(&user.caller(), &list, after, GROUPS).await?;
    render(&Duplicates {
        page: user.page(Section::Lists).done(query.get("done"), &DONE),
        groups: found.groups.into_iter().map(|group| Shown::of(&list, group)).collect(),
        next: found.next.map(|next| format!("{next:016x}")),
        list,
    })
}

/// Merges the contacts of a group into the one that was chosen, one after the other.
pub async fn merge(Path(id): Path<String>, form: Form) -> Result {
    let (user, list) = (&form.user, form.user.list(&id).await?);
    let back = |done: &str| Ok(redirect(&format!("/lists/{}/duplicates?done={done}", list.id)));
    let number = |id: &str| ObjectId::parse(id)?.contact_number(list.id).map(ContactNo);
    let Some(winner) = number(form.get("winner")) else { return back("none") };
    let losers: Vec<_> = form.all("contact").filter_map(number).filter(|loser| *loser != winner).collect();
    let commands = &user.app.commands;
    for loser in losers {
        let asked = Asked { winner, loser, rules: Vec::new() };
        let merge = Merge { list: &list, asked, webhook: None, dry_run: false };
        let accepted = commands.merge_contacts(&user.caller(), commands.submission(), merge).await?;
        if Outcome::of(user, accepted.request).await?.failure().is_some() {
            return back("failed");
        }
    }
    back("merged")
}
