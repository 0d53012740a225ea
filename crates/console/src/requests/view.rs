//! Requests as pages show them. Pure.

use std::collections::HashMap;

use app::JOB;
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::BatchKind;
use storage::{
    DeliveryEnd, DeliveryState, DeliveryStatus, ItemResult, Request, RequestState, RequestSummary, TakenBy,
};
use web::translate::{mark, t};
use wire::request::state_name;

/// A request in a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its id.
    pub id: ObjectId,
    /// What it asked for.
    pub asked: &'static str,
    /// How far it has come.
    pub state: Pill,
    /// The id of its list; `None` where it is about none.
    pub list: Option<ObjectId>,
    /// The list's name; its id where the list is gone.
    pub list_name: String,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// Items that were applied, and that were not.
    pub counts: Option<(usize, usize)>,
    /// How its webhook fares.
    pub webhook: Option<Pill>,
    /// Who sent it.
    pub sender: String,
}

/// A word with a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pill {
    /// The word.
    pub text: &'static str,
    /// Its class in the style sheet.
    pub class: &'static str,
}

/// Who sent requests, in words: `senders` are the names of the account's keys, users and jobs.
pub fn sender(token: &str, senders: &HashMap<String, String>) -> String {
    match senders.get(token) {
        Some(name) => name.clone(),
        None if token.starts_with(JOB) => t("a deleted job").to_string(),
        None => token.to_owned(),
    }
}

/// A request in a table. `names` are those of the account's lists.
pub fn line(
    request: &RequestSummary,
    names: &HashMap<ObjectId, String>,
    senders: &HashMap<String, String>,
) -> Line {
    let list = is_about_list(request.kind, request.list).then_some(request.list);
    Line {
        id: request.id,
        asked: asked(request.kind),
        state: state(request.state),
        list,
        list_name: list
            .map(|list| names.get(&list).cloned().unwrap_or_else(|| list.to_string()))
            .unwrap_or_default(),
        created_at: request.created_at,
        counts: request.counts.map(|counts| (counts.success, counts.errors)),
        webhook: request.delivery.map(|delivery| webhook(delivery.state)),
        sender: sender(&request.token, senders),
    }
}

/// An erase is about all lists of the account.
pub fn is_about_list(kind: BatchKind, list: ObjectId) -> bool {
    kind != BatchKind::Erase && list.to_bytes() != [0; 12]
}

/// What a request asks for, in words.
pub const fn asked(kind: BatchKind) -> &'static str {
    match kind {
        BatchKind::Update | BatchKind::UpdateExact | BatchKind::UpdateByNumber => mark("Update"),
        BatchKind::Upsert | BatchKind::UpsertExact => mark("Update or add"),
        BatchKind::Add => mark("Add"),
        BatchKind::Remove => mark("Delete"),
        BatchKind::Undo => mark("Undo"),
        BatchKind::Erase => mark("Erase"),
        BatchKind::Merge => mark("Merge"),
    }
}

/// How far a request has come.
pub const fn state(state: RequestState) -> Pill {
    let class = match state {
        RequestState::Queued => "",
        RequestState::Processing => "busy",
        RequestState::Processed => "good",
    };
    Pill { text: state_name(state), class }
}

/// How a webhook fares.
pub const fn webhook(state: DeliveryState) -> Pill {
    match state {
        DeliveryState::Pending => Pill { text: mark("pending"), class: "" },
        DeliveryState::Delivered => Pill { text: mark("delivered"), class: "good" },
        DeliveryState::Failed => Pill { text: mark("failed"), class: "bad" },
    }
}

/// What became of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its place in the request, from 1.
    pub place: usize,
    /// What was done, or that nothing was.
    pub outcome: Pill,
    /// The contact's id, where it has a page.
    pub contact: Option<ObjectId>,
    /// Who it is about, as far as that is known: e-mail, phone number, user id.
    pub who: Vec<String>,
    /// Why it was not done, or what was not.
    pub why: Vec<String>,
}

impl Item {
    /// Whether nothing was done.
    pub fn is_failed(&self) -> bool {
        self.outcome == FAILED
    }
}

/// What became of the items: those that failed first, each half in the order of the request.
pub fn items(request: &Request) -> Vec<Item> {
    let mut items: Vec<_> =
        request.results.iter().enumerate().map(|(index, result)| item(request.kind, index, result)).collect();
    items.sort_by_key(|item| !item.is_failed());
    items
}

const FAILED: Pill = Pill { text: mark("failed"), class: "bad" };

fn item(kind: BatchKind, index: usize, result: &ItemResult) -> Item {
    let place = index + 1;
    let who = |email: &Option<String>, phone: &Option<String>, user_id: &Option<String>| {
        [email, phone, user_id].into_iter().flatten().cloned().collect()
    };
    match result {
        ItemResult::Done { action, id, identifiers, undone, notes } => {
            use domain::apply::outcome::Action;
            let is_there = !matches!(action, Action::Removed | Action::Erased) && kind != BatchKind::Erase;
            let kept = undone.iter().flat_map(|undone| &undone.kept);
            Item {
                place,
                outcome: Pill {
                    text: action.name(),
                    class: if *action == Action::Unchanged { "" } else { "good" },
                },
                contact: id.filter(|_| is_there),
                who: who(&identifiers.email, &identifiers.phone_number, &identifiers.user_id),
                why: kept
                    .map(|(field, failure)| format!("{field}: {}", t(failure.text())))
                    .chain(notes.iter().map(|note| format!("{}: {}", note.field.name(), t(note.code.text()))))
                    .collect(),
            }
        }
        ItemResult::Failed { failure, asked, taken } => Item {
            place,
            outcome: FAILED,
            contact: None,
            who: who(&asked.email, &asked.phone_number, &asked.user_id),
            why: vec![TakenBy::text(*failure, taken.as_ref()).into_owned()],
        },
    }
}

/// What a webhook's last attempt met with, in words.
pub fn end(end: DeliveryEnd) -> String {
    match end {
        DeliveryEnd::Delivered => t("taken").to_string(),
        DeliveryEnd::Status(status) => t("answered with status {status}").with("status", status).to_string(),
        DeliveryEnd::TimedOut => t("no answer within 1.5 seconds").to_string(),
        DeliveryEnd::NoConnection => t("the receiver could not be reached").to_string(),
        DeliveryEnd::NoTls => t("the TLS handshake failed").to_string(),
        DeliveryEnd::NoAnswer => t("the connection broke before an answer came").to_string(),
        DeliveryEnd::Forbidden => t("its address is private, and the server may not send there").to_string(),
        DeliveryEnd::Unsigned => t("the account has no secret to sign it with").to_string(),
        DeliveryEnd::Broken => t("the attempt went wrong in the server; its log says why").to_string(),
        DeliveryEnd::HostNotFound => t("the host name has no address").to_string(),
        DeliveryEnd::HostTimedOut => t("the host name was not resolved within 1.5 seconds").to_string(),
        DeliveryEnd::Refused => t("the receiver refused the connection").to_string(),
        DeliveryEnd::ConnectTimedOut => t("no connection within 1.5 seconds").to_string(),
        DeliveryEnd::UnknownCa => t("the certificate is not from a trusted authority").to_string(),
        DeliveryEnd::Expired => t("the certificate has expired").to_string(),
        DeliveryEnd::NotYetValid => t("the certificate is not valid yet").to_string(),
        DeliveryEnd::WrongName => t("the certificate is for another host name").to_string(),
        DeliveryEnd::BadCertificate => t("the certificate is invalid").to_string(),
        DeliveryEnd::TlsProtocol => t("the receiver does not speak TLS 1.2 or 1.3").to_string(),
        DeliveryEnd::NoRoots => t("this server has no trusted root certificates").to_string(),
        DeliveryEnd::NotHttp => t("the answer is not HTTP/1.1").to_string(),
    }
}

/// What the page of a request reports of what its user has just done: the name of that, and what is true of it by now.
/// `kept`: whether the request left something undone in an item that did not fail.
pub fn notice(done: &str, request: &Request, kept: bool) -> Option<(&'static str, &'static str)> {
    const APPLIED: [(&str, &str); 5] = [
        ("removed", mark("The contact is deleted from the list. Undo this request to bring it back.")),
        ("saving", mark("The changes are saved.")),
        ("adding", mark("The contact is added.")),
        ("erasing", mark("The person is erased.")),
        ("undoing", mark("The request is undone. This page is about the undo, which you can undo too.")),
    ];
    if done == "resent" {
        return Some(("resent", mark("The webhook is queued to be sent again, with all its attempts.")));
    }
    let (name, applied) = APPLIED.into_iter().find(|(name, _)| *name == done)?;
    let is_failed = |result: &ItemResult| matches!(result, ItemResult::Failed { .. });
    let failed = request.results.iter().filter(|result| is_failed(result)).count();
    let text = match (request.state, failed) {
        (RequestState::Queued | RequestState::Processing, _) => {
            mark("Accepted, and not applied yet. Nothing has changed so far.")
        }
        (RequestState::Processed, 0) if kept => {
            mark("Undone in part. The table below lists what was left as it is.")
        }
        (RequestState::Processed, 0) => applied,
        (RequestState::Processed, failed) if failed == request.results.len() => {
            mark("Nothing was changed. The table below shows the reason.")
        }
        (RequestState::Processed, _) => mark("Done in part. The table below shows what failed."),
    };
    Some((name, text))
}

/// A webhook as the page of a request tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebHook {
    /// Where it goes.
    pub uri: String,
    /// How it fares.
    pub state: Pill,
    /// How often it was sent.
    pub attempts: u32,
    /// When it is sent next.
    pub next_at: Option<Timestamp>,
    /// When it was sent last, and what that came to.
    pub last: Option<(Timestamp, String)>,
    /// Whether it can be sent again by hand.
    pub can_resend: bool,
}

/// The webhook of a request.
pub fn web_hook(request: &Request) -> Option<WebHook> {
    let DeliveryStatus { state, attempts, next_at, last } = request.delivery?;
    Some(WebHook {
        uri: request.webhook.clone().unwrap_or_default(),
        state: webhook(state),
        attempts,
        next_at,
        last: last.map(|(at, met)| (at, end(met))),
        can_resend: request.state == RequestState::Processed,
    })
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use domain::apply::outcome::{Action, Failure};
    use domain::contact::identifier::Identifiers;
    use storage::UndoneFields;

    fn request(kind: BatchKind, results: Vec<ItemResult>) -> Request {
        let time = Timestamp::from_millis(1_791_993_600_000);
        Request {
            id: ObjectId::from_bytes([1; 12]),
            list: ObjectId::from_bytes([2; 12]),
            kind,
            state: RequestState::Processed,
            webhook: Some("https://example.com/hook".to_owned()),
            created_at: time,
            updated_at: time,
            results,
            delivery: None,
        }
    }

    fn done(action: Action) -> ItemResult {
        let identifiers = Identifiers { email: Some("a@example.com".to_owned()), ..Identifiers::default() };
        ItemResult::Done {
            action,
            id: Some(ObjectId::from_bytes([3; 12])),
            identifiers,
            undone: None,
            notes: Vec::new(),
        }
    }

    #[test]
    fn what_failed_stands_first_and_the_rest_in_its_order() {
        let asked = Identifiers { user_id: Some("x".to_owned()), ..Identifiers::default() };
        let failed = ItemResult::Failed { failure: Failure::ContactNotFound, asked, taken: None };
        let items =
            items(&request(BatchKind::Update, vec![done(Action::Created), failed, done(Action::Removed)]));
        let places: Vec<_> = items.iter().map(|item| item.place).collect();
        assert_eq!(places, [2, 1, 3]);
        assert_eq!(items[0].who, ["x"]);
        assert_eq!(items[0].why, [Failure::ContactNotFound.text()]);
        assert!(items[1].contact.is_some() && items[2].contact.is_none(), "a page is there for who is there");
    }

    #[test]
    fn a_request_that_waits_or_failed_is_not_reported_as_done() {
        let asked = Identifiers::default();
        let failed =
            || ItemResult::Failed { failure: Failure::ContactNotFound, asked: asked.clone(), taken: None };
        let text = |request: &Request, kept| notice("undoing", request, kept).expect("a notice").1;
        let mut request = request(BatchKind::Undo, vec![failed()]);
        assert_eq!(text(&request, false), "Nothing was changed. The table below shows the reason.");
        request.results.push(done(Action::Updated));
        assert_eq!(text(&request, false), "Done in part. The table below shows what failed.");
        request.results.remove(0);
        assert_eq!(text(&request, true), "Undone in part. The table below lists what was left as it is.");
        assert!(text(&request, false).starts_with("The request is undone."));
        request.state = RequestState::Queued;
        assert_eq!(text(&request, false), "Accepted, and not applied yet. Nothing has changed so far.");
        assert_eq!(notice("nonsense", &request, false), None);
    }

    #[test]
    fn what_an_undo_has_kept_is_told() {
        let ItemResult::Done { id, identifiers, .. } = done(Action::Updated) else { return };
        let kept = vec![("name".to_owned(), Failure::ChangedSince)];
        let undone = Some(UndoneFields { restored: vec![], kept });
        let result = ItemResult::Done { action: Action::Updated, id, identifiers, undone, notes: Vec::new() };
        let items = items(&request(BatchKind::Undo, vec![result]));
        assert_eq!(items[0].why, ["name: It was changed again after the request"]);
    }

    #[test]
    fn a_webhook_tells_why_it_failed() {
        let mut request = request(BatchKind::Update, vec![]);
        assert_eq!(web_hook(&request), None);
        let at = request.created_at;
        let last = Some((at, DeliveryEnd::Status(503)));
        request.delivery =
            Some(DeliveryStatus { state: DeliveryState::Failed, attempts: 16, next_at: None, last });
        let told = web_hook(&request).expect("a webhook");
        assert_eq!(told.last, Some((at, "answered with status 503".to_owned())));
        assert_eq!((told.state.class, told.can_resend), ("bad", true));
    }
}
