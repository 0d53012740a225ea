//! `/`: what goes on.

mod chart;
mod charts;

use askama::Template;

use self::chart::Chart;
use self::charts::{Charts, Span, contacts};
use super::contact::history::who;
use super::jobs::Shown;
use super::page::{curl_contact, curl_list, number};
use super::{Page, Query, Result, Section, User, render};
use domain::id::ObjectId;
use jobs::job::Status;
use storage::{AccountWebhook, Activity, ListFilter, Window};
use web::translate::{Text, t, tn};

/// Imports that are shown.
const IMPORTS: usize = 5;

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    page: Page,
    span: Span,
    charts: Charts,
    waiting: u64,
    lists: u64,
    contacts: u64,
    first_list: Option<ObjectId>,
    imports: Vec<Shown>,
    attention: Vec<Attention>,
}

/// Something to act on: what it is, and the page that has it.
struct Attention {
    text: String,
    link: String,
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

    fn drawn(&self) -> [&Chart; 4] {
        [&self.charts.growth, &self.charts.applied, &self.charts.waiting, &self.charts.webhooks]
    }
}

/// Charts of what the account has had done, and how much it holds.
pub async fn overview(user: User, query: Query) -> Result {
    let (storage, account, now) = (&user.app.storage, user.signed_in.account, user.app.clock.now());
    let span = Span::named(query.get("span"));
    let told = storage.activity(account, span.window(now)).await?;
    let first = Window { offset: 0, limit: 1 };
    let lists = storage.find_lists(account, ListFilter::default(), first).await?;
    let jobs = user.app.jobs.all(account).await?;
    let names = who(&user).await?;
    let shown: Vec<_> = jobs.iter().map(|job| Shown::of(job, &names)).collect();
    let webhooks = user.app.queries.account_webhooks(&user.caller()).await?;
    let charts = Charts::of(span, &told, now);
    let attention = attention(&charts.sum, &shown, &webhooks);
    render(&Overview {
        page: user.page(Section::Overview),
        span,
        charts,
        attention,
        imports: shown.into_iter().filter(|job| job.is_import).take(IMPORTS).collect(),
        waiting: told.waiting,
        lists: lists.total,
        contacts: storage.count_all_contacts(account).await?,
        first_list: lists.rows.first().map(|list| list.id),
    })
}

/// What failed, with the page that says why; jobs that failed are among the latest.
fn attention(sum: &Activity, jobs: &[Shown], webhooks: &[AccountWebhook]) -> Vec<Attention> {
    let mut found = Vec::new();
    let mut note = |text: Text<'_>, link: &str| {
        found.push(Attention { text: text.to_string(), link: link.to_owned() });
    };
    if sum.failed > 0 {
        let text = tn("{n} contact could not be changed", "{n} contacts could not be changed", sum.failed);
        note(text, "/requests?outcome=errors");
    }
    if sum.undelivered > 0 {
        let text = tn(
            "{n} attempt to send a webhook failed",
            "{n} attempts to send webhooks failed",
            sum.undelivered,
        );
        note(text, "/webhooks?outcome=failed");
    }
    for webhook in webhooks.iter().filter(|webhook| webhook.progress.paused.is_some()) {
        note(t("The webhook {title} is paused").with("title", &webhook.config.title), "/webhooks");
    }
    for job in jobs.iter().take(IMPORTS).filter(|job| job.status == Status::Failed) {
        note(t("{what} failed").with("what", &job.what), &format!("/jobs/{}", job.id));
    }
    found
}
