//! The changes of contacts beside a restored backup, an earlier version and two nodes.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use domain::contact::field::Field::{self, FirstName, Name};
use domain::contact::identifier::IdentifierKind;
use domain::id::ObjectId;
use domain::journal::{Batch, BatchKind, ItemsWriter, ListNo};
use storage::{ChangeQuery, ChangesError, ChangesFrom, Role, Storage};
use tokio_postgres::NoTls;

use super::changes::{add_list, all, now, query, read, story, words};
use super::{Backend, Desk, Postgres, Sqlite};
use crate::harness::PATIENCE;

#[tokio::test(flavor = "multi_thread")]
async fn after_an_older_backup_was_restored_cursors_from_before_it_go_on_and_later_ones_are_refused() {
    let backend = Sqlite::new();
    let mut desk = Desk::new(Box::new(backend.clone())).await;
    desk.update(&[("a", &[(Name, "1")])]).await;
    let before = now(&desk).await;
    desk.update(&[("a", &[(Name, "2")])]).await;
    desk.close();
    let files = [backend.store(), backend.intake()];
    let kept = files.each_ref().map(|file| std::fs::read(file).expect("a file"));
    desk.reopen();
    desk.update(&[("a", &[(Name, "3")])]).await;
    let lost = now(&desk).await;
    desk.close();
    for (file, bytes) in files.iter().zip(&kept) {
        std::fs::write(file, bytes).expect("restored");
        for log in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{log}", file.display()));
        }
    }
    desk.reopen();
    let refused = async |desk: &Desk| {
        let outcome = read(desk, query(desk, ChangesFrom::After(lost.clone()))).await;
        assert!(matches!(outcome, Err(ChangesError::Unknown)), "{outcome:?}");
    };
    refused(&desk).await;
    // Its position is another batch's now, and later one of many.
    for name in ["4", "5", "6"] {
        desk.update(&[("a", &[(Name, name)])]).await;
        refused(&desk).await;
    }
    let page = read(&desk, query(&desk, ChangesFrom::After(before))).await.expect("changes");
    assert_eq!(page.changes.len(), 4);
    assert_eq!(words(&page)[0], "1 updated a -: name 1 > 2");
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_a_node_of_an_earlier_version_changes_are_written_in_its_form_and_read_the_same() {
    let backend = Postgres::new();
    drop(backend.open(Role::Server));
    let (client, connection) =
        tokio_postgres::connect(&backend.address(), NoTls).await.expect("a connection");
    tokio::spawn(connection);
    let earlier = "INSERT INTO node (id, heard_at, forms) VALUES ('\\x01', now() + interval '1 hour', 2)";
    client.batch_execute(earlier).await.expect("a node");
    let desk = Desk::new(Box::new(backend.clone())).await;
    let told = story(&desk).await;
    let codes =
        "SELECT DISTINCT get_byte(changes, 0) FROM history WHERE octet_length(changes) > 0 ORDER BY 1";
    let codes: Vec<i32> =
        client.query(codes, &[]).await.expect("rows").iter().map(|row| row.get(0)).collect();
    assert_eq!(codes, [0, 1, 2], "the forms that earlier versions read");
    assert_eq!(words(&all(&desk).await), told);
    let (mut from, mut found) = (ChangesFrom::Start, Vec::new());
    loop {
        let page = read(&desk, ChangeQuery { limit: 1, ..query(&desk, from) }).await.expect("changes");
        found.extend(words(&page));
        if !page.more {
            break;
        }
        from = ChangesFrom::After(page.next);
    }
    assert_eq!(found, told);
}

/// Two nodes accept and apply side by side, also erases, while others follow all lists or one: each sees the batches of
/// each list once and in the order in which they were accepted.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_follows_while_two_nodes_apply_misses_a_change_or_sees_one_twice() {
    let backend = Postgres::new();
    let desk = Desk::new(Box::new(backend.clone())).await;
    let nodes: Vec<Arc<dyn Storage>> = (0..2).map(|_| Arc::from(backend.open(Role::Server))).collect();
    let lists =
        [(desk.list, desk.list_id), add_list(&desk).await, add_list(&desk).await, add_list(&desk).await];
    let done = Arc::new(AtomicBool::new(false));
    let now = desk.now;
    let appliers: Vec<_> = nodes
        .iter()
        .flat_map(|node| [Arc::clone(node), Arc::clone(node)])
        .map(|node| {
            let done = Arc::clone(&done);
            tokio::spawn(async move {
                loop {
                    let last = done.load(Ordering::SeqCst);
                    // Groups of different sizes commit after different times.
                    if node.apply_next(3, now).await.expect("applied").batches == 0 {
                        if last && node.oldest_waiting().await.expect("a look").is_none() {
                            return;
                        }
                        tokio::time::sleep(Duration::from_millis(2)).await;
                    }
                }
            })
        })
        .collect();
    let all: Vec<ListNo> = lists.iter().map(|(list, _)| *list).collect();
    let followers: Vec<_> = [None, Some(lists[1].0), None]
        .into_iter()
        .zip([1_000, 7, 2])
        .map(|(scope, limit)| {
            let (node, done) = (Arc::clone(&nodes[limit % 2]), Arc::clone(&done));
            let lists = scope.map_or_else(|| all.clone(), |list| vec![list]);
            let query = ChangeQuery { scope, limit, ..ChangeQuery::new(desk.account.no, lists) };
            tokio::spawn(async move {
                let (mut cursor, mut found) = (None, HashMap::<ListNo, Vec<(ObjectId, u64)>>::new());
                let start = Instant::now();
                loop {
                    let last =
                        done.load(Ordering::SeqCst) && node.oldest_waiting().await.expect("a look").is_none();
                    let from = cursor.map_or(ChangesFrom::Start, ChangesFrom::After);
                    let page =
                        node.read_changes(ChangeQuery { from, ..query.clone() }).await.expect("changes");
                    for change in &page.changes {
                        found.entry(change.list).or_default().push((change.request, change.number.0));
                    }
                    if last && !page.more {
                        return found;
                    }
                    cursor = Some(page.next);
                    assert!(start.elapsed() < PATIENCE * 2, "it comes to an end");
                }
            })
        })
        .collect();
    let mut expected = HashMap::<ListNo, Vec<(ObjectId, u64)>>::new();
    for step in 0..300_u32 {
        let (list, list_id) = lists[(step * step + step / 7) as usize % 4];
        let name = format!("{step}");
        let items: &[(&str, &[(Field, &str)])] =
            &[("a", &[(FirstName, &name)]), ("b", &[(FirstName, &name)])];
        let batch = Batch { list, list_id, ..desk.batch(&items[..1 + step as usize % 2]) };
        let contacts = if step % 2 == 0 { 1 } else { 2 };
        let of_list = expected.entry(list).or_default();
        of_list.extend((0..contacts).map(|_| (batch.request, 0)));
        nodes[step as usize % 2].append(vec![Arc::new(batch)]).await.expect("kept");
        if step % 50 == 49 {
            let mut items = ItemsWriter::default();
            // Of nobody: all lists must have come to it.
            items.add(IdentifierKind::UserId, "nobody", &[]);
            let (list, list_id, kind) = (ListNo::NONE, desk.account.id, BatchKind::Erase);
            let batch = Batch { list, list_id, kind, items: items.finish(), ..desk.batch(&[]) };
            nodes[0].append(vec![Arc::new(batch)]).await.expect("kept");
        }
    }
    done.store(true, Ordering::SeqCst);
    for applier in appliers {
        applier.await.expect("a node");
    }
    for follower in followers {
        let found = follower.await.expect("a follower");
        for (list, found) in &found {
            let requests: Vec<_> = found.iter().map(|(request, _)| *request).collect();
            let expected: Vec<_> = expected[list].iter().map(|(request, _)| *request).collect();
            assert_eq!(requests, expected, "of list {}", list.0);
        }
        assert!(found.len() == 4 || found.len() == 1, "every list that was followed");
    }
}
