//! Members of segments: steps are stored once, events are numbered, and erased contacts leave them.

use domain::clock::Timestamp;
use domain::contact::identifier::IdentifierKind;
use domain::id::ObjectId;
use domain::journal::{ContactNo, ListNo};
use storage::{
    DueContact, FollowedSegment, MemberBlock, SegmentDay, SegmentEvent, SegmentFeed, SegmentWrite, Storage,
};

use super::{Desk, on_every_backend};

on_every_backend! {
    a_step_of_segments_is_stored_once_and_only_after_its_step,
    events_are_numbered_by_account_and_lose_who_was_erased,
    what_is_left_of_a_deleted_segment_is_of_no_segment,
    an_erasure_takes_the_contact_out_of_events_that_nothing_follows,
    a_list_that_is_forgotten_leaves_nothing,
}

fn id() -> ObjectId {
    ObjectId::from_bytes([7; 12])
}

fn step(desk: &Desk, before: Option<i64>) -> SegmentWrite {
    SegmentWrite {
        before,
        feed: SegmentFeed {
            list: desk.list,
            account: desk.account.no,
            step: before.unwrap_or_default() + 1,
            cursor: vec![1, 2],
            saved: -5,
            suppressed: Some(3),
            next_no: 2,
            building: true,
            due: None,
        },
        followed: vec![FollowedSegment {
            no: 1,
            segment: id(),
            hash: -9,
            scanned: Some(ContactNo(4)),
            members: 2,
        }],
        gone: Vec::new(),
        blocks: vec![
            MemberBlock { no: 1, block: 0, bits: vec![6] },
            MemberBlock { no: 1, block: 9, bits: vec![1] },
        ],
        due: vec![
            DueContact { no: 1, number: ContactNo(2), at: Some(Timestamp::from_millis(70)) },
            DueContact { no: 1, number: ContactNo(1), at: Some(Timestamp::from_millis(50)) },
        ],
        events: Vec::new(),
        days: Vec::new(),
        erased: Vec::new(),
        events_since: Timestamp::from_millis(0),
        days_since: 0,
    }
}

fn event(desk: &Desk, number: u64, at: i64) -> SegmentEvent {
    let (segment, number, at) = (id(), ContactNo(number), Timestamp::from_millis(at));
    SegmentEvent { serial: 0, list: desk.list, segment, number, joined: true, at }
}

async fn stored(store: &dyn Storage, write: SegmentWrite) -> bool {
    store.write_segments(write).await.expect("an answer")
}

async fn a_step_of_segments_is_stored_once_and_only_after_its_step(desk: Desk) {
    let store = desk.storage();
    assert!(store.claim_segments().await.expect("claimed"));
    assert!(stored(store, step(&desk, None)).await);
    assert!(!stored(store, step(&desk, None)).await, "it is stored already");
    assert!(!stored(store, step(&desk, Some(7))).await, "after another step");
    let feed = SegmentFeed { due: Some(Timestamp::from_millis(50)), ..step(&desk, None).feed };
    assert_eq!(store.segment_feeds().await.expect("feeds"), [feed]);
    assert_eq!(store.followed_segments(desk.list).await.expect("followed"), step(&desk, None).followed);
    let blocks = store.member_blocks(desk.list, vec![0, 5]).await.expect("blocks");
    assert_eq!(blocks, [MemberBlock { no: 1, block: 0, bits: vec![6] }]);
    let due = store.due_contacts(desk.list, Timestamp::from_millis(60), 10).await.expect("due");
    assert_eq!(due, [DueContact { no: 1, number: ContactNo(1), at: Some(Timestamp::from_millis(50)) }]);

    let mut second = step(&desk, Some(1));
    second.blocks = vec![MemberBlock { no: 1, block: 0, bits: Vec::new() }];
    second.due = vec![DueContact { no: 1, number: ContactNo(1), at: None }];
    second.followed[0].scanned = None;
    let day = |members, joined, left| SegmentDay { day: 20_000, members, joined, left };
    second.days = vec![(id(), day(1, 1, 0)), (id(), SegmentDay { day: 19_000, ..day(5, 0, 0) })];
    assert!(stored(store, second).await);
    let third = SegmentWrite { days: vec![(id(), day(4, 3, 2))], ..step(&desk, Some(2)) };
    assert!(stored(store, third).await);
    let days = store.segment_days(desk.list, id(), 19_500).await.expect("days");
    assert_eq!(days, [SegmentDay { day: 19_000, members: 5, joined: 0, left: 0 }, day(4, 4, 2)]);
    let fourth = SegmentWrite {
        gone: vec![1],
        followed: Vec::new(),
        blocks: Vec::new(),
        due: Vec::new(),
        days: vec![(id(), day(4, 0, 0))],
        days_since: 20_000,
        ..step(&desk, Some(3))
    };
    assert!(stored(store, fourth).await);
    assert_eq!(store.followed_segments(desk.list).await.expect("followed"), []);
    assert_eq!(store.member_blocks(desk.list, vec![0, 9]).await.expect("blocks"), []);
    assert_eq!(store.segment_days(desk.list, id(), 0).await.expect("days"), [day(4, 4, 2)]);
    assert_eq!(store.segment_feeds().await.expect("feeds")[0].due, None);
}

async fn events_are_numbered_by_account_and_lose_who_was_erased(desk: Desk) {
    let (store, account) = (desk.storage(), desk.account.no);
    assert!(!store.segment_events(account, 0, 10).await.expect("events").lost, "there was none");
    let first = SegmentWrite { events: vec![event(&desk, 1, 10), event(&desk, 2, 20)], ..step(&desk, None) };
    assert!(stored(store, first).await);
    let mut second = SegmentWrite { events: vec![event(&desk, 3, 30)], ..step(&desk, Some(1)) };
    second.erased = vec![ContactNo(2)];
    assert!(stored(store, second).await);
    let read = store.segment_events(account, 1, 10).await.expect("events");
    let rows: Vec<_> = read.events.iter().map(|event| (event.serial, event.number.0)).collect();
    assert_eq!((rows, read.last, read.lost), (vec![(2, 0), (3, 3)], 3, false));
    assert_eq!(read.events[1], SegmentEvent { serial: 3, ..event(&desk, 3, 30) });

    // The oldest go with new ones. A reader who has not seen them is told.
    let mut third = SegmentWrite { events: vec![event(&desk, 4, 40)], ..step(&desk, Some(2)) };
    third.events_since = Timestamp::from_millis(25);
    assert!(stored(store, third).await);
    let read = store.segment_events(account, 1, 10).await.expect("events");
    let serials: Vec<_> = read.events.iter().map(|event| event.serial).collect();
    assert_eq!((serials, read.last, read.lost), (vec![3, 4], 4, true));
    assert!(!store.segment_events(account, 2, 10).await.expect("events").lost);
    assert!(
        store.segment_events(account, 9, 10).await.expect("events").lost,
        "of a later state of the store"
    );
}

/// No step comes any more to a list whose last segment was deleted.
async fn an_erasure_takes_the_contact_out_of_events_that_nothing_follows(desk: Desk) {
    let store = desk.storage();
    desk.append(desk.batch(&[("a", &[]), ("b", &[])])).await;
    desk.apply_all().await;
    let events = SegmentWrite { events: vec![event(&desk, 1, 10), event(&desk, 2, 20)], ..step(&desk, None) };
    assert!(stored(store, events).await);
    assert_eq!(desk.erase(IdentifierKind::UserId, "a").await.len(), 1);
    let read = store.segment_events(desk.account.no, 0, 10).await.expect("events");
    assert_eq!(read.events.iter().map(|event| event.number.0).collect::<Vec<_>>(), [0, 2]);
}

/// Its filter may be that of a segment again before the last part is deleted: the members are gone by then.
async fn what_is_left_of_a_deleted_segment_is_of_no_segment(desk: Desk) {
    let store = desk.storage();
    let due = |number| DueContact { no: 1, number: ContactNo(number), at: Some(Timestamp::from_millis(70)) };
    let old = (id(), SegmentDay { day: 10, members: 1, joined: 1, left: 0 });
    let many = SegmentWrite { due: (1..=5_001).map(due).collect(), days: vec![old], ..step(&desk, None) };
    assert!(stored(store, many).await);
    let gone = |before| SegmentWrite {
        gone: vec![1],
        followed: Vec::new(),
        blocks: Vec::new(),
        due: Vec::new(),
        ..step(&desk, Some(before))
    };
    assert!(stored(store, gone(1)).await);
    let left = store.followed_segments(desk.list).await.expect("followed");
    assert_eq!(left.iter().map(|left| left.no).collect::<Vec<_>>(), [1]);
    assert_ne!(left[0].segment, id());
    assert_eq!(store.member_blocks(desk.list, vec![0, 9]).await.expect("blocks"), []);
    let other = ObjectId::from_bytes([8; 12]);
    let day = (other, SegmentDay { day: 20, ..old.1 });
    assert!(stored(store, SegmentWrite { days: vec![day], days_since: 11, ..gone(2) }).await);
    assert_eq!(store.followed_segments(desk.list).await.expect("followed"), []);
    assert_eq!(
        store.segment_days(desk.list, id(), 0).await.expect("days"),
        [],
        "it is older than all are stored"
    );
}

async fn a_list_that_is_forgotten_leaves_nothing(desk: Desk) {
    let store = desk.storage();
    let days = vec![(id(), SegmentDay { day: 1, members: 1, joined: 1, left: 0 })];
    assert!(stored(store, SegmentWrite { days, ..step(&desk, None) }).await);
    let other = ListNo(desk.list.0 + 1_000);
    let mut beside = step(&desk, None);
    beside.feed.list = other;
    assert!(stored(store, beside).await);
    while store.forget_segments(desk.list).await.expect("an answer") {}
    let lists: Vec<_> = store.segment_feeds().await.expect("feeds").iter().map(|feed| feed.list).collect();
    assert_eq!(lists, [other]);
    assert_eq!(store.followed_segments(desk.list).await.expect("followed"), []);
    assert_eq!(store.due_contacts(desk.list, Timestamp::from_millis(99), 9).await.expect("due"), []);
    assert_eq!(store.segment_days(desk.list, id(), 0).await.expect("days"), []);
    assert_eq!(store.due_contacts(other, Timestamp::from_millis(99), 9).await.expect("due").len(), 2);
}
