//! The path of a batch, as the database sees it: as many statements for a hundred contacts as for one, and each about
//! one list, so that one shard does it all where there are several.

use std::sync::Arc;

use domain::contact::field::Field::{FirstName, LastName};
use postgres::PostgresStore;
use postgres::citus::DISTRIBUTED;
use storage::{Role, Storage};

use super::{Backend, Desk, Item};
use crate::harness::own_postgres::{Options, OwnPostgres};

pub struct Own(pub Arc<OwnPostgres>);

impl Backend for Own {
    fn open(&self, role: Role) -> Box<dyn Storage> {
        let (address, settings) = (self.0.address(), postgres::Settings::default());
        let store = PostgresStore::open(&address, role, &settings);
        let wait = || tokio::runtime::Handle::current().block_on(store);
        Box::new(tokio::task::block_in_place(wait).expect("a store"))
    }
}

/// The statements that `job` had run, those left out that look, now and then, where something waits.
async fn statements(database: &OwnPostgres, job: impl Future<Output = ()>) -> Vec<String> {
    let before = database.log().len();
    job.await;
    let log = database.log();
    let executed =
        log[before..].lines().filter_map(|line| line.split_once("LOG:  execute ")?.1.split_once(": "));
    let is_look = |text: &&str| text.contains("of_one_database") || text.contains("pg_dist_partition");
    executed.map(|(_, text)| text).filter(|text| !is_look(text)).map(str::to_owned).collect()
}

async fn update(desk: &Desk, names: &[String], value: &str) {
    let fields = [(FirstName, value), (LastName, value)];
    let items: Vec<Item<'_>> = names.iter().map(|name| (name.as_str(), &fields[..])).collect();
    let request = desk.append(desk.reported("http://192.0.2.1", &items)).await;
    assert_eq!(desk.apply(100).await.batches, 1);
    assert_eq!(desk.told(request).await.len(), names.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_contacts_take_the_statements_of_one_and_each_names_its_list() {
    let settings = "log_statement = 'all'";
    let database = Arc::new(OwnPostgres::start(&Options { settings, ..Options::default() }));
    let desk = Desk::new(Box::new(Own(Arc::clone(&database)))).await;
    let [one, many] = [("one", 1), ("many", 100)]
        .map(|(name, count)| (0..count).map(|number| format!("{name}-{number}")).collect::<Vec<_>>());
    let mut all = Vec::new();
    for step in ["made", "changed", "changed again"] {
        let for_one = statements(&database, update(&desk, &one, step)).await;
        let for_many = statements(&database, update(&desk, &many, step)).await;
        assert!(for_one.len() > 5, "they are in the log: {for_one:?}");
        assert_eq!(for_one, for_many, "{step}");
        all.extend(for_many);
    }
    for text in all {
        let mut words = text.split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_');
        let grows = words.any(|word| DISTRIBUTED.contains(&word));
        // The last reads are those of this test: of a request whose list nobody knows.
        let asks =
            text.contains("FROM batch WHERE request") || text.contains("FROM request r LEFT JOIN delivery");
        let names = ["list = $1", "SELECT $1"].iter().any(|name| text.contains(name));
        assert!(!grows || names || asks, "it names no list: {text}");
    }
}
