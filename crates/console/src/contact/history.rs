//! The history of a contact: who has changed what, when, and by which request.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use super::Subject;
use super::form::text;
use crate::jobs::what;
use crate::page::Pager;
use crate::{Result, User};
use app::JOB;
use app::unsubscribe::Proof;
use domain::contact::field::Field;
use storage::Error;
use web::translate::{mark, t};
use wire::history::show_changes;

/// Changes of a page.
const ROWS: u32 = 20;

/// A page of it.
pub struct History {
    /// The newest first.
    pub changes: Vec<Change>,
    /// Which part it is.
    pub pager: Pager,
}

/// A change.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// When.
    pub changed_at: String,
    /// What was done.
    pub action: String,
    /// By which request.
    pub request_id: String,
    /// Which method was called.
    pub source: String,
    /// By whom: a user's name, or the name of an API key.
    #[serde(rename = "token")]
    pub by: String,
    /// The fields.
    pub changes: Vec<FieldChange>,
}

impl Change {
    /// What was done, in words.
    pub fn done(&self) -> &'static str {
        match self.action.as_str() {
            "created" => mark("Added"),
            "removed" => mark("Deleted"),
            _ => mark("Changed"),
        }
    }
}

/// A change of a field.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct FieldChange {
    /// What it is called.
    pub field: String,
    /// What it was.
    #[serde(deserialize_with = "in_words")]
    pub old: String,
    /// What it became.
    #[serde(deserialize_with = "in_words")]
    pub new: String,
}

fn in_words<'de, D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Object(cac) => format!("{} {}", text(&cac["value"]), text(&cac["currency"])),
        Value::Bool(is) => t(if is { mark("yes") } else { mark("no") }).to_string(),
        value => text(&value),
    })
}

impl History {
    /// Of a contact whose page has that address.
    pub async fn of(user: &User, subject: &Subject, address: String, page: &str) -> Result<Self> {
        let mut pager = Pager::at(address, page, ROWS);
        let (queries, named) = (&user.app.queries, vec![subject.identifier()?]);
        let found = queries.history(&user.caller(), &subject.list, named, pager.window()).await?;
        let Some(found) = found else { return Ok(Self { changes: Vec::new(), pager }) };
        pager.total = found.total;
        let shown = show_changes(&found.changes, &subject.list, &found.sources)?;
        // By its form on the wire: what a change looks like is decided in one place.
        let read = serde_json::to_value(shown).and_then(serde_json::from_value::<Vec<Change>>);
        let mut changes = read.map_err(|error| Error::Damaged(error.to_string()))?;
        let names = who(user).await?;
        for change in &mut changes {
            if let Some(name) = names.get(&change.by) {
                change.by.clone_from(name);
            }
            for field in &mut change.changes {
                field.field = called(&field.field);
            }
        }
        Ok(Self { changes, pager })
    }
}

/// The names of the account's users, API keys and jobs, as histories and requests name them.
pub async fn who(user: &User) -> Result<HashMap<String, String>> {
    let users = user.app.storage.users(user.signed_in.account).await?;
    let mut names: HashMap<_, _> =
        users.into_iter().map(|user| (format!("user:{}", user.id), user.name)).collect();
    names.extend(Proof::ALL.map(|proof| (proof.token().to_owned(), t(proof.label()).to_string())));
    let tokens = user.app.storage.tokens(Some(user.signed_in.account_id)).await?;
    let jobs = user.app.jobs.all(user.signed_in.account).await?;
    names.extend(jobs.iter().map(|job| (format!("{JOB}{}", job.key.id), what(&job.description.task))));
    names.extend(
        tokens
            .into_iter()
            .map(|token| (token.key, t("API key “{name}”").with("name", token.name).to_string())),
    );
    Ok(names)
}

/// What people call a field that the API names.
fn called(name: &str) -> String {
    let known = Field::ALL.into_iter().find(|field| field.name() == name);
    match (known, name.strip_prefix("variables.")) {
        (Some(field), _) if Field::FLAGS[1..].contains(&field) => {
            t("{label} channel").with("label", t(field.label())).to_string()
        }
        (Some(field), _) => t(field.label()).to_string(),
        (None, Some(variable)) => variable.to_owned(),
        (None, None) => name.to_owned(),
    }
}
