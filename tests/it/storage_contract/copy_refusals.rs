//! What `rollbook copy` refuses: it never mixes two stores, and never leaves something behind without a word.

use rusqlite::Connection;

use super::copy::copy;
use crate::process::{Printed, Store};

fn told(printed: &Printed) -> &str {
    assert_eq!(printed.code, Some(1), "{}", printed.out);
    printed.err.strip_prefix("rollbook: ").expect("a sentence").trim_end()
}

fn files() -> Store {
    let store = Store::in_files();
    store.account("Shop");
    store
}

fn sql(store: &Store, half: &str, statements: &str) {
    let path = format!("{}{half}", store.database.display());
    Connection::open(path).expect("a file").execute_batch(statements).expect(statements);
}

#[test]
fn neither_side_may_be_served() {
    let (from, to) = (files(), Store::in_postgres());
    let server = from.serve();
    let told_of = |printed: &Printed| told(printed).to_owned();
    assert!(told_of(&copy(&from, &to)).ends_with("is served by another process already"));
    drop(server);
    let server = to.serve();
    let served = "a server runs on the target database, or has just ended";
    assert_eq!(told(&copy(&from, &to)), served);
    drop(server);
    to.sql("DELETE FROM node");
    assert_eq!(copy(&from, &to).code, Some(0));
}

#[test]
fn a_target_that_holds_anything_else_is_left_alone() {
    let (from, to) = (files(), Store::in_postgres());
    to.account("Other");
    assert_eq!(told(&copy(&from, &to)), "the target database is not empty: it has a store");

    // A copy that is whole is a store like any other.
    let to = Store::in_postgres();
    assert_eq!(copy(&from, &to).code, Some(0));
    assert_eq!(told(&copy(&from, &to)), "the target database is not empty: it has a store");

    // One that was begun goes on with the store as it was then, and with no other.
    let to = Store::in_postgres();
    to.ok(&["migrate"]);
    to.sql("INSERT INTO setting (name, bytes) VALUES ('copy', 'another')");
    let begun = "the target database holds the beginning of a copy of another store, or of this one before it was \
                 changed: empty it, and copy again";
    assert_eq!(told(&copy(&from, &to)), begun);
}

#[test]
fn what_differs_at_the_end_is_told() {
    let (from, to) = (files(), Store::in_postgres());
    to.ok(&["migrate"]);
    // A database that does not keep what it is given.
    to.sql(
        "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := 'Shopp'; RETURN NEW; END $$; \
         CREATE TRIGGER spoil BEFORE INSERT ON account FOR EACH ROW EXECUTE FUNCTION spoil()",
    );
    let differs = "the copy of the table account has other values: empty the target database, and copy again";
    assert_eq!(told(&copy(&from, &to)), differs);
    let refused = to.run(&["account", "list"]);
    assert!(refused.err.contains("is not whole"), "nobody serves it: {}", refused.err);
}

#[test]
fn a_table_or_column_that_it_does_not_know_is_told() {
    for (half, change, place) in [
        (".intake", "CREATE TABLE surprise (x INTEGER)", "x of the table main.surprise"),
        ("", "ALTER TABLE contact ADD COLUMN surprise INTEGER", "surprise of the table store.contact"),
    ] {
        let (from, to) = (files(), Store::in_postgres());
        sql(&from, half, change);
        assert_eq!(told(&copy(&from, &to)), format!("a copy does not know the column {place}"));
    }
    for (change, place) in [
        ("CREATE TABLE surprise (x bigint)", "x of the table surprise"),
        ("ALTER TABLE contact ADD COLUMN surprise bigint", "surprise of the table contact"),
    ] {
        let (from, to) = (files(), Store::in_postgres());
        to.ok(&["migrate"]);
        to.sql(change);
        assert_eq!(told(&copy(&from, &to)), format!("a copy does not know the column {place}"));
    }
}

#[test]
fn it_wants_a_store_in_files_and_an_address() {
    let (from, to) = (files(), Store::in_postgres());
    let nowhere = Store::at(from.directory.path("nowhere.db"));
    assert!(told(&copy(&nowhere, &to)).starts_with("there is no store at "));
    assert!(!nowhere.database.exists(), "none is made");
    assert!(told(&copy(&from, &nowhere)).starts_with("--to takes postgres://"));
}
