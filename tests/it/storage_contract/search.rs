//! The search index: steps are stored once, from the state that they were made from; what is erased is in no file.

use domain::journal::{ContactNo, ListNo};
use domain::search::{Entry, Query, VERSION, fold};
use storage::{Lookup, Role, SearchState, SearchWrite, Storage};

use super::{Backend, Desk, Sqlite, on_every_backend};

on_every_backend! {
    a_step_is_stored_once_and_only_from_its_state,
    numbers_are_found_by_their_last_digits,
    another_process_has_the_index_after_the_first_one,
}

fn entry(text: &str) -> Option<Entry> {
    let mut words = fold::name_words(text);
    words.sort();
    words.dedup();
    Some(Entry { words, phone: None })
}

fn state(cursor: &[u8], scanned: Option<u64>) -> SearchState {
    SearchState { version: VERSION, cursor: cursor.to_vec(), scanned: scanned.map(ContactNo) }
}

fn step(before: Option<SearchState>, after: SearchState, entries: &[(u64, Option<Entry>)]) -> SearchWrite {
    let entries = entries.iter().map(|(number, entry)| (ContactNo(*number), entry.clone())).collect();
    SearchWrite { list: ListNo(7), before, after, entries, range: None, erased: false }
}

async fn find(store: &dyn Storage, typed: &str) -> Vec<u64> {
    let query = Query::parse(typed).expect("a query");
    let lookup = Lookup::Beginnings(query.words().to_vec());
    let found = store.search(ListNo(7), lookup, ContactNo(0), 100).await.expect("found");
    found.into_iter().map(|number| number.0).collect()
}

async fn a_step_is_stored_once_and_only_from_its_state(desk: Desk) {
    let store = desk.storage();
    assert!(store.claim_search().await.expect("claimed"));
    let first = step(None, state(b"1", Some(2)), &[(1, entry("Anna Müller")), (2, entry("Annabel"))]);
    assert!(store.write_search(first.clone()).await.expect("written"));
    assert!(!store.write_search(first).await.expect("answered"), "it is stored already");
    let other = step(Some(state(b"0", None)), state(b"2", None), &[(1, None)]);
    assert!(!store.write_search(other).await.expect("answered"), "from another state");
    assert_eq!(find(store, "ann").await, [1, 2]);
    assert_eq!(find(store, "ann mül").await, [1]);

    // The same words again, other words, and none.
    let changed = [(1, entry("Anna Müller")), (2, entry("Berta")), (3, entry("Annette"))];
    let second = step(Some(state(b"1", Some(2))), state(b"2", None), &changed);
    assert!(store.write_search(second).await.expect("written"));
    assert_eq!(find(store, "ann").await, [1, 3]);
    assert_eq!(store.search_state(ListNo(7)).await.expect("a state"), Some(state(b"2", None)));

    // A range has what the step has, and no other.
    let range = Some((ContactNo(0), ContactNo(2)));
    let third =
        SearchWrite { range, ..step(Some(state(b"2", None)), state(b"3", None), &[(2, entry("Annabel"))]) };
    assert!(store.write_search(third).await.expect("written"));
    assert_eq!(find(store, "ann").await, [2, 3]);

    // In order, behind a number, and not more than asked for.
    let look = |after, limit| {
        store.search(ListNo(7), Lookup::Beginnings(vec!["ann".to_owned()]), ContactNo(after), limit)
    };
    assert_eq!(look(2, 9).await.expect("found"), [ContactNo(3)]);
    assert_eq!(look(0, 1).await.expect("found"), [ContactNo(2)]);
    let whole = Lookup::Words(vec!["annabel".to_owned()]);
    assert_eq!(store.search(ListNo(7), whole, ContactNo(0), 9).await.expect("found"), [ContactNo(2)]);
    let other_list = store.search(ListNo(6), Lookup::Words(vec!["annabel".to_owned()]), ContactNo(0), 9);
    assert_eq!(other_list.await.expect("answered"), []);

    store.reset_search().await.expect("reset");
    assert_eq!(store.search_states().await.expect("states"), []);
    assert_eq!(find(store, "ann").await, [2, 3], "it is searched as it was");
    while store.forget_search(ListNo(7)).await.expect("forgotten") {}
    assert_eq!(find(store, "ann").await, [0; 0]);
}

async fn numbers_are_found_by_their_last_digits(desk: Desk) {
    let store = desk.storage();
    let phone = |number: &str| Some(Entry { words: Vec::new(), phone: domain::search::Phone::of(number) });
    let entries = [
        (1, phone("+491701234567")),
        (2, phone("+380441234567")),
        (3, phone("+491701234568")),
        (4, phone("+")),
    ];
    assert!(store.write_search(step(None, state(b"1", None), &entries)).await.expect("written"));
    let find = async |typed: &str| {
        let end = Query::parse(typed).expect("a query").phone_end().expect("digits");
        let found = store.search(ListNo(7), Lookup::PhoneEnd(end), ContactNo(0), 9).await.expect("found");
        found.into_iter().map(|number| number.0).collect::<Vec<_>>()
    };
    assert_eq!(find("234568").await, [3]);
    // Only the last 6 digits are looked up: the caller compares the rest.
    assert_eq!(find("0170 1234567").await, [1, 2]);
    assert_eq!(find("234567").await, [1, 2]);
}

/// SQLite cuts off what a word shares with its neighbour: the file holds the tail of a word, and the test looks for that.
#[tokio::test(flavor = "multi_thread")]
async fn tidying_removes_deleted_and_former_words_from_the_file() {
    let sqlite = Sqlite::new();
    let store = sqlite.open(Role::Server);
    let tails = ["qzxwvutail", "kjhgfdtail"];
    let names: Vec<_> =
        (1..=500).map(|number| (number, entry(&format!("Pers{number} Common Name")))).collect();
    assert!(store.write_search(step(None, state(b"0", None), &names)).await.expect("written"));
    let write = async |from: u64, number: u64, name: Option<Entry>, erased: bool| {
        let [before, after] = [from, from + 1].map(|cursor| state(cursor.to_string().as_bytes(), None));
        let write = SearchWrite { erased, ..step(Some(before), after, &[(number, name)]) };
        assert!(store.write_search(write).await.expect("written"));
    };
    let former = format!("Pers2{}", tails[0]);
    write(0, 77, entry(&former), false).await;
    for from in 1..30 {
        write(from, 100 + from, entry(&format!("Other {from}")), false).await;
    }
    write(30, 77, entry(&format!("Pers3{}", tails[1])), false).await;
    let stands = |tail: &str| {
        let path = sqlite.store();
        let file =
            |suffix: &str| std::fs::read(format!("{}.search{suffix}", path.display())).unwrap_or_default();
        [file(""), file("-wal")].iter().any(|bytes| bytes.windows(tail.len()).any(|it| it == tail.as_bytes()))
    };
    assert!(tails.iter().all(|tail| stands(tail)), "the test can find them");
    write(31, 77, None, true).await;
    assert!(stands(tails[0]), "the former name is in an older segment");
    while store.tidy_search().await.expect("tidied") {}
    assert!(tails.iter().all(|tail| !stands(tail)));
    assert_eq!(find(&*store, "pers499").await, [499]);
    assert_eq!(find(&*store, "other 7").await, [107]);
}

async fn another_process_has_the_index_after_the_first_one(mut desk: Desk) {
    assert!(desk.storage().claim_search().await.expect("claimed"));
    assert!(desk.storage().claim_search().await.expect("claimed"), "it has it still");
    desk.reopen();
    let start = std::time::Instant::now();
    while !desk.storage().claim_search().await.expect("answered") {
        assert!(start.elapsed() < crate::harness::PATIENCE, "the lease ends");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// Two nodes: the second leaves the index to the first, and a step that it makes all the same stores nothing.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_nodes_one_writes_the_index() {
    let backend = super::Postgres::new();
    let (first, second) = (backend.open(Role::Server), backend.open(Role::Server));
    assert!(first.claim_search().await.expect("claimed"));
    assert!(!second.claim_search().await.expect("answered"));
    let from_nothing = |text: &str| step(None, state(b"1", None), &[(1, entry(text))]);
    let (one, other) =
        tokio::join!(first.write_search(from_nothing("Anna")), second.write_search(from_nothing("Berta")));
    let (one, other) = (one.expect("answered"), other.expect("answered"));
    assert!(one != other, "one of the two");
    assert_eq!(find(&*second, "anna").await.len(), usize::from(one));
    assert_eq!(find(&*first, "berta").await.len(), usize::from(other));
}
