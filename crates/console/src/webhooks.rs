//! `/webhooks`: how endpoints fare, the attempts, and what can be done about those that failed.

use askama::Template;
use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use url::form_urlencoded;

use super::page::{Pager, address, render_with, without_empty};
use super::requests::view::{self, Pill};
use super::{Form, Page, PageError, Query, Refused, Result, Section, User, redirect, render};
use app::account_webhooks::{EventNames, NewWebhook, Title};
use app::find::picked_time;
use app::webhook::event;
use app::webhooks::{TestTarget, WebhookUrl};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use storage::{AccountWebhook, AttemptFilter, DeliveryEnd, EndpointHealth, LoggedAttempt, WebhookNo};
use web::translate::{mark, t, tn};

/// Attempts on a page.
const ROWS: u32 = 50;

/// From this success rate on, in percent, an endpoint is well.
const GOOD_RATE: u64 = 99;
/// Below this, it is not.
const BAD_RATE: u64 = 90;

/// What the filter offers.
const OUTCOMES: [(&str, &str); 2] = [("failed", "failed"), ("delivered", "delivered")];

const DONE: [(&str, &str); 5] = [
    ("made", mark("The webhook is created. It gets the changes from now on.")),
    ("removed", mark("The webhook is deleted.")),
    ("resumed", mark("The webhook continues from where it stopped.")),
    ("resent", mark("The webhooks are queued to be sent again, with all their attempts.")),
    ("more", mark("10,000 webhooks are queued to be sent again. There are more: send again for the rest.")),
];

#[derive(Template)]
#[template(path = "webhooks.html")]
struct Webhooks {
    page: Page,
    webhooks: Vec<ConfigRow>,
    event_names: Vec<&'static str>,
    new_title: String,
    new_url: String,
    new_error: Option<String>,
    health: Vec<HealthRow>,
    receivers: Vec<String>,
    filter: Filter,
    filtered: bool,
    attempts: Vec<Line>,
    pager: Pager,
    url: String,
    url_error: Option<String>,
    from: String,
    from_error: Option<String>,
}

/// An account webhook, as the page shows it.
struct ConfigRow {
    id: i64,
    title: String,
    url: String,
    events: String,
    order: String,
    state: Pill,
    note: Option<String>,
    skipped_at: Option<Timestamp>,
    can_resume: bool,
}

impl ConfigRow {
    fn of(webhook: &AccountWebhook) -> Self {
        let (config, progress) = (&webhook.config, &webhook.progress);
        let order = t(if config.parallel { mark("in no order") } else { mark("in order") });
        let (state, note) = match (progress.paused, progress.attempts) {
            (Some((at, end)), _) => (
                Pill { text: mark("paused"), class: "bad" },
                Some(t("since {at}: {end}").with("at", at).with("end", view::end(end)).to_string()),
            ),
            (None, 0) => (Pill { text: mark("active"), class: "good" }, None),
            (None, attempts) => {
                let note =
                    tn("{n} failed attempt, next at {at}", "{n} failed attempts, next at {at}", attempts);
                let note = note.with("at", progress.next_at).to_string();
                (Pill { text: mark("failing"), class: "bad" }, Some(note))
            }
        };
        Self {
            id: webhook.key.no.0,
            title: config.title.clone(),
            url: config.to.uri.clone(),
            events: config.events.join(", "),
            order: match config.batch {
                1 => order.to_string(),
                batch => {
                    tn("{order}, up to {n} event a message", "{order}, up to {n} events a message", batch)
                        .with("order", order)
                        .to_string()
                }
            },
            state,
            note,
            skipped_at: progress.skipped_at,
            can_resume: progress.attempts > 0 || progress.paused.is_some(),
        }
    }
}

/// An endpoint, as the page shows it.
struct HealthRow {
    receiver: String,
    link: String,
    kind: String,
    attempts: String,
    rate: String,
    rate_class: &'static str,
    last_failure: Option<(Timestamp, String)>,
}

impl HealthRow {
    fn of(health: EndpointHealth) -> Self {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("receiver", &health.receiver);
        let delivered = health.attempts - health.failed.min(health.attempts);
        let rate = delivered * 1_000 / health.attempts.max(1);
        Self {
            link: address("/webhooks", &query.finish()),
            kind: match health.webhook {
                Some(webhook) => t("events of webhook {id}").with("id", webhook.0).to_string(),
                None => t("status webhooks and tests").to_string(),
            },
            attempts: super::page::number(health.attempts),
            rate: format!("{}.{}", rate / 10, rate % 10),
            rate_class: match rate / 10 {
                GOOD_RATE.. => "good",
                BAD_RATE.. => "",
                _ => "bad",
            },
            last_failure: health.last_failure.map(|(at, end)| (at, view::end(end))),
            receiver: health.receiver,
        }
    }
}

/// An attempt, as pages show it.
struct Line {
    id: ObjectId,
    at: Timestamp,
    receiver: String,
    event: String,
    outcome: Pill,
    why: Option<String>,
    number: u32,
    took: u128,
}

impl Line {
    fn of(attempt: &LoggedAttempt) -> Self {
        let delivered = attempt.end == DeliveryEnd::Delivered;
        Self {
            id: attempt.id,
            at: attempt.at,
            receiver: attempt.receiver.clone(),
            event: match (attempt.webhook, attempt.number, attempt.events) {
                (_, 0, _) => t("test").to_string(),
                (None, ..) => t("request processed").to_string(),
                (Some(_), _, events) => tn("{n} event", "{n} events", events).to_string(),
            },
            outcome: match delivered {
                true => Pill { text: mark("delivered"), class: "good" },
                false => Pill { text: mark("failed"), class: "bad" },
            },
            why: (!delivered).then(|| view::end(attempt.end)),
            number: attempt.number,
            took: attempt.took.as_millis(),
        }
    }
}

/// What is looked for.
struct Filter {
    outcome: &'static str,
    receiver: String,
    request: String,
}

impl Filter {
    fn read(query: &Query) -> Self {
        let outcome = OUTCOMES.into_iter().find(|(value, _)| *value == query.get("outcome"));
        Self {
            outcome: outcome.map_or("", |(value, _)| value),
            receiver: query.get("receiver").to_owned(),
            request: query.get("request").trim().to_owned(),
        }
    }

    fn query(&self) -> String {
        let pairs = [("outcome", self.outcome), ("receiver", &self.receiver), ("request", &self.request)];
        let filled = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        form_urlencoded::Serializer::new(String::new()).extend_pairs(filled).finish()
    }

    fn of_store(&self) -> AttemptFilter {
        AttemptFilter {
            failed: (!self.outcome.is_empty()).then_some(self.outcome == "failed"),
            receiver: (!self.receiver.is_empty()).then(|| self.receiver.clone()),
            // No attempt has an id that is none.
            request: (!self.request.is_empty())
                .then(|| ObjectId::parse(&self.request).unwrap_or(ObjectId::from_bytes([0; 12]))),
            ..AttemptFilter::default()
        }
    }
}

impl Webhooks {
    async fn of(user: &User, query: &Query) -> Result<Self> {
        let (filter, caller) = (Filter::read(query), user.caller());
        let query_text = filter.query();
        let mut pager = Pager::at(address("/webhooks", &query_text), query.get("page"), ROWS);
        let found = user.app.queries.deliveries(&caller, filter.of_store(), pager.window()).await?;
        pager.total = found.total;
        let health = user.app.queries.endpoint_health(&caller).await?;
        let mut receivers: Vec<_> = health.iter().map(|health| health.receiver.clone()).collect();
        receivers.sort_unstable();
        receivers.dedup();
        Ok(Self {
            page: user.page(Section::Webhooks).done(query.get("done"), &DONE),
            webhooks: user.app.queries.account_webhooks(&caller).await?.iter().map(ConfigRow::of).collect(),
            event_names: event::names().collect(),
            new_title: String::new(),
            new_url: String::new(),
            new_error: None,
            health: health.into_iter().map(HealthRow::of).collect(),
            receivers,
            filtered: !query_text.is_empty(),
            filter,
            attempts: found.rows.iter().map(Line::of).collect(),
            pager,
            url: String::new(),
            url_error: None,
            from: String::new(),
            from_error: None,
        })
    }
}

/// The page.
pub async fn all(user: User, RawQuery(raw): RawQuery, query: Query) -> Result {
    // A form sends each of its fields, also the empty ones: they have no place in an address that people keep.
    if let Some(short) = raw.as_deref().and_then(without_empty) {
        return Ok(redirect(&address("/webhooks", &short)));
    }
    render(&Webhooks::of(&user, &query).await?)
}

#[derive(Template)]
#[template(path = "webhook-attempt.html")]
struct AttemptPage {
    page: Page,
    attempt: Line,
    uri: String,
    request: Option<ObjectId>,
    status: Option<u16>,
    answer: Option<String>,
}

async fn find(user: &User, id: &str) -> Result<LoggedAttempt> {
    let id = ObjectId::parse(id).ok_or(PageError::NotFound)?;
    let found = user.app.queries.delivery(&user.caller(), id).await?;
    found.ok_or(PageError::NotFound)
}

/// One attempt.
pub async fn one(user: User, Path(id): Path<String>, query: Query) -> Result {
    const DONE: [(&str, &str); 1] = [("sent", mark("The test event was sent. This is what came of it."))];
    let attempt = find(&user, &id).await?;
    let page = user.page(Section::Webhooks).done(query.get("done"), &DONE);
    let line = Line::of(&attempt);
    let LoggedAttempt { uri, request, status, answer, .. } = attempt;
    render(&AttemptPage { page, attempt: line, uri, request, status, answer })
}

/// Sends the webhook of an attempt again.
pub async fn resend(Path(id): Path<String>, form: Form) -> Result {
    let user = &form.user;
    let request = find(user, &id).await?.request.ok_or(PageError::NotFound)?;
    user.app.commands.resend_webhook(&user.caller(), request).await?;
    Ok(redirect(&format!("/requests/{request}?done=resent")))
}

/// Sends a test event.
pub async fn test(form: Form) -> Result {
    let (user, url) = (&form.user, form.get("url"));
    let sent = match WebhookUrl::parse(Some(url)) {
        Ok(to) => user.app.commands.test_webhook(&user.caller(), TestTarget::Url(to)).await,
        Err(problem) => Err(problem.into()),
    };
    match sent.map_err(Refused::from) {
        Ok(attempt) => Ok(redirect(&format!("/webhooks/attempts/{}?done=sent", attempt.id))),
        Err(refused) => {
            let mut page = Webhooks::of(user, &Query::default()).await?;
            url.clone_into(&mut page.url);
            page.url_error = Some(match refused.status {
                StatusCode::BAD_REQUEST if refused.of("url").is_some() => {
                    t("Enter an absolute http or https URL without a user name and password.").to_string()
                }
                _ => refused.text(),
            });
            render_with(refused.status, &page)
        }
    }
}

/// Sends webhooks again that failed since a time.
pub async fn resend_failed(form: Form) -> Result {
    let (user, text) = (&form.user, form.get("from").to_owned());
    let Some(since) = picked_time(&text) else {
        let mut page = Webhooks::of(user, &Query::default()).await?;
        page.from = text;
        page.from_error = Some(t("Enter a time as YYYY-MM-DD hh:mm or YYYY-MM-DD.").to_string());
        return render_with(StatusCode::BAD_REQUEST, &page);
    };
    let resent = user.app.commands.resend_failed_webhooks(&user.caller(), since).await?;
    Ok(redirect(if resent.more { "/webhooks?done=more" } else { "/webhooks?done=resent" }))
}

/// Makes an account webhook.
pub async fn make(form: Form) -> Result {
    let user = &form.user;
    let made = match read_new(&form) {
        Ok(new) => user.app.commands.create_webhook(&user.caller(), new).await.map(drop),
        Err(problem) => Err(problem.into()),
    };
    match made.map_err(Refused::from) {
        Ok(()) => Ok(redirect("/webhooks?done=made")),
        Err(refused) => {
            let mut page = Webhooks::of(user, &Query::default()).await?;
            form.get("title").clone_into(&mut page.new_title);
            form.get("url").clone_into(&mut page.new_url);
            page.new_error = Some(if refused.of("events").is_some() {
                t("Choose at least one event.").to_string()
            } else {
                refused.text()
            });
            render_with(refused.status, &page)
        }
    }
}

fn read_new(form: &Form) -> Result<NewWebhook, domain::problem::Problem> {
    let events = form.all("event").map(str::to_owned).collect();
    Ok(NewWebhook {
        title: Title::parse(Some(form.get("title")))?,
        to: WebhookUrl::parse(Some(form.get("url")))?,
        events: EventNames::parse(Some(events))?,
        domain: None,
        parallel: !form.get("parallel").is_empty(),
        batch: form.get("batch").parse().unwrap_or(1),
    })
}

#[derive(Template)]
#[template(path = "webhook-remove.html")]
struct Remove {
    page: Page,
    title: String,
}

async fn find_webhook(user: &User, id: &str) -> Result<AccountWebhook> {
    let webhooks = user.app.queries.account_webhooks(&user.caller()).await?;
    let found = webhooks.into_iter().find(|webhook| webhook.key.no.0.to_string() == id);
    found.ok_or(PageError::NotFound)
}

/// Asks whether an account webhook is to be deleted.
pub async fn ask_removal(user: User, Path(id): Path<String>) -> Result {
    let webhook = find_webhook(&user, &id).await?;
    render(&Remove { page: user.page(Section::Webhooks), title: webhook.config.title })
}

/// Deletes an account webhook.
pub async fn remove(Path(id): Path<String>, form: Form) -> Result {
    let no = find_webhook(&form.user, &id).await?.key.no;
    form.user.app.commands.remove_webhook(&form.user.caller(), no).await?;
    Ok(redirect("/webhooks?done=removed"))
}

/// Lets an account webhook continue.
pub async fn resume(Path(id): Path<String>, form: Form) -> Result {
    let no: WebhookNo = find_webhook(&form.user, &id).await?.key.no;
    form.user.app.commands.resume_webhook(&form.user.caller(), no).await?;
    Ok(redirect("/webhooks?done=resumed"))
}
