//! Requests by state, list and time.

use std::time::Duration;

use domain::journal::Batch;
use storage::{Counts, NewList, RequestFilter, RequestState, Window};

use super::{Desk, add_account, on_every_backend};

on_every_backend! {
    a_request_is_told_once_whether_it_waits_or_is_processed,
    pages_join_where_waiting_and_processed_meet,
    the_account_the_list_and_the_time_narrow,
}

/// The positions in `ids` of the requests of a page, and how many match in all.
async fn page(
    desk: &Desk,
    ids: &[domain::id::ObjectId],
    filter: RequestFilter,
    window: Window,
) -> (Vec<usize>, u64) {
    let page = desk.storage().list_requests(desk.account.no, filter, window).await.expect("a look");
    let place = |id| ids.iter().position(|known| *known == id).expect("a known request");
    (page.rows.into_iter().map(|request| place(request.id)).collect(), page.total)
}

const ALL: Window = Window { offset: 0, limit: 100 };

async fn a_request_is_told_once_whether_it_waits_or_is_processed(mut desk: Desk) {
    let taken = desk.batch(&[("a", &[]), ("b", &[(domain::contact::field::Field::UserId, "a")])]);
    let request = desk.append(desk.reported("https://one.example:443", &[("x", &[])])).await;
    let second = desk.append(taken).await;
    let told = async |desk: &Desk| {
        let page = desk.storage().list_requests(desk.account.no, RequestFilter::default(), ALL).await;
        let rows = page.expect("a look").rows.into_iter();
        rows.map(|row| (row.id, row.state, row.counts, row.webhook.is_some())).collect::<Vec<_>>()
    };
    let waits = |id, hook| (id, RequestState::Queued, None, hook);
    assert_eq!(told(&desk).await, [waits(second, false), waits(request, true)]);
    assert_eq!(desk.apply(1).await.batches, 1);
    let done =
        |id, success, errors, hook| (id, RequestState::Processed, Some(Counts { success, errors }), hook);
    assert_eq!(told(&desk).await, [waits(second, false), done(request, 1, 0, true)]);
    desk.reopen();
    assert_eq!(told(&desk).await, [waits(second, false), done(request, 1, 0, true)]);
    desk.apply_all().await;
    assert_eq!(told(&desk).await, [done(second, 1, 1, false), done(request, 1, 0, true)]);
    let state = desk.storage().request_state(desk.account.no, second).await.expect("a look");
    assert_eq!(state, Some((RequestState::Processed, desk.list_id)));
}

async fn pages_join_where_waiting_and_processed_meet(mut desk: Desk) {
    let mut ids = Vec::new();
    for number in 0..12_u64 {
        ids.push(desk.append(desk.batch(&[("a", &[])])).await);
        // Several have one moment.
        desk.now = desk.now.after(Duration::from_millis(number % 3));
    }
    ids.reverse();
    for applied in [0, 1, 6, 5] {
        desk.apply(applied).await;
        for offset in 0..14 {
            for limit in [1, 2, 5, 100] {
                let window = Window { offset, limit };
                let last = ids.len().min((offset + u64::from(limit)) as usize);
                let expected: Vec<_> = (offset as usize..last).collect();
                assert_eq!(
                    page(&desk, &ids, RequestFilter::default(), window).await,
                    (expected, 12),
                    "{window:?}"
                );
            }
        }
    }
}

async fn the_account_the_list_and_the_time_narrow(mut desk: Desk) {
    let start = desk.now;
    let id = desk.ids.next(desk.now);
    desk.storage().add_list(desk.account.no, id, NewList::named("Other"), desk.now).await.expect("a list");
    let other_list = desk.storage().find_list(id).await.expect("a look").expect("the list").no;
    let other = add_account(desk.storage(), &desk.ids, desk.now).await;
    let mut ids = Vec::new();
    for number in 0..6 {
        let batch = match number % 2 {
            0 => desk.batch(&[("a", &[])]),
            _ => Batch { list: other_list, list_id: id, ..desk.batch(&[("a", &[])]) },
        };
        desk.append(Batch { account: other.no, ..desk.batch(&[("a", &[])]) }).await;
        ids.push(desk.append(batch).await);
        desk.now = desk.now.after(Duration::from_secs(1));
        if number == 2 {
            desk.apply_all().await;
        }
    }
    let at = |seconds| Some(start.after(Duration::from_secs(seconds)));
    let some = |state, lists, from, to| RequestFilter { state, lists, from, to, ..RequestFilter::default() };
    let processed = Some(RequestState::Processed);
    for (filter, expected) in [
        (RequestFilter::default(), vec![5, 4, 3, 2, 1, 0]),
        (some(processed, None, None, None), vec![2, 1, 0]),
        (some(Some(RequestState::Queued), None, None, None), vec![5, 4, 3]),
        (some(Some(RequestState::Processing), None, None, None), vec![]),
        (some(None, Some(vec![other_list]), None, None), vec![5, 3, 1]),
        (some(None, Some(vec![other_list, desk.list]), at(1), at(4)), vec![3, 2, 1]),
        (some(None, Some(Vec::new()), None, None), vec![]),
        (some(processed, Some(vec![desk.list]), at(1), None), vec![2]),
        (some(None, None, at(4), at(4)), vec![]),
    ] {
        let total = expected.len() as u64;
        let text = format!("{filter:?}");
        assert_eq!(page(&desk, &ids, filter, ALL).await, (expected, total), "{text}");
    }
    let counted = RequestFilter { count_to: Some(2), ..RequestFilter::default() };
    let counted = page(&desk, &ids, counted, Window { offset: 4, limit: 10 }).await;
    assert_eq!(counted, (vec![1, 0], 3 + 2), "those behind are there all the same");
    let state = desk.storage().request_state(other.no, ids[0]).await.expect("a look");
    assert_eq!(state, None, "it is another account's");
}
