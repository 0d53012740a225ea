//! The delivery log.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use tokio_postgres::Row;

use super::due::{self, Receivers};
use super::queue::of_list;
use super::session::{Session, Value, Values, get, get_id, get_number, get_small, get_time};
use super::signals::Notice;
use super::{PostgresStore, prune};
use domain::clock::Timestamp;
use domain::id::ObjectId;
use domain::journal::{AccountNo, ListNo};
use storage::rows::attempts::{HEALTH, SKEW, duration, health, millis, redact, webhook_code, webhook_of};
use storage::{
    AttemptFilter, DeliveryEnd, EndpointHealth, Error, LoggedAttempt, MAX_ATTEMPTS, MAX_ENDPOINTS,
    NewAttempt, Page, Webhooks, Window,
};

#[async_trait]
impl Webhooks for PostgresStore {
    async fn log_attempt(&self, attempt: NewAttempt) -> Result<(), Error> {
        let row = (ListNo(-attempt.account.0), attempt.account, attempt.attempt);
        let log = self.write(move |session, _| log(session, vec![row.clone()]).map(|_| ()));
        log.await?;
        self.trim(vec![attempt.account]).await
    }

    async fn attempts(
        &self,
        account: AccountNo,
        filter: AttemptFilter,
        window: Window,
    ) -> Result<Page<LoggedAttempt>, Error> {
        self.read(move |session, _| page(session, account, &filter, window)).await
    }

    async fn endpoint_health(&self, account: AccountNo) -> Result<Vec<EndpointHealth>, Error> {
        self.read(move |session, _| endpoints(session, account)).await
    }

    async fn resend_failed(
        &self,
        account: AccountNo,
        since: Timestamp,
        now: Timestamp,
        max: u32,
    ) -> Result<u32, Error> {
        let resent = self.write(move |session, _| resend_failed(session, account, since, now, max)).await?;
        self.shared.deliveries.changed();
        Ok(resent)
    }
}

impl PostgresStore {
    /// Deletes the oldest attempts of accounts that have too many, if it is time. A transaction of its own: nodes would
    /// wait for each other at the rows that both delete.
    pub(super) async fn trim(&self, accounts: Vec<AccountNo>) -> Result<(), Error> {
        if self.shared.logged.is_due(accounts.len()) {
            self.write(move |session, _| trim(session, &accounts)).await?;
        }
        Ok(())
    }
}

/// Writes attempts of accounts into the log, each under its list. Returns the account of each.
pub fn log(
    session: &Session,
    mut attempts: Vec<(ListNo, AccountNo, LoggedAttempt)>,
) -> Result<Vec<AccountNo>, Error> {
    let accounts: Vec<_> = attempts.iter().map(|(_, account, _)| *account).collect();
    if attempts.is_empty() {
        return Ok(accounts);
    }
    let erases = last_erases(session, &accounts)?;
    for (_, account, attempt) in &mut attempts {
        redact(attempt, erases.get(account).copied());
    }
    let mut lists: BTreeMap<ListNo, Vec<(AccountNo, LoggedAttempt)>> = BTreeMap::new();
    for (list, account, attempt) in attempts {
        lists.entry(list).or_default().push((account, attempt));
    }
    let insert = concat!(
        "INSERT INTO delivery_attempt (list, account, id, webhook, request, uri, receiver, number, events, at, took, \
         met, status, answer) SELECT p.list, u.* FROM ",
        of_list!(),
        " unnest($2::bigint[], $3::bytea[], $4::bigint[], $5::bytea[], $6::text[], $7::text[], $8::bigint[], \
         $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::text[]) AS u \
         ON CONFLICT DO NOTHING"
    );
    let columns: Vec<_> = lists.iter().map(|(list, attempts)| Columns::of(*list, attempts)).collect();
    let values: Vec<_> = columns.iter().map(Columns::values).collect();
    let all: Vec<(&str, Values<'_>)> = values.iter().map(|values| (insert, values.as_slice())).collect();
    session.pipeline(&all)?;
    Ok(accounts)
}

/// The attempts of one list, by columns.
struct Columns<'a> {
    list: i64,
    numbers: [Vec<i64>; 7],
    ids: Vec<Vec<u8>>,
    requests: Vec<Option<Vec<u8>>>,
    uris: Vec<&'a str>,
    receivers: Vec<&'a str>,
    statuses: Vec<Option<i64>>,
    answers: Vec<Option<&'a str>>,
}

impl<'a> Columns<'a> {
    fn of(list: ListNo, attempts: &'a [(AccountNo, LoggedAttempt)]) -> Self {
        let numbers = |value: fn(&(AccountNo, LoggedAttempt)) -> i64| attempts.iter().map(value).collect();
        let each = || attempts.iter().map(|(_, attempt)| attempt);
        Self {
            list: list.0,
            numbers: [
                numbers(|(account, _)| account.0),
                numbers(|(_, attempt)| webhook_code(attempt.webhook)),
                numbers(|(_, attempt)| attempt.number.into()),
                numbers(|(_, attempt)| attempt.events.into()),
                numbers(|(_, attempt)| attempt.at.millis()),
                numbers(|(_, attempt)| millis(attempt.took)),
                numbers(|(_, attempt)| attempt.end.code()),
            ],
            ids: each().map(|attempt| attempt.id.to_bytes().to_vec()).collect(),
            requests: each().map(|attempt| attempt.request.map(|id| id.to_bytes().to_vec())).collect(),
            uris: each().map(|attempt| attempt.uri.as_str()).collect(),
            receivers: each().map(|attempt| attempt.receiver.as_str()).collect(),
            statuses: each().map(|attempt| attempt.status.map(i64::from)).collect(),
            answers: each().map(|attempt| attempt.answer.as_deref()).collect(),
        }
    }

    fn values(&self) -> [Value<'_>; 14] {
        let [accounts, webhooks, numbers, events, times, took, met] = &self.numbers;
        [
            &self.list,
            accounts,
            &self.ids,
            webhooks,
            &self.requests,
            &self.uris,
            &self.receivers,
            numbers,
            events,
            times,
            took,
            met,
            &self.statuses,
            &self.answers,
        ]
    }
}

/// When persons of accounts were erased last.
fn last_erases(session: &Session, accounts: &[AccountNo]) -> Result<HashMap<AccountNo, Timestamp>, Error> {
    let accounts: Vec<_> = accounts.iter().map(|account| account.0).collect();
    let select = "SELECT account, max(erased_at) FROM erased WHERE account = ANY($1) GROUP BY account";
    let rows = session.query(select, &[&accounts])?;
    rows.iter().map(|row| Ok((AccountNo(get(row, 0)?), get_time(row, 1)?))).collect()
}

fn trim(session: &Session, accounts: &[AccountNo]) -> Result<(), Error> {
    let mut accounts: Vec<_> = accounts.iter().map(|account| account.0).collect();
    accounts.sort_unstable();
    accounts.dedup();
    let select =
        "SELECT list, account, id FROM delivery_attempt WHERE account = $1 ORDER BY id DESC OFFSET $2";
    let delete = "DELETE FROM delivery_attempt WHERE list = $1 AND account = $2 AND id = ANY($3)";
    for account in accounts {
        let rows = session.query(select, &[&account, &i64::from(MAX_ATTEMPTS)])?;
        prune::by_account::<Vec<u8>>(session, &rows, delete, &[])?;
    }
    Ok(())
}

/// Deletes answers that came from attempts which were out while a person was erased, and that were written beside the
/// erase: neither transaction saw the other.
pub fn forget_late_answers(session: &Session, since: Timestamp) -> Result<u64, Error> {
    let select = "SELECT account, max(erased_at) FROM erased WHERE erased_at >= $1 GROUP BY account";
    let update = "UPDATE delivery_attempt SET answer = NULL WHERE account = $1 AND answer IS NOT NULL \
                  AND at - took - $3 <= $2";
    let mut gone = 0;
    for row in session.query(select, &[&since.millis()])? {
        let (account, erased_at): (i64, i64) = (get(&row, 0)?, get(&row, 1)?);
        gone += session.execute(update, &[&account, &erased_at, &millis(SKEW)])?;
    }
    Ok(gone)
}

const FITS: &str = "FROM delivery_attempt WHERE account = $1 AND ($2::bytea IS NULL OR id = $2) \
                    AND ($3::boolean IS NULL OR (met <> 0) = $3) AND ($4::bigint IS NULL OR webhook = $4) \
                    AND ($5::bytea IS NULL OR request = $5) AND ($6::text IS NULL OR receiver = $6)";

fn page(
    session: &Session,
    account: AccountNo,
    filter: &AttemptFilter,
    window: Window,
) -> Result<Page<LoggedAttempt>, Error> {
    let bytes = |id: Option<ObjectId>| id.map(|id| id.to_bytes().to_vec());
    let (id, request, webhook) =
        (bytes(filter.id), bytes(filter.request), filter.webhook.map(|webhook| webhook.0));
    let values: Values<'_> = &[&account.0, &id, &filter.failed, &webhook, &request, &filter.receiver];
    let total = session.query_opt(&format!("SELECT count(*) {FITS}"), values)?;
    let total = total.map_or(Ok(0), |row| get_number(&row, 0))?;
    let select = format!(
        "SELECT id, webhook, request, uri, receiver, number, events, at, took, met, status, answer {FITS} \
         ORDER BY id DESC LIMIT $7 OFFSET $8"
    );
    let [limit, offset] = window.signed();
    let rows = session.query(&select, &[values, &[&limit, &offset]].concat())?;
    Ok(Page { rows: rows.iter().map(read).collect::<Result<_, _>>()?, total })
}

fn read(row: &Row) -> Result<LoggedAttempt, Error> {
    let request: Option<&[u8]> = get(row, 2)?;
    let status: Option<i64> = get(row, 10)?;
    Ok(LoggedAttempt {
        id: get_id(row, 0)?,
        webhook: webhook_of(get(row, 1)?),
        request: request.map(|_| get_id(row, 2)).transpose()?,
        uri: get(row, 3)?,
        receiver: get(row, 4)?,
        number: get_small(row, 5)?,
        events: get_small(row, 6)?,
        at: get_time(row, 7)?,
        took: duration(get(row, 8)?),
        end: DeliveryEnd::from_code(get(row, 9)?),
        status: status.and_then(|status| u16::try_from(status).ok()),
        answer: get(row, 11)?,
    })
}

fn endpoints(session: &Session, account: AccountNo) -> Result<Vec<EndpointHealth>, Error> {
    let select = format!(
        "SELECT {HEALTH} FROM delivery_attempt WHERE account = $1 GROUP BY webhook, receiver \
         ORDER BY max(at) DESC, webhook, receiver LIMIT $2"
    );
    let rows = session.query(&select, &[&account.0, &i64::from(MAX_ENDPOINTS)])?;
    let read = |row: &Row| {
        let counts = [get(row, 2)?, get(row, 3)?, get(row, 4)?];
        Ok(health(get(row, 0)?, get(row, 1)?, counts, get(row, 5)?))
    };
    rows.iter().map(read).collect()
}

fn resend_failed(
    session: &Session,
    account: AccountNo,
    since: Timestamp,
    now: Timestamp,
    max: u32,
) -> Result<u32, Error> {
    Notice::Deliveries.send(session);
    let select = "SELECT d.list, d.position, d.receiver FROM delivery d JOIN request r ON r.list = d.list \
                  AND r.position = d.position WHERE d.state = 2 AND d.last_at >= $2 AND d.last_at < $3 \
                  AND r.account = $1 ORDER BY d.list, d.position LIMIT $4";
    let now = now.millis();
    let rows = session.query(select, &[&account.0, &since.millis(), &now, &i64::from(max)])?;
    let mut lists: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    let mut due: BTreeMap<ListNo, Receivers<'_>> = BTreeMap::new();
    for row in &rows {
        let list = get(row, 0)?;
        lists.entry(list).or_default().push(get(row, 1)?);
        due.entry(ListNo(list)).or_default().add(get(row, 2)?, now);
    }
    // In the order of locks of a claim: first what is due, then the deliveries.
    due::note(session, &due)?;
    let update = "UPDATE delivery SET state = 0, attempts = 0, next_at = $3, generation = generation + 1 \
                  WHERE list = $1 AND position = ANY($2) AND state = 2 AND last_at < $3";
    let values: Vec<[Value<'_>; 3]> =
        lists.iter().map(|(list, positions)| [list as Value<'_>, positions, &now]).collect();
    let all: Vec<(&str, Values<'_>)> = values.iter().map(|values| (update, values.as_slice())).collect();
    session.pipeline(&all)?;
    Ok(u32::try_from(rows.len()).unwrap_or(max))
}
