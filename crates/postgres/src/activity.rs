//! What was done, by the minute.

use tokio_postgres::Row;

use super::queue::of_list;
use super::session::{Owned, Session, get, get_number};
use domain::journal::{AccountNo, ListNo};
use storage::rows::activity::{COUNTED, MINUTE, Minutes, first_minute, told};
use storage::{Activities, Activity, ActivityWindow, Error};

/// What was done in a list by an account in a minute.
type Counted = (ListNo, AccountNo, i64, Activity);

/// Adds what was done in lists. Rows are taken in the order of lists and of their keys, so that two who add do not wait
/// for each other; a statement names its list, as all on the path of a batch do.
pub fn add(session: &Session, minutes: &[(ListNo, Minutes)]) {
    let mut rows = Vec::new();
    for (list, minutes) in minutes {
        rows.extend(
            minutes.iter().map(|((account, minute), activity)| (*list, *account, *minute, *activity)),
        );
    }
    rows.sort_unstable_by_key(|(list, account, minute, _)| (*list, *account, *minute));
    let columns = COUNTED.join(", ");
    let sums = COUNTED.map(|column| format!("{column} = a.{column} + excluded.{column}")).join(", ");
    let upsert = format!(
        "INSERT INTO activity AS a (list, account, minute, {columns}) SELECT p.list, u.* FROM {} \
         unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], \
         $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[]) AS u \
         ON CONFLICT (account, minute, list) DO UPDATE SET {sums}",
        of_list!()
    );
    for of_list in rows.chunk_by(|(one, ..), (other, ..)| one == other) {
        let column = |value: &dyn Fn(&Counted) -> i64| -> Owned {
            Box::new(of_list.iter().map(value).collect::<Vec<_>>())
        };
        let list = of_list.first().map_or(ListNo::NONE, |(list, ..)| *list);
        let mut values: Vec<Owned> = vec![
            Box::new(list.0),
            column(&|(_, account, ..)| account.0),
            column(&|(_, _, minute, _)| *minute),
        ];
        let count = |at: usize| column(&|(.., activity)| activity.to_array()[at].cast_signed());
        values.extend((0..COUNTED.len()).map(count));
        session.later(upsert.as_str(), values);
    }
}

/// What the account has had done.
pub fn find(session: &Session, account: AccountNo, window: ActivityWindow) -> Result<Activities, Error> {
    let sums = COUNTED.map(|column| format!("sum({column})::bigint")).join(", ");
    let select = format!(
        "SELECT minute - minute % $3, {sums} FROM activity WHERE account = $1 AND minute >= $2 GROUP BY 1"
    );
    let width = i64::from(window.minutes.max(1));
    let read = |row: &Row| {
        let mut counts = [0; COUNTED.len()];
        for (column, count) in (1..).zip(&mut counts) {
            *count = get_number(row, column)?;
        }
        Ok((get(row, 0)?, Activity::from_array(counts)))
    };
    let done = session.query(&select, &[&account.0, &first_minute(window), &width])?;
    let done = done.iter().map(read).collect::<Result<_, Error>>()?;
    let waiting = "SELECT accepted_at / $2, count(*) FROM batch WHERE account = $1 AND NOT fence GROUP BY 1";
    let waiting = session.query(waiting, &[&account.0, &MINUTE])?;
    let waiting = waiting.iter().map(|row| Ok((get(row, 0)?, get_number(row, 1)?)));
    Ok(told(window, done, waiting.collect::<Result<_, Error>>()?))
}
