//! `/`: what goes on.

mod chart;
mod charts;

use askama::Template;

use self::chart::Chart;
use self::charts::{Charts, Span, contacts};
use super::page::{curl_contact, curl_list, number};
use super::{Page, Query, Result, Section, User, show};
use crate::id::ObjectId;
use crate::storage::{ListFilter, Window};

#[derive(Template)]
#[template(path = "console/overview.html")]
struct Overview {
    page: Page,
    span: Span,
    charts: Charts,
    waiting: u64,
    lists: u64,
    contacts: u64,
    first_list: Option<ObjectId>,
}

impl Overview {
    /// A line that does what comes next: makes a list, or sends a contact.
    fn curl(&self) -> String {
        match self.first_list.map(|list| list.to_string()) {
            None => curl_list(&self.page.public_url),
            list => curl_contact(&self.page.public_url, list.as_deref()),
        }
    }

    const fn applied(&self) -> u64 {
        contacts(&self.charts.sum)
    }

    const fn attempts(&self) -> u64 {
        self.charts.sum.delivered + self.charts.sum.undelivered
    }

    fn drawn(&self) -> [&Chart; 3] {
        [&self.charts.applied, &self.charts.waiting, &self.charts.webhooks]
    }
}

/// Charts of what the account has had done, and how much it holds.
pub async fn overview(user: User, query: Query) -> Result {
    let (storage, account, now) = (&user.app.storage, user.signed_in.account, user.app.clock.now());
    let span = Span::named(query.get("span"));
    let told = storage.activity(account, span.window(now)).await?;
    let first = Window { offset: 0, limit: 1 };
    let lists = storage.find_lists(account, ListFilter::default(), first).await?;
    show(&Overview {
        page: user.page(Section::Overview),
        span,
        charts: Charts::of(span, &told, now),
        waiting: told.waiting,
        lists: lists.total,
        contacts: storage.count_all_contacts(account).await?,
        first_list: lists.rows.first().map(|list| list.id),
    })
}
