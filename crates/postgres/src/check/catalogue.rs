//! What is about no list: who owns what, and whether each list can be worked on.

use super::super::session::{Session, get, get_number};
use super::numbers;
use domain::journal::ListNo;
use storage::Error;
use storage::rows::check::{Mend, Report};

/// What counts the rows that are wrong, what is said of them, and what takes them away.
const QUERIES: [(&str, &str, Option<Mend>); 6] = [
    (
        "FROM list WHERE NOT EXISTS (SELECT 1 FROM account a WHERE a.no = list.account)",
        "lists of no account",
        None,
    ),
    (
        "FROM source WHERE NOT EXISTS (SELECT 1 FROM account a WHERE a.no = source.account)",
        "sources of no account",
        None,
    ),
    (
        "FROM token WHERE NOT EXISTS (SELECT 1 FROM account_user u WHERE u.no = token.user_no)",
        "tokens of no user",
        None,
    ),
    (
        "FROM variable v WHERE NOT EXISTS (SELECT 1 FROM list l WHERE l.no = v.list)",
        "variables of no list",
        None,
    ),
    (
        "FROM saved_query q WHERE NOT EXISTS (SELECT 1 FROM list l WHERE l.no = q.list)",
        "saved filters of no list",
        None,
    ),
    (
        "FROM list l WHERE next_variable <= (SELECT max(number) FROM (SELECT number FROM variable v \
         WHERE v.list = l.no UNION ALL SELECT number FROM removed_variable r WHERE r.list = l.no) numbers)",
        "lists that would give the number of a variable out again",
        Some(Mend::Variables),
    ),
];

/// What there must be of each list: its number, the last position that was given in it, and that of its next contact.
const OF_EACH: [(&str, &str); 2] = [("queue", "last"), ("progress", "next")];

/// Looks at accounts, lists, tokens, sources and variables.
pub fn check(session: &Session) -> Result<Report, Error> {
    let mut report = Report::default();
    for (rows, what, mend) in QUERIES {
        let count = session.query_opt(&format!("SELECT count(*) {rows}"), &[])?;
        report.add_count(what, count.map_or(Ok(0), |row| get_number(&row, 0))?, mend);
    }
    for (table, _) in OF_EACH {
        let count = without(session, table)?.len() as u64;
        let what = format!("lists to which nothing can be applied, since they have no row in {table}");
        report.add_count(&what, count, Some(Mend::Lists));
    }
    Ok(report)
}

/// Lists that have no row in a table.
fn without(session: &Session, table: &str) -> Result<Vec<ListNo>, Error> {
    let there = numbers(session, &format!("SELECT list FROM {table}"))?;
    Ok(numbers(session, "SELECT no FROM list")?.difference(&there).copied().collect())
}

/// Puts right what can be. What a list counts is put right afterwards, as that of all others.
pub fn mend(session: &Session) -> Result<(), Error> {
    let variables = "UPDATE list l SET next_variable = greatest(next_variable, \
                     1 + coalesce((SELECT max(number) FROM variable v WHERE v.list = l.no), -1), \
                     1 + coalesce((SELECT max(number) FROM removed_variable r WHERE r.list = l.no), -1))";
    session.execute(variables, &[])?;
    for (table, column) in OF_EACH {
        for list in without(session, table)? {
            let mut last = 0_i64;
            // Positions that were given, and no number of a contact, which is counted anew.
            for used in ["batch", "request", "history"].iter().filter(|_| table == "queue") {
                let select = format!("SELECT coalesce(max(position), 0) FROM {used} WHERE list = $1");
                let row = session.query_opt(&select, &[&list.0])?;
                last = last.max(row.map_or(Ok(0), |row| get(&row, 0))?);
            }
            let value = if table == "queue" { last } else { 1 };
            let insert = format!("INSERT INTO {table} (list, {column}) VALUES ($1, $2)");
            session.execute(&insert, &[&list.0, &value])?;
        }
    }
    Ok(())
}
