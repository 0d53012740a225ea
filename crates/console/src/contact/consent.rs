//! What was said about the flags of a contact, in sentences.

use super::Subject;
use super::history::who;
use crate::{Result, User};
use domain::apply::ledger::How;
use domain::clock::Timestamp;
use domain::contact::field::Field;
use domain::id::ObjectId;
use storage::Consent;
use web::translate::{mark, t};

/// Records that the page shows.
const LINES: usize = 50;

/// A record.
pub struct Line {
    /// What was said.
    pub what: String,
    /// When it was written down.
    pub at: Timestamp,
    /// Who sent it.
    pub by: String,
    /// By which request.
    pub request: ObjectId,
    /// What the sender said of it.
    pub details: Vec<(&'static str, String)>,
}

/// The newest records of a contact.
///
/// # Errors
/// The store failed.
pub async fn lines(user: &User, subject: &Subject) -> Result<Vec<Line>> {
    let named = vec![subject.identifier()?];
    let found = user.app.queries.consents(&user.caller(), subject.list.no, named).await?;
    let records = found.map(|found| found.records).unwrap_or_default();
    if records.is_empty() {
        return Ok(Vec::new());
    }
    let names = who(user).await?;
    let by = |token: &String| names.get(token).unwrap_or(token).clone();
    Ok(records.into_iter().take(LINES).map(|record| Line { by: by(&record.token), ..line(record) }).collect())
}

fn line(record: Consent) -> Line {
    let Consent { flag, value, at, request, how, token, proof, .. } = record;
    let what = match (flag, value) {
        (Field::Active, true) => t("Activated").to_string(),
        (Field::Active, false) => t("Deactivated").to_string(),
        (flag, true) => t("Subscribed to {channel}").with("channel", t(flag.label())).to_string(),
        (flag, false) => t("Unsubscribed from {channel}").with("channel", t(flag.label())).to_string(),
    };
    let what = match how {
        How::Request => what,
        How::Undo => t("{what} by an undo").with("what", what).to_string(),
        How::Merge => t("{what} by a merge").with("what", what).to_string(),
    };
    let time = |time: Option<Timestamp>| time.map(|time| format!("{time} UTC"));
    let details = [
        (mark("chosen"), time(proof.at)),
        (mark("confirmed"), time(proof.confirmed_at)),
        (mark("source"), proof.source),
        (mark("form"), proof.form),
        (mark("purpose"), proof.purpose),
        (mark("wording"), proof.wording),
        (mark("IP address"), proof.ip),
    ];
    let details = details.into_iter().filter_map(|(name, text)| Some((name, text?))).collect();
    Line { what, at, by: token, request, details }
}
