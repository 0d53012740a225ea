//! Accounts take turns: none waits for all that another has accepted, and each is applied in its own order.

use domain::contact::field::Field::FirstName;
use domain::contact::identifier::IdentifierKind;
use domain::id::ObjectId;
use domain::journal::{Batch, ListNo};
use storage::{Backlog, NewList, RequestState};

use super::{Desk, Owner, add_account, in_words, on_every_backend};

on_every_backend! {
    an_account_does_not_wait_for_all_of_another,
    each_account_is_applied_once_and_in_its_order_whoever_else_is,
    what_waits_is_counted_by_account,
}

/// An account with a list.
struct Tenant {
    account: Owner,
    list: ListNo,
    list_id: ObjectId,
}

impl Tenant {
    async fn new(desk: &Desk) -> Self {
        let account = add_account(desk.storage(), &desk.ids, desk.now).await;
        let list_id = desk.ids.next(desk.now);
        let storage = desk.storage();
        storage.add_list(account.no, list_id, NewList::named("Theirs"), desk.now).await.expect("a list");
        let list = storage.find_list(list_id).await.expect("a look").expect("the list").no;
        Self { account, list, list_id }
    }

    fn upsert(&self, desk: &Desk, contact: &str, name: &str) -> Batch {
        let batch = desk.batch(&[(contact, &[(FirstName, name)])]);
        Batch { account: self.account.no, list: self.list, list_id: self.list_id, ..batch }
    }

    fn erase(&self, desk: &Desk, contact: &str) -> Batch {
        Batch { account: self.account.no, ..desk.erasing(&[(IdentifierKind::UserId, contact)]) }
    }

    async fn state(&self, desk: &Desk, request: ObjectId) -> RequestState {
        let found = desk.storage().request_state(self.account.no, request).await.expect("a look");
        found.expect("the request").0
    }

    /// What became of a request that is processed.
    async fn told(&self, desk: &Desk, request: ObjectId) -> Vec<String> {
        let found = desk.storage().find_requests(self.account.no, vec![request]).await.expect("a look");
        let request = found.into_iter().next().expect("the request");
        assert_eq!(request.state, RequestState::Processed);
        request.results.iter().map(in_words).collect()
    }
}

async fn an_account_does_not_wait_for_all_of_another(desk: Desk) {
    let (greedy, other) = (Tenant::new(&desk).await, Tenant::new(&desk).await);
    let mut erases = Vec::new();
    for number in 0..20 {
        erases.push(desk.append(greedy.erase(&desk, &format!("id{number}"))).await);
    }
    let request = desk.append(other.upsert(&desk, "a", "Jo")).await;
    for _ in 0..3 {
        assert!(desk.apply(1_000).await.batches > 0);
    }
    assert_eq!(other.state(&desk, request).await, RequestState::Processed);
    assert_eq!(greedy.state(&desk, erases[19]).await, RequestState::Queued);
    assert_eq!(greedy.state(&desk, erases[0]).await, RequestState::Processed);
    desk.apply_all().await;
    assert_eq!(greedy.state(&desk, erases[19]).await, RequestState::Processed);
}

/// The batch of a step, of one of three tenants: some erase a person whom others of the same tenant are about.
fn step(desk: &Desk, tenants: &[Tenant; 3], number: usize) -> (usize, Batch) {
    let tenant = [0, 0, 1, 0, 2, 0, 1][number % 7];
    let person = format!("p{}", number * 7 % 3);
    let batch = match number % 5 {
        4 => tenants[tenant].erase(desk, &person),
        _ => tenants[tenant].upsert(desk, &person, &number.to_string()),
    };
    (tenant, batch)
}

async fn tenants(desk: &Desk) -> [Tenant; 3] {
    [Tenant::new(desk).await, Tenant::new(desk).await, Tenant::new(desk).await]
}

async fn each_account_is_applied_once_and_in_its_order_whoever_else_is(mut desk: Desk) {
    // One after the other, nothing else waiting: so it must be.
    let (alone, mut requests, mut expected) = (tenants(&desk).await, Vec::new(), Vec::new());
    for number in 0..42 {
        let (tenant, batch) = step(&desk, &alone, number);
        requests.push((tenant, desk.append(batch).await));
        desk.apply_all().await;
    }
    // At the end: results show nothing of people who were erased later.
    for (tenant, request) in requests {
        expected.push(alone[tenant].told(&desk, request).await);
    }
    assert!(expected.iter().flatten().any(|told| told.starts_with("erased")), "{expected:?}");

    let (together, mut requests) = (tenants(&desk).await, Vec::new());
    for number in 0..42 {
        let (tenant, batch) = step(&desk, &together, number);
        requests.push((tenant, desk.append(batch).await));
        // Some are accepted while others are applied.
        if number % 10 == 9 {
            desk.apply(2).await;
        }
    }
    for max in (1..=4).cycle() {
        if desk.apply(max).await.batches == 0 {
            break;
        }
        desk.reopen();
        for (tenant, of_account) in together.iter().enumerate() {
            let mut waits = false;
            for (_, request) in requests.iter().filter(|(of, _)| *of == tenant) {
                let processed = of_account.state(&desk, *request).await == RequestState::Processed;
                assert!(!(waits && processed), "a later one of the account was applied before");
                waits = !processed;
            }
        }
    }
    for (number, ((tenant, request), expected)) in requests.iter().zip(&expected).enumerate() {
        assert_eq!(together[*tenant].told(&desk, *request).await, *expected, "step {number}");
    }
}

async fn what_waits_is_counted_by_account(mut desk: Desk) {
    let (one, two) = (Tenant::new(&desk).await, Tenant::new(&desk).await);
    let batches = [one.upsert(&desk, "a", "Jo"), one.erase(&desk, "b"), two.upsert(&desk, "a", "Jo")];
    let bytes = |batches: &[Batch]| batches.iter().map(|batch| batch.items.len() as u64).sum::<u64>();
    let expected = |batches: &[Batch]| Backlog { batches: batches.len() as u64, bytes: bytes(batches) };
    let expected = [expected(&batches[..2]), expected(&batches[2..])];
    for batch in batches {
        desk.append(batch).await;
    }
    let counted = |desk: &Desk| [&one, &two].map(|tenant| desk.storage().backlog_of(tenant.account.no));
    assert_eq!(counted(&desk), expected);
    desk.reopen();
    assert_eq!(counted(&desk), expected);
    assert_eq!(desk.storage().backlog().batches, 3);
    desk.apply_all().await;
    assert_eq!(counted(&desk), [Backlog::default(); 2]);
}
