//! Every statement that the store sends while the contract is asked of it, as PostgreSQL's own log has it, and whether
//! Citus says that it plans such: see docs/scaling.md. It reads texts and no plans: it cannot tell that a statement is
//! planned, only that it is of no form that is known not to be.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use postgres::PostgresStore;
use postgres::citus::{DISTRIBUTED, LOCAL, REFERENCE, WAITING};
use storage::{Role, Storage};

use super::Backend;
use crate::harness::LEASE;
use crate::harness::own_postgres::{Options, OwnPostgres};

/// A table that a statement names, and the word before it.
type Named<'a> = (&'a str, &'a str);

/// A statement, taken apart as far as it must be.
struct Statement<'a> {
    words: Vec<&'a str>,
    distributed: Vec<Named<'a>>,
    others: Vec<Named<'a>>,
}

/// Words, numbers and values as they are, and all else sign by sign.
fn words(text: &str) -> Vec<&str> {
    let is_word = |sign: char| sign.is_ascii_alphanumeric() || sign == '_' || sign == '$';
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match is_word(first) {
            true => rest.find(|sign| !is_word(sign)).unwrap_or(rest.len()),
            false => first.len_utf8(),
        };
        words.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    words
}

impl<'a> Statement<'a> {
    fn read(text: &'a str) -> Self {
        let words = words(text);
        let (mut distributed, mut others) = (Vec::new(), Vec::new());
        for (place, word) in words.iter().enumerate().skip(1) {
            let (before, after) = (words[place - 1], words.get(place + 1).copied().unwrap_or_default());
            // Columns have the names of tables too: `request`, `list`.
            let is_alias = after.len() == 1 && after.chars().all(|sign| sign.is_ascii_lowercase());
            let is_named = ["FROM", "JOIN", "UPDATE", "INTO", "USING"].contains(&before);
            if is_named || before == "," && is_alias {
                let named = match before {
                    "FROM" if place > 1 && words[place - 2] == "DELETE" => (*word, "DELETE"),
                    _ => (*word, before),
                };
                if DISTRIBUTED.contains(word) {
                    distributed.push(named);
                } else if REFERENCE.contains(word) || LOCAL.contains(word) {
                    others.push(named);
                }
            }
        }
        Self { words, distributed, others }
    }

    fn has(&self, these: &[&str]) -> bool {
        self.count(these) > 0
    }

    /// How often these words follow each other; `*` is any.
    fn count(&self, these: &[&str]) -> usize {
        let fits =
            |found: &[&str]| found.iter().zip(these).all(|(word, wanted)| *wanted == "*" || word == wanted);
        self.words.windows(these.len()).filter(|found| fits(found)).count()
    }

    /// Whether each of its tables that are distributed has one list in it, which is a value.
    fn is_of_one_shard(&self) -> bool {
        let values = (1..15).map(|value| self.count(&["list", "=", &format!("${value}")])).sum::<usize>();
        let inserts = self.distributed.iter().filter(|(_, before)| *before == "INTO").count();
        let given = [
            &["SELECT", "$1"][..],
            &["VALUES", "(", "$1"],
            &["SELECT", "q", ".", "list"],
            &["SELECT", "p", ".", "list"],
        ];
        let given = inserts > 0 && given.iter().any(|given| self.has(given));
        values + usize::from(given) >= self.distributed.len()
    }

    fn modifies(&self, tables: &[Named<'a>]) -> bool {
        tables.iter().any(|(_, before)| ["INTO", "UPDATE", "DELETE"].contains(before))
    }

    /// Why Citus would not plan it.
    fn refusal(&self) -> Option<&'static str> {
        let is = |names: &[&str]| self.others.iter().any(|(name, _)| names.contains(name));
        let (local, reference) = (is(&LOCAL), is(&REFERENCE));
        if local && (reference || !self.distributed.is_empty()) {
            return Some("a table of the coordinator's alone is read with others");
        }
        if self.has(&["DO", "UPDATE"]) && self.has(&["=", "now"]) && !local {
            return Some("what ON CONFLICT sets is not immutable");
        }
        if reference && self.modifies(&self.others) {
            if !self.distributed.is_empty() {
                return Some("a reference table is changed by what is distributed");
            }
            if ["LIMIT", "OFFSET", "LOCKED"].iter().any(|word| self.has(&[word])) {
                return Some("each copy of a reference table may choose other rows");
            }
        }
        if self.distributed.is_empty() || self.is_of_one_shard() {
            return None;
        }
        self.refusal_over_shards()
    }

    /// The same, of one that several shards are asked.
    fn refusal_over_shards(&self) -> Option<&'static str> {
        if self.has(&["RECURSIVE"]) {
            return Some("recursion");
        }
        if ["UPDATE", "SHARE"].iter().any(|lock| self.has(&["FOR", lock]) || self.has(&["KEY", lock])) {
            return Some("locks of rows");
        }
        if self.has(&["LATERAL"]) || self.has(&["OVER", "("]) {
            return Some("lateral joins and windows");
        }
        let subqueries = self.count(&["(", "SELECT"]);
        if self.modifies(&self.distributed) {
            let of_others = self.distributed.len() > 1 || self.has(&["unnest"]) || subqueries > 0;
            return of_others.then_some("a change with what is looked for elsewhere");
        }
        let plain = self.count(&["EXISTS", "(", "SELECT"])
            + self.count(&["FROM", "(", "SELECT"])
            + self.count(&["IN", "(", "SELECT", "*", "FROM", "unnest"]);
        if subqueries > plain {
            return Some("a subquery that is none of EXISTS, FROM, and IN of values");
        }
        let joined = self.count(&["list", "=", "*", ".", "list"]) + self.count(&["UNION"]) + 1;
        (self.distributed.len() > joined).then_some("tables that are not joined by the list")
    }
}

#[test]
fn forms_that_citus_does_not_plan_are_known() {
    for text in [
        "WITH RECURSIVE receivers AS ((SELECT receiver FROM delivery WHERE state = 0 ORDER BY receiver LIMIT 1) \
         UNION ALL SELECT (SELECT d.receiver FROM delivery d WHERE d.receiver > r.receiver LIMIT 1) FROM receivers r) \
         SELECT receiver FROM receivers",
        "SELECT FROM queue WHERE list IN (SELECT no FROM list WHERE account = $1) ORDER BY list FOR UPDATE",
        "SELECT next FROM progress WHERE list = ANY($1) FOR NO KEY UPDATE SKIP LOCKED",
        "DELETE FROM once WHERE (list, key) IN (SELECT list, key FROM once WHERE used_at < $1 LIMIT $2)",
        "WITH old AS (SELECT list, position FROM request LIMIT $1) DELETE FROM delivery d USING old \
         WHERE d.list = old.list AND d.position = old.position",
        "UPDATE delivery d SET node = NULL WHERE NOT EXISTS (SELECT FROM node n WHERE n.id = d.node)",
        "UPDATE delivery d SET state = 1 FROM unnest($1::bigint[]) AS u (list) WHERE d.list = u.list",
        "SELECT t.list FROM progress p CROSS JOIN LATERAL (SELECT list FROM departed t WHERE t.list = p.list LIMIT 1) t",
        "SELECT p.list, (SELECT min(o.position) FROM request o WHERE o.list = p.list) FROM progress p",
        "SELECT r.id FROM request r JOIN delivery d ON d.position = r.position",
        "SELECT d.node FROM delivery d JOIN node n ON n.id = d.node",
        "DELETE FROM erased WHERE account IN (SELECT account FROM erased LIMIT $1)",
        "DELETE FROM session WHERE hash IN (SELECT hash FROM session FOR UPDATE SKIP LOCKED)",
        "DELETE FROM erased e WHERE NOT EXISTS (SELECT FROM queue q WHERE q.list = -e.account)",
        "INSERT INTO erased VALUES ($1, $2, now()) ON CONFLICT (account, hash) DO UPDATE SET erased_at = now()",
    ] {
        assert!(Statement::read(text).refusal().is_some(), "{text}");
    }
}

/// A database of its own in a server that logs what it is asked.
struct Logged(Arc<OwnPostgres>, String);

impl Backend for Logged {
    fn open(&self, role: Role) -> Box<dyn Storage> {
        let settings = postgres::Settings { lease: LEASE, ..postgres::Settings::default() };
        let address = self.0.address_of(&self.1);
        let store = PostgresStore::open(&address, role, &settings);
        let wait = || tokio::runtime::Handle::current().block_on(store);
        Box::new(tokio::task::block_in_place(wait).expect("a store"))
    }

    fn readers_wait_for_each_other(&self) -> bool {
        false
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_statement_is_of_a_form_that_citus_does_not_plan() {
    let settings = "log_statement = 'all'\nlog_parameter_max_length = 0";
    let server = Arc::new(OwnPostgres::start(&Options { settings, ..Options::default() }));
    let count = AtomicUsize::new(0);
    let make = || -> Box<dyn Backend> {
        let name = format!("contract_{}", count.fetch_add(1, Ordering::Relaxed));
        server.sql("postgres", &format!("CREATE DATABASE {name}"));
        Box::new(Logged(Arc::clone(&server), name))
    };
    super::activity::each(&make).await;
    super::api_activity::each(&make).await;
    super::attempts::each(&make).await;
    super::addresses::each(&make).await;
    super::batches::each(&make).await;
    super::catalogue::each(&make).await;
    super::changes::each(&make).await;
    super::contact_pages::each(&make).await;
    super::deliveries::each(&make).await;
    super::merged::each(&make).await;
    super::saved_queries::each(&make).await;
    super::search::each(&make).await;
    super::segments::each(&make).await;
    super::suppressions::each(&make).await;
    super::exact::each(&make).await;
    super::histories::each(&make).await;
    super::jobs::each(&make).await;
    super::lists::each(&make).await;
    super::logins::each(&make).await;
    super::roles::each(&make).await;
    super::person::each(&make).await;
    super::prune::each(&make).await;
    super::request_list::each(&make).await;
    super::turns::each(&make).await;
    super::webhooks::each(&make).await;

    let log = server.log();
    let sent = log.lines().filter_map(|line| {
        let (_, sent) = line.split_once("LOG:  execute ").or_else(|| line.split_once("LOG:  statement"))?;
        Some(sent.split_once(": ")?.1)
    });
    // On Citus the store asks another form of the look.
    let sent = sent.flat_map(|text| text.split("; ")).filter(|text| !text.contains("of_one_database"));
    let texts: BTreeSet<&str> = sent.chain([WAITING]).collect();
    let named = |table: &&&str| {
        texts.iter().any(|text| Statement::read(text).distributed.iter().any(|(name, _)| *name == **table))
    };
    let unseen: Vec<_> = DISTRIBUTED.iter().filter(|table| !named(table)).collect();
    assert!(texts.len() > 150 && unseen.is_empty(), "{} statements; none names {unseen:?}", texts.len());
    let refused: Vec<_> =
        texts.iter().filter_map(|text| Some((Statement::read(text).refusal()?, *text))).collect();
    assert!(refused.is_empty(), "{refused:#?}");
}
