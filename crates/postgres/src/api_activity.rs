//! Counts of rejected requests, and requests by job.

use async_trait::async_trait;
use tokio_postgres::Row;

use super::PostgresStore;
use super::session::{Session, Values, get, get_number, get_time};
use domain::journal::AccountNo;
use storage::{ApiActivity, Error, HOUR, JobRequests, Page, Rejection, RejectionFilter, Window};

#[async_trait]
impl ApiActivity for PostgresStore {
    async fn add_rejections(&self, mut rejections: Vec<(AccountNo, Rejection)>) -> Result<(), Error> {
        // In one order: nodes that count the same wait for each other, and do not lock each other up.
        rejections.sort_by(|(one_account, one), (account, other)| {
            let key = |rejection: &Rejection| (rejection.hour, rejection.status);
            let texts = |rejection: &Rejection| {
                (rejection.token.clone(), rejection.method.clone(), rejection.code.clone())
            };
            (one_account, key(one), texts(one)).cmp(&(account, key(other), texts(other)))
        });
        self.change(move |session| add(session, &rejections)).await
    }

    async fn rejections(
        &self,
        account: AccountNo,
        filter: RejectionFilter,
        window: Window,
    ) -> Result<Page<Rejection>, Error> {
        self.read(move |session, _| page(session, account, &filter, window)).await
    }

    async fn job_requests(&self, account: AccountNo, max: u32) -> Result<Vec<JobRequests>, Error> {
        self.read(move |session, _| job_requests(session, account, max)).await
    }
}

fn add(session: &Session, rejections: &[(AccountNo, Rejection)]) -> Result<(), Error> {
    let upsert = "INSERT INTO rejection AS r (account, hour, token, method, status, code, count, last_at) \
                  SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::text[], \
                  $7::bigint[], $8::bigint[]) ON CONFLICT (account, hour, token, method, status, code) DO UPDATE \
                  SET count = r.count + excluded.count, last_at = greatest(r.last_at, excluded.last_at)";
    let number = |value: fn(&(AccountNo, Rejection)) -> i64| rejections.iter().map(value).collect::<Vec<_>>();
    let text = |value: fn(&Rejection) -> &String| {
        rejections.iter().map(|(_, rejection)| value(rejection).as_str()).collect::<Vec<_>>()
    };
    session
        .execute(
            upsert,
            &[
                &number(|(account, _)| account.0),
                &number(|(_, rejection)| rejection.hour),
                &text(|rejection| &rejection.token),
                &text(|rejection| &rejection.method),
                &number(|(_, rejection)| rejection.status.into()),
                &text(|rejection| &rejection.code),
                &number(|(_, rejection)| rejection.count.cast_signed()),
                &number(|(_, rejection)| rejection.last_at.millis()),
            ],
        )
        .map(drop)
}

fn page(
    session: &Session,
    account: AccountNo,
    filter: &RejectionFilter,
    window: Window,
) -> Result<Page<Rejection>, Error> {
    let fits = "FROM rejection WHERE account = $1 AND hour >= $2 AND ($3::text IS NULL OR token = $3) \
                AND ($4::text IS NULL OR code = $4)";
    let since = filter.since.map_or(i64::MIN, |since| since.millis().div_euclid(HOUR));
    let values: Values<'_> = &[&account.0, &since, &filter.token, &filter.code];
    let total = session.query_opt(&format!("SELECT count(*) {fits}"), values)?;
    let total = total.map_or(Ok(0), |row| get_number(&row, 0))?;
    let select = format!(
        "SELECT hour, token, method, status, code, count, last_at {fits} \
         ORDER BY hour DESC, count DESC, token, method, code LIMIT $5 OFFSET $6"
    );
    let [limit, offset] = window.signed();
    let read = |row: &Row| {
        let status: i64 = get(row, 3)?;
        Ok(Rejection {
            hour: get(row, 0)?,
            token: get(row, 1)?,
            method: get(row, 2)?,
            status: u16::try_from(status).map_err(|error| Error::Damaged(error.to_string()))?,
            code: get(row, 4)?,
            count: get_number(row, 5)?,
            last_at: get_time(row, 6)?,
        })
    };
    let rows = session.query(&select, &[values, &[&limit, &offset]].concat())?;
    Ok(Page { rows: rows.iter().map(read).collect::<Result<_, Error>>()?, total })
}

fn job_requests(session: &Session, account: AccountNo, max: u32) -> Result<Vec<JobRequests>, Error> {
    let select = "SELECT token, count(*), sum(failed)::bigint, min(accepted_at), max(accepted_at) FROM request \
                  WHERE account = $1 AND token >= 'job:' AND token < 'job;' GROUP BY token \
                  ORDER BY max(accepted_at) DESC, token LIMIT $2";
    let rows = session.query(select, &[&account.0, &i64::from(max)])?;
    let read = |row: &Row| {
        Ok(JobRequests {
            token: get(row, 0)?,
            requests: get_number(row, 1)?,
            failed: get_number(row, 2)?,
            accepted: (get_time(row, 3)?, get_time(row, 4)?),
        })
    };
    rows.iter().map(read).collect()
}
