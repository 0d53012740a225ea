//! The files while one account is ahead of another: they are well, also to those who look at them from outside.

use std::sync::Arc;

use domain::clock::SystemClock;
use domain::contact::identifier::IdentifierKind;
use domain::journal::{Batch, BatchKind, ItemsWriter};
use sqlite::check::check;
use storage::{NewList, RequestFilter, RequestState, Window};

use super::sqlite_files::number;
use super::{Desk, Sqlite, add_account};

#[tokio::test(flavor = "multi_thread")]
async fn files_of_which_one_account_is_ahead_are_well() {
    let files = Sqlite::new();
    let mut desk = Desk::new(Box::new(files.clone())).await;
    let other = add_account(desk.storage(), &desk.ids, desk.now).await;
    let first = desk.update(&[("a", &[])]).await;
    for _ in 0..3 {
        let mut items = ItemsWriter::default();
        items.add(IdentifierKind::UserId, &first.to_string(), &[]);
        desk.append(Batch { kind: BatchKind::Undo, items: items.finish(), ..desk.batch(&[]) }).await;
    }
    let list_id = desk.ids.next(desk.now);
    desk.storage().add_list(other.no, list_id, NewList::named("Theirs"), desk.now).await.expect("a list");
    let list = desk.storage().find_list(list_id).await.expect("a look").expect("the list").no;
    let theirs = Batch { account: other.no, list, list_id, ..desk.batch(&[("b", &[])]) };
    let request = theirs.request;
    desk.storage().append(vec![Arc::new(theirs)]).await.expect("kept");

    let ahead = || number(&files.store(), "SELECT count(*) FROM ahead");
    let mut seen_ahead = false;
    loop {
        let report = check(&files.store(), &SystemClock, &mut |_| {}).expect("a check");
        assert_eq!(report.findings, []);
        assert_eq!(report.batches, desk.storage().backlog().batches);
        seen_ahead |= ahead() == 1;
        let state = desk.storage().request_state(other.no, request).await.expect("a look").expect("it").0;
        let window = Window { offset: 0, limit: 10 };
        let listed = desk.storage().list_requests(other.no, RequestFilter::default(), window).await;
        let listed = listed.expect("a list");
        assert_eq!((listed.total, listed.rows.len()), (1, 1), "it is in one place");
        assert_eq!(listed.rows[0].state, state);
        assert_eq!(listed.rows[0].counts.is_some(), state == RequestState::Processed);
        if desk.apply(10).await.batches == 0 {
            break;
        }
        desk.reopen();
    }
    assert!(seen_ahead, "one account was ahead for a time");
    assert_eq!(ahead(), 0, "and is not once all is applied");
}
