//! `/requests/rejected`: why nothing arrives.

use askama::Template;
use url::form_urlencoded;

use super::view;
use crate::contact::history::who;
use crate::page::{Pager, address};
use crate::{Page, Query, Result, Section, User, render};
use domain::clock::Timestamp;
use storage::{HOUR, Rejection, RejectionFilter};

/// Rows on a page.
const ROWS: u32 = 100;

#[derive(Template)]
#[template(path = "requests-rejected.html")]
struct Rejected {
    page: Page,
    keys: Vec<(String, String)>,
    key: String,
    code: String,
    filtered: bool,
    lines: Vec<Line>,
    pager: Pager,
}

struct Line {
    hour: Timestamp,
    key: String,
    rejection: Rejection,
}

/// Rejected requests by hour, code and key.
pub async fn rejected(user: User, query: Query) -> Result {
    let (key, code) = (query.get("key").to_owned(), query.get("code").trim().to_owned());
    let pairs = [("key", &key), ("code", &code)].into_iter().filter(|(_, value)| !value.is_empty());
    let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let mut pager = Pager::at(address("/requests/rejected", &text), query.get("page"), ROWS);
    let some = |text: &String| (!text.is_empty()).then(|| text.clone());
    let filter = RejectionFilter { token: some(&key), code: some(&code), since: None };
    let found = user.app.queries.rejections(&user.caller(), filter, pager.window()).await?;
    pager.total = found.total;
    let names = who(&user).await?;
    let lines = found.rows.into_iter().map(|rejection| Line {
        hour: Timestamp::from_millis(rejection.hour.saturating_mul(HOUR)),
        key: view::sender(&rejection.token, &names),
        rejection,
    });
    let lines = lines.collect();
    // Keys alone: users and jobs are not rejected by the API.
    let mut keys: Vec<_> = names.into_iter().filter(|(token, _)| !token.contains(':')).collect();
    keys.sort_unstable_by(|(_, one), (_, other)| one.cmp(other));
    let page = user.page(Section::Requests);
    render(&Rejected { page, keys, key, code, filtered: !text.is_empty(), lines, pager })
}
