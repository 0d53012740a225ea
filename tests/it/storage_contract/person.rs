//! All that is kept about a person: who they are, which requests mention them, and that erasing leaves none of it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use domain::contact::field::Field::{Email, FirstName, PhoneNumber, UserId};
use domain::contact::identifier::IdentifierKind;
use domain::id::ObjectId;
use domain::journal::{AccountNo, Batch, BatchKind, ItemsWriter, ListNo};
use storage::{ItemResult, Mention, NewList, Person, Subject};

use super::{Desk, add_account, keep_since, on_every_backend};

on_every_backend! {
    a_person_is_found_in_all_lists_of_the_account_also_by_what_they_bore_once,
    a_person_who_was_removed_is_found_by_the_history,
    requests_that_mention_a_person_are_told_with_the_places_whether_they_wait_or_not,
    mentions_come_in_chunks_and_each_request_once,
    an_erase_stands_alone_among_the_batches,
    an_erase_leaves_nothing_to_find_after_a_restart_too,
    an_erase_that_reads_no_items_says_so,
    the_last_erase_of_an_account_is_known,
}

fn user_id(text: &str) -> Vec<(IdentifierKind, String)> {
    vec![(IdentifierKind::UserId, text.to_owned())]
}

fn email(text: &str) -> Vec<(IdentifierKind, String)> {
    vec![(IdentifierKind::Email, text.to_owned())]
}

impl Desk {
    /// A batch that erases people.
    pub fn erasing(&self, people: &[(IdentifierKind, &str)]) -> Batch {
        let mut items = ItemsWriter::default();
        people.iter().for_each(|(kind, text)| items.add(*kind, text, &[]));
        let list_id = ObjectId::from_bytes([0; 12]);
        let kind = BatchKind::Erase;
        Batch { list: ListNo::NONE, list_id, kind, items: items.finish(), ..self.batch(&[]) }
    }

    /// Erases one person, and tells what became of it.
    pub async fn erase(&self, kind: IdentifierKind, text: &str) -> Vec<String> {
        let request = self.append(self.erasing(&[(kind, text)])).await;
        self.apply_all().await;
        self.told(request).await
    }

    pub async fn person(&self, identifiers: Vec<(IdentifierKind, String)>) -> Person {
        self.storage().find_person(self.account.no, identifiers).await.expect("a look")
    }

    /// All requests that mention a person, and in how many chunks they came.
    pub async fn mentions(&self, identifiers: Vec<(IdentifierKind, String)>) -> (Vec<Mention>, usize) {
        let person = self.person(identifiers.clone()).await;
        let contacts = person.contacts.iter().map(|found| (found.list, found.history.number)).collect();
        let subject = Arc::new(Subject { identifiers, contacts });
        let (mut found, mut after, mut chunks) = (Vec::new(), 0, 0);
        loop {
            let chunk = self.storage().find_mentions(self.account.no, Arc::clone(&subject), after).await;
            let chunk = chunk.expect("a look");
            found.extend(chunk.found);
            chunks += 1;
            match chunk.next {
                Some(next) => after = next,
                None => return (found, chunks),
            }
        }
    }

    async fn second_list(&self) -> (ListNo, ObjectId) {
        let id = self.ids.next(self.now);
        self.storage()
            .add_list(self.account.no, id, NewList::named("Other"), self.now)
            .await
            .expect("a list");
        (self.storage().find_list(id).await.expect("a look").expect("the list").no, id)
    }
}

async fn a_person_is_found_in_all_lists_of_the_account_also_by_what_they_bore_once(mut desk: Desk) {
    desk.update(&[("a", &[(Email, "u@x.com")]), ("b", &[])]).await;
    desk.update(&[("a", &[(Email, "v@x.com")])]).await;
    let (list, list_id) = desk.second_list().await;
    let batch = Batch { list, list_id, ..desk.batch(&[("U@X.com", &[(FirstName, "Jo")])]) };
    desk.append(batch).await;
    let others = add_account(desk.storage(), &desk.ids, desk.now).await;
    desk.apply_all().await;
    for _ in 0..2 {
        let person = desk.person(email("u@x.COM")).await;
        let found: Vec<_> = person
            .contacts
            .iter()
            .map(|found| (found.list, found.contact.is_some(), found.history.total))
            .collect();
        assert_eq!(found, [(desk.list, true, 2), (list, true, 1)]);
        assert!(person.contacts.iter().all(|found| found.history.complete) && !person.erased);
        assert_eq!(desk.person(email("v@x.com")).await.contacts.len(), 1);
        assert_eq!(desk.person(user_id("u@x.com")).await.contacts.len(), 0, "an address is no userId");
        let theirs = desk.storage().find_person(others.no, email("u@x.com")).await.expect("a look");
        assert!(theirs.contacts.is_empty());
        desk.reopen();
    }
}

async fn a_person_who_was_removed_is_found_by_the_history(desk: Desk) {
    desk.update(&[("a", &[(Email, "u@x.com"), (PhoneNumber, "+15555555")])]).await;
    let removal = Batch { kind: BatchKind::Remove, ..desk.batch(&[("a", &[])]) };
    desk.append(removal).await;
    desk.apply_all().await;
    for identifiers in
        [user_id("a"), email("u@x.com"), vec![(IdentifierKind::PhoneNumber, "+15555555".to_owned())]]
    {
        let person = desk.person(identifiers).await;
        assert_eq!(person.contacts.len(), 1);
        assert!(person.contacts[0].contact.is_none());
        assert_eq!(person.contacts[0].history.changes.len(), 2);
    }
}

async fn requests_that_mention_a_person_are_told_with_the_places_whether_they_wait_or_not(desk: Desk) {
    let made = desk.update(&[("b", &[]), ("a", &[(Email, "u@x.com")])]).await;
    let failed =
        Batch { kind: BatchKind::Update, ..desk.batch(&[("nobody", &[]), ("x", &[(Email, "U@x.com")])]) };
    let failed = desk.append(failed).await;
    desk.apply_all().await;
    desk.update(&[("b", &[(FirstName, "Jo")])]).await;
    let waiting = desk.append(desk.batch(&[("u@x.com", &[]), ("c", &[]), ("c", &[(UserId, "a")])])).await;
    desk.append(desk.batch(&[("c", &[])])).await;
    let told = |mentions: Vec<Mention>| -> Vec<_> {
        mentions.into_iter().map(|told| (told.request, told.processed, told.positions)).collect()
    };
    let (mentions, _) = desk.mentions(email("u@x.com")).await;
    assert_eq!(told(mentions), [(made, true, vec![1]), (failed, true, vec![1]), (waiting, false, vec![0])]);
    let (mentions, _) = desk.mentions(user_id("a")).await;
    assert_eq!(told(mentions), [(made, true, vec![1]), (waiting, false, vec![2])]);
    desk.apply_all().await;
    let (mentions, _) = desk.mentions(email("u@x.com")).await;
    assert_eq!(
        told(mentions),
        [(made, true, vec![1]), (failed, true, vec![1]), (waiting, true, vec![0])],
        "what the last item asked for is nobody's address"
    );
}

async fn mentions_come_in_chunks_and_each_request_once(mut desk: Desk) {
    let mut requests = Vec::new();
    for number in 0..4_500 {
        let name = if number % 3 == 0 { "a" } else { "b" };
        let request = desk.append(desk.batch(&[(name, &[])])).await;
        if name == "a" {
            requests.push(request);
        }
        if number == 4_300 {
            desk.apply_all().await;
        }
    }
    let (mentions, chunks) = desk.mentions(user_id("a")).await;
    assert!(chunks > 4 || !desk.backend.readers_wait_for_each_other(), "{chunks} chunks");
    assert!(mentions.iter().map(|mention| mention.request).eq(requests.iter().copied()));
    // Of those that are pruned nothing is told.
    desk.now = desk.now.after(Duration::from_secs(1));
    while desk.storage().prune(keep_since(desk.now)).await.expect("pruned") > 0 {}
    let (mentions, _) = desk.mentions(user_id("a")).await;
    assert!(mentions.iter().all(|mention| !mention.processed) && mentions.len() == 66, "{}", mentions.len());
}

async fn an_erase_stands_alone_among_the_batches(desk: Desk) {
    let before = desk.append(desk.batch(&[("a", &[]), ("b", &[])])).await;
    let erase = desk.append(desk.erasing(&[(IdentifierKind::UserId, "a")])).await;
    let after = desk.append(desk.batch(&[("b", &[]), ("a", &[])])).await;
    for _ in 0..3 {
        assert_eq!(desk.apply(100).await.batches, 1);
    }
    assert_eq!(desk.told(before).await, ["created - -", "created b -"]);
    assert_eq!(desk.told(erase).await, ["erased - -"]);
    assert_eq!(desk.told(after).await, ["unchanged b -", "CONTACT_ERASED"]);
    let found = desk.find(after).await.expect("the request");
    let ItemResult::Failed { asked, .. } = &found.results[1] else { panic!("{found:?}") };
    assert_eq!(asked.user_id, None, "what was refused is not kept either");
    let mut items: HashSet<_> = HashSet::new();
    items.insert(desk.find(erase).await.expect("the request").list);
    assert_eq!(items, HashSet::from([ObjectId::from_bytes([0; 12])]));
}

async fn an_erase_leaves_nothing_to_find_after_a_restart_too(mut desk: Desk) {
    let made = desk.update(&[("a", &[(Email, "u@x.com")]), ("b", &[])]).await;
    desk.update(&[("a", &[(Email, "v@x.com")])]).await;
    assert_eq!(desk.erase(IdentifierKind::Email, "V@x.com").await, ["erased - -"]);
    for _ in 0..2 {
        for identifiers in [user_id("a"), email("u@x.com"), email("v@x.com")] {
            let person = desk.person(identifiers.clone()).await;
            assert!(person.contacts.is_empty() && person.erased, "{identifiers:?}");
            assert!(desk.mentions(identifiers).await.0.is_empty());
        }
        assert_eq!(desk.told(made).await, ["created - -", "created b -"]);
        while desk.storage().prune(keep_since(desk.now)).await.expect("pruned") > 0 {}
        desk.reopen();
    }
    assert_eq!(desk.erase(IdentifierKind::UserId, "a").await, [""; 0]);
    let told = desk.update(&[("b", &[(Email, "u@x.com")]), ("b", &[(FirstName, "Jo")])]).await;
    assert_eq!(desk.told(told).await, ["CONTACT_ERASED", "updated b -"]);
    let back = Batch { restore_erased: true, ..desk.batch(&[("b", &[(Email, "u@x.com")])]) };
    let back = desk.append(back).await;
    desk.apply_all().await;
    assert_eq!(desk.told(back).await, ["updated b u@x.com"]);
    assert!(!desk.person(email("u@x.com")).await.erased);
}

async fn an_erase_that_reads_no_items_says_so(desk: Desk) {
    desk.update(&[("a", &[])]).await;
    let request = desk.append(Batch { items: vec![1, 2, 3], ..desk.erasing(&[]) }).await;
    desk.apply_all().await;
    assert_eq!(desk.told(request).await, ["STORE_DAMAGED"]);
    assert!(desk.field("a", UserId).await.is_some());
}

async fn the_last_erase_of_an_account_is_known(mut desk: Desk) {
    let last = async |desk: &Desk| desk.storage().last_erase(desk.account.no).await.expect("a look");
    assert_eq!(last(&desk).await, None);
    desk.update(&[("a", &[])]).await;
    desk.erase(IdentifierKind::UserId, "a").await;
    let first = desk.now;
    assert_eq!(last(&desk).await, Some(first));
    desk.now = desk.now.after(Duration::from_secs(1));
    desk.erase(IdentifierKind::UserId, "a").await;
    assert_eq!(last(&desk).await, Some(desk.now), "who was erased before is erased again");
    assert_eq!(desk.storage().last_erase(AccountNo(desk.account.no.0 + 1)).await.expect("a look"), None);
}
