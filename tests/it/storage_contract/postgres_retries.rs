//! What may be tried again is, a few times, and what may not is not.

use std::sync::Arc;

use domain::contact::field::Field::FirstName;
use storage::AppendError;

use super::{Desk, Postgres};
use crate::harness::postgres::cluster;

/// How often a transaction is tried.
const TRIES: u32 = 5;

fn sql(backend: &Postgres, statements: &str) -> String {
    cluster().sql(backend.name(), statements)
}

/// From now on rows of a table fail so often, and are counted.
fn fail(backend: &Postgres, table: &str, times: u32, how: &str) {
    let statements = format!(
        "DROP SEQUENCE IF EXISTS tries; CREATE SEQUENCE tries; \
         CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF nextval('tries') <= {times} THEN {how}; END IF; RETURN NEW; END $$; \
         CREATE OR REPLACE TRIGGER fail BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION fail()"
    );
    sql(backend, &statements);
}

/// How often it was tried; after this, nothing fails.
fn tries(backend: &Postgres, table: &str) -> u32 {
    let tries = sql(backend, "SELECT last_value FROM tries").trim().parse().expect("a number");
    sql(backend, &format!("DROP TRIGGER fail ON {table}"));
    tries
}

const PASSING: [&str; 3] = [
    "RAISE EXCEPTION 'on purpose' USING ERRCODE = 'serialization_failure'",
    "RAISE EXCEPTION 'on purpose' USING ERRCODE = 'deadlock_detected'",
    "PERFORM pg_terminate_backend(pg_backend_pid())",
];

const LASTING: &str = "RAISE EXCEPTION 'on purpose' USING ERRCODE = 'disk_full'";

#[tokio::test(flavor = "multi_thread")]
async fn conflicts_deadlocks_and_lost_connections_are_tried_again_with_a_bound() {
    let backend = Postgres::new();
    let desk = Desk::new(Box::new(backend.clone())).await;
    for (how, bound) in PASSING.map(|how| (how, TRIES)).into_iter().chain([(LASTING, 1)]) {
        if bound > 1 {
            fail(&backend, "batch", bound - 1, how);
            let request = desk.append(desk.batch(&[("a", &[(FirstName, how)])])).await;
            assert_eq!(tries(&backend, "batch"), bound, "{how}");
            fail(&backend, "request", bound - 1, how);
            desk.apply_all().await;
            assert_eq!(tries(&backend, "request"), bound, "{how}");
            assert_eq!(desk.told(request).await.len(), 1, "it is applied once");
            assert_eq!(desk.field("a", FirstName).await.as_deref(), Some(how));
        }
        fail(&backend, "batch", 1_000, how);
        let batch = desk.batch(&[("b", &[])]);
        let request = batch.request;
        let refused = desk.storage().append(vec![Arc::new(batch)]).await;
        assert!(matches!(refused, Err(AppendError::NotKept(_))), "{how}: {refused:?}");
        assert_eq!(tries(&backend, "batch"), bound, "{how}");
        assert!(desk.find(request).await.is_none(), "nothing of it is kept");
    }
}
